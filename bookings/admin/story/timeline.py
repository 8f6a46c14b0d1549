"""One timeline of everything that happened to a booking, merged in order of time.

Where instants are equal, causes come before effects (`Rank`), operation by operation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from django.urls import reverse

from bookings.admin.story import entries
from bookings.admin.story.entries import Entry, Rank
from bookings.admin.story.operations import operation_told
from bookings.admin.story.records import Records
from bookings.admin.words import in_short, staff_action_in_words
from credits.models import CreditMovement
from instainstru.notifications import rendering
from instainstru.notifications.kinds import kind_of
from instainstru.notifications.models import Message
from payments.admin.words import (
    ACCOUNTS,
    PARTIES,
    in_words,
)
from payments.models import JournalEntry, Operation
from payments.policy.states import Party


def timeline_of(records: Records) -> list[Entry]:
    """Return everything that happened so far, the first first."""
    told: list[Entry] = [
        *_of_the_lesson(records),
        *_of_entries(records),
        *_of_cases(records),
        *_of_staff(records),
        *_of_credits(records),
        *_of_moves(records),
        *_of_messages(records),
    ]
    for operation in records.operations:
        told += operation_told(operation, records.booking)
    return sorted(told, key=attrgetter("at", "order"))


def _of_the_lesson(records: Records) -> Iterator[Entry]:
    booking = records.booking
    yield entries.Lesson(
        at=booking.made_at, order=(0, Rank.BEFORE), what="The student asked for the lesson.", note=booking.student_note
    )
    if booking.confirmed_at:
        yield _lesson(records, booking.confirmed_at, "The booking is confirmed and holds its time.")
    if booking.marked_complete_at:
        yield _lesson(records, booking.marked_complete_at, "The instructor marked the lesson complete.")
    elif booking.completed_at:
        yield _lesson(records, booking.completed_at, "The lesson counts as given.")
    if booking.cancelled_at:
        by = PARTIES[Party(booking.cancelled_by)].lower()
        yield _lesson(
            records,
            booking.cancelled_at,
            f"The booking is cancelled by the {by}; its time is free.",
            note=booking.cancellation_reason,
        )


def _lesson(records: Records, at: datetime, what: str, *, note: str = "") -> Entry:
    return entries.Lesson(at=at, order=(_number_at(records, at), Rank.LESSON), what=what, note=note)


def _of_entries(records: Records) -> Iterator[Entry]:
    """An entry that books a step stands right after it; the others after their operation's end."""
    steps = {
        f"step:{step.pk}": (operation.number, Rank.CALLED, place)
        for operation in records.operations
        for place, step in enumerate(operation.steps.all())
    }
    numbers = {operation.pk: operation.number for operation in records.operations}
    for place, entry in enumerate(records.entries):
        number = numbers.get(entry.operation_id or 0)
        at_the_end = (number or _number_at(records, entry.occurred_at), Rank.BOOKED, place)
        yield entries.Booked(
            at=entry.occurred_at,
            order=(*steps[entry.cause], place) if entry.cause in steps else at_the_end,
            operation=number,
            what=entry.description,
            rule=entry.rule,
            cause=entry.cause,
            url=reverse("admin:payments_journalentry_change", args=[entry.pk]),
            stripe_object_id=entry.stripe_object_id,
            lines=tuple(_lines(entry)),
        )


def _lines(entry: JournalEntry) -> Iterator[entries.Line]:
    """Debits before credits, as in any journal."""
    for posting in sorted(entry.postings.all(), key=lambda posting: posting.amount_cents < 0):
        cents = posting.amount_cents
        yield entries.Line(
            account=in_words(posting.account, ACCOUNTS),
            owner=posting.owner.name if posting.owner else "",
            debit=cents if cents > 0 else None,
            credit=-cents if cents < 0 else None,
        )


def _of_credits(records: Records) -> Iterator[Entry]:
    for place, movement in enumerate(records.credit_movements):
        number = _operation_of(movement, records)
        yield entries.CreditsMoved(
            at=movement.moved_at,
            order=(number, Rank.CREDITS, place),
            operation=number or None,
            what=movement.get_kind_display(),
            amount=movement.cents,
            lot=movement.lot_id,
            lot_url=reverse("admin:credits_creditlot_change", args=[movement.lot_id]),
            expires_at=movement.lot.expires_at,
        )


