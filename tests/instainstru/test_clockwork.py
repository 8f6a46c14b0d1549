"""The one table of what runs when, in beat's own tables and read by beat's own scheduler."""

from datetime import timedelta
from typing import Any

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.core.management import call_command
from django.db.models import Q
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from instainstru.celery import app

pytestmark = pytest.mark.django_db

QUEUES = {"clockwork", "money", "messages"}  # what workers are started with


def sync() -> None:
    call_command("sync_clockwork", verbosity=0)


def rows() -> list[dict[str, Any]]:
    return list(PeriodicTask.objects.order_by("name").values("name", "task", "interval", "crontab", "enabled"))


@pytest.mark.django_db(transaction=True)  # beat closes connections and commits as it likes
def test_beats_own_scheduler_reads_every_entry(monkeypatch):
    # It reads crontabs only when their hour is near; the test is of every hour.
    monkeypatch.setattr(DatabaseScheduler, "_get_crontab_exclude_query", lambda _: Q(pk=None))
    sync()

    scheduled = DatabaseScheduler(app=app).schedule

    for name, entry in settings.CLOCKWORK.items():
        assert scheduled[name].task == entry["task"]
        if "every" in entry:
            assert scheduled[name].schedule.run_every == entry["every"]
            assert scheduled[name].options["expires"] == 10 * entry["every"].total_seconds()
        else:
            assert scheduled[name].schedule == entry["at"]
            assert "expires" not in scheduled[name].options


@pytest.mark.parametrize("entry", settings.CLOCKWORK.values(), ids=settings.CLOCKWORK)
def test_every_task_exists_and_goes_to_a_queue_that_a_worker_serves(entry):
    app.loader.import_default_modules()

    assert entry["task"] in app.tasks
    assert app.amqp.router.route({}, entry["task"])["queue"].name in QUEUES


def test_what_is_under_way_is_continued_before_anything_new_begins():
    """Workers serve `clockwork` before `money`: a dead one's operation does not wait behind a backlog."""
    app.loader.import_default_modules()

    def queue_of(task: str) -> str:
        return app.amqp.router.route({}, f"payments.tasks.{task}")["queue"].name

    assert queue_of("sweep_unfinished_operations") == queue_of("continue_operation") == "clockwork"
    assert queue_of("begin_due") == "money"


def test_writing_it_again_changes_nothing():
    sync()
    before = rows()

    sync()

    assert rows() == before


def test_what_differs_is_written_and_what_is_gone_removed(settings):
    sync()

    settings.CLOCKWORK = {"credits-expired": {"task": "payments.tasks.sweep_expired_credits", "at": crontab(hour=2)}}
    sync()

    entry = PeriodicTask.objects.get(description__startswith="Of settings.CLOCKWORK")
    assert (entry.name, entry.interval, entry.crontab.hour) == ("credits-expired", None, "2")


def test_what_staff_made_or_switched_off_stays():
    every_day = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.create(name="by hand", task="payments.tasks.sweep_expired_credits", interval=every_day)
    sync()
    PeriodicTask.objects.filter(name="credits-expired").update(enabled=False)

    sync()

    assert PeriodicTask.objects.filter(name="by hand", enabled=True).exists()
    assert not PeriodicTask.objects.get(name="credits-expired").enabled


@pytest.mark.parametrize(
    "entry",
    [
        {"task": "t", "every": timedelta(minutes=1), "expires": 30},
        {"task": "t"},
        {"task": "t", "every": timedelta(minutes=1), "at": crontab()},
    ],
    ids=["an unknown key", "never", "twice"],
)
def test_an_entry_that_beat_could_not_run_is_refused(settings, entry):
    settings.CLOCKWORK = {"wrong": entry}

    with pytest.raises(TypeError):
        sync()


def test_no_kind_of_task_holds_up_the_others():
    """A worker keeps in hand what is over a rate limit of Celery's, and takes nothing else: sweeps would wait."""
    app.loader.import_default_modules()

    assert {name for name, task in app.tasks.items() if task.rate_limit} == set()
