"""What chaos counts, and how."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instainstru import clock
from instainstru.local.chaos import diary
from instainstru.local.chaos.account import what_became_of
from instainstru.local.chaos.asking import Asked, Try
from instainstru.local.chaos.diary import Note
from instainstru.local.chaos.machines_report import Share, Taken
from instainstru.local.chaos.report import Phase, Speed, percentile


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(values, percent):
    ordered = sorted(values)

    found = percentile(ordered, percent)

    def share(limit: int) -> int:
        return 100 * sum(value <= limit for value in values)

    assert share(found) >= percent * len(values)
    assert all(share(value) < percent * len(values) for value in values if value < found)


def test_nothing_has_no_percentile():
    assert percentile([], 95) == 0.0


def test_a_phase_counts_what_was_asked_in_it_and_answered():
    def one(at: float, seconds: float, *, is_answered: bool = True) -> Try:
        return Try(kind="book", at=at, seconds=seconds, result="201", is_answered=is_answered)

    tries = [one(9.9, 5.0), one(10.0, 0.1), one(11.0, 0.3), one(12.0, 8.0, is_answered=False), one(20.0, 5.0)]

    speed = Speed.of(Phase(name="calm", began=10.0, ended=20.0), tries)

    assert (speed.answered, speed.per_second, speed.p50, speed.p95, speed.longest) == (2, 0.2, 100.0, 300.0, 300.0)


def test_what_became_of_what_got_no_answer():
    def asked(key: str, *, unanswered: int = 1, status: int | None = 201) -> Asked:
        return Asked(kind="book", email="sam@example.com", key=key, unanswered=unanswered, status=status)

    asked_for = [
        asked("kept"),
        asked("kept-and-unheard", status=None),
        asked("gone", status=409),
        asked("answered-at-once", unanswered=0),
        asked(""),  # a stranger's request has no key
    ]
    kept = {("sam@example.com", key): "operation:bk_1-1" for key in ("kept", "kept-and-unheard", "answered-at-once")}

    assert what_became_of(asked_for, kept) == Counter(
        {
            "happened once, told so when asked again": 1,
            "happened once, never heard of": 1,
            "did not happen, told so when asked again": 1,
        }
    )


def note(task: str, at: float, *, ended: bool = False, **about: int) -> Note:
    return Note(task=task, name="payments.tasks.begin_due", about=about, at=at, ended=ended)


NOTES = {
    "dead": [
        note("a", 1.0, payment_id=1),
        note("a", 2.0, ended=True, payment_id=1),
        note("b", 3.0, payment_id=2),
        note("c", 3.5, operation_id=30),  # of payment 3
        note("d", 3.6, payment_id=4),
    ],
    "other": [
        note("e", 3.7, payment_id=2),  # before the death: that was no taking over
        note("f", 9.0, operation_id=20),  # of payment 2
        note("g", 12.0, payment_id=2),
        note("g", 12.5, ended=True, payment_id=2),
        note("h", 11.0, payment_id=3),
    ],
}


def test_what_a_dead_machine_had_in_hand_is_taken_over_by_whoever_begins_it_next():
    taken = Taken.from_notes(NOTES, dead="dead", died=4.0, of_operation={20: 2, 30: 3})

    assert taken.by == {2: ("other", 5.0), 3: ("other", 7.0), 4: None}
    assert taken.seconds == [5.0, 7.0]


def test_a_machines_share_is_what_it_ended():
    shares = [Share.of(name, notes, died=4.0) for name, notes in NOTES.items()]

    assert [(share.ended_before, share.ended_after, share.in_hand) for share in shares] == [(1, 0, 3), (0, 1, 3)]


def test_a_diary_reads_as_it_was_written(tmp_path):
    path = tmp_path / "diary"
    line = {"task": "a", "name": "payments.tasks.begin_due", "about": {"payment_id": 1}, "at": 1.0, "ended": False}
    path.write_text(f"{json.dumps(line)}\n" * 2)

    assert list(diary.read(path)) == [note("a", 1.0, payment_id=1)] * 2
    assert list(diary.read(tmp_path / "of-nobody")) == []


def test_a_machines_clock_may_be_wrong_only_where_the_clock_travels(settings):
    before = clock.wall()
    try:
        clock.be_off_by(timedelta(hours=1))
        assert clock.wall() - before >= timedelta(hours=1)
    finally:
        clock.be_off_by(timedelta(0))
    settings.CLOCK_TRAVELS = False

    with pytest.raises(RuntimeError, match="travels only"):
        clock.be_off_by(timedelta(seconds=1))