def _operation_of(movement: CreditMovement, records: Records) -> int:
    """Return the number of the operation that moved credits: its key names it, or its end has the same instant."""
    if movement.kind == CreditMovement.Kind.RESERVED:
        return _first(operation.number for operation in records.operations)
    return _first(
        operation.number
        for operation in records.operations
        if movement.reference == f"operation:{operation.pk}"
        or (
            operation.finished_at == movement.moved_at
            and (operation.conclusion or {}).get("credits", {}).get(movement.kind)
        )
    ) or _number_at(records, movement.moved_at)


def _of_moves(records: Records) -> Iterator[Entry]:
    for move in records.moves:
        number = _number_at(records, move.moved_at)
        yield entries.Moved(
            at=move.moved_at,
            order=(number, Rank.MOVED),
            operation=number or None,
            from_start=move.from_start,
            to_start=move.to_start,
            rule=move.rule,
        )


def _of_messages(records: Records) -> Iterator[Entry]:
    numbers = {f"operation:{operation.pk}": operation.number for operation in records.operations}
    for place, message in enumerate(records.messages):
        number = numbers.get(message.dedupe_key) or _number_at(records, message.queued_at)
        subject, text = _as_read(message)
        yield entries.Told(
            at=message.queued_at,
            order=(number, Rank.TOLD, place),
            operation=number or None,
            subject=subject,
            text=text,
            recipient=message.recipient.name,
            url=reverse("admin:notifications_message_change", args=[message.pk]),
            sent_at=message.sent_at,
            next_try_at=message.next_try_at,
            failure=message.failure,
        )


def _as_read(message: Message) -> tuple[str, str]:
    """Return subject and text; of what only the e-mail may hold, its kind alone."""
    if kind_of(message.key).is_shown_in_product:
        return rendering.subject_and_text(message)
    return in_short(message.key), ""


def _of_cases(records: Records) -> Iterator[Entry]:
    """What happened in a case stands before what it began at the same instant."""
    for place, news in enumerate(records.cases.news):
        yield entries.InACase(
            at=news.at,
            order=(_number_at(records, news.at), Rank.BEFORE, place),
            what=news.what,
            who=news.who,
            said=news.said,
            url=news.url,
            files=news.files,
        )


def _of_staff(records: Records) -> Iterator[Entry]:
    for place, action in enumerate(records.staff_actions):
        began = next((one for one in records.operations if one.number == _number_named(action.began)), None)
        yield entries.StaffDid(
            at=action.done_at,
            order=_before_what_it_began(began) if began else (_number_at(records, action.done_at), Rank.NOTED, place),
            operation=began.number if began else None,
            what=staff_action_in_words(action.action),
            who=action.actor.name,
            reason=action.reason,
            address=action.address or "",
            url=reverse("admin:instainstru_staffaction_change", args=[action.pk]),
            changes=tuple(
                (in_short(what), str(action.before.get(what, "")), str(now))
                for what, now in action.after.items()
                if action.before.get(what) != now
            ),
        )


def _before_what_it_began(operation: Operation) -> tuple[int, ...]:
    """A retry stands before the attempts that it made, giving up after the end, all else before the operation."""
    if operation.resolution:
        return (operation.number, Rank.ENDED, 1)
    attempts = (place for place, step in enumerate(operation.steps.all()) if step.attempt > 1)
    if (first_attempt := next(attempts, None)) is not None:
        return (operation.number, Rank.CALLED, first_attempt - 1, sys.maxsize)  # after what the refused one booked
    return (operation.number, Rank.BEFORE)


def _number_named(began: str) -> int:
    """Return the number in a name such as `operation:bk_7mv2-3`, or 0."""
    number = began.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _number_at(records: Records, at: datetime) -> int:
    """Return the number of the last operation that had been accepted by then, or 0."""
    return max((operation.number for operation in records.operations if operation.accepted_at <= at), default=0)


def _first(numbers: Iterable[int]) -> int:
    return next(iter(numbers), 0)
