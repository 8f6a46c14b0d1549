"""`manage.py sync_clockwork`: write the one table of what runs when into django-celery-beat's (design 9)."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab, schedule
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import ModelEntry

OURS = "From settings.CLOCKWORK; `manage.py sync_clockwork` writes it anew."


class Command(BaseCommand):
    help = "Bring beat's tables in step with settings.CLOCKWORK. Entries that staff made by hand stay as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            gone, _ = PeriodicTask.objects.filter(description=OURS).exclude(name__in=settings.CLOCKWORK).delete()
            for name, entry in settings.CLOCKWORK.items():
                ModelEntry.from_entry(name, task=entry["task"], schedule=_schedule(entry), description=OURS)
            PeriodicTasks.update_changed()
        self.stdout.write(f"{len(settings.CLOCKWORK)} entries written, {gone} removed.")


def _schedule(entry: dict[str, Any]) -> schedule | crontab:
    every: timedelta | None = entry.get("every")
    return schedule(every) if every else entry["at"]
