"""Whoever comes first: what is owed is paid off once, and neither owed nor locked for longer than it is (P9.4)."""

from collections.abc import Callable

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking
from credits import queries
from credits.models import NegativeBalance
from instainstru import clock
from payments.ledger import books
from payments.models import JournalEntry, Payer
from payments.policy.accounts import Account
from tests.concurrency.meeting import at_once
from tests.credits.chargebacks import let_stand, take_back
from tests.stage import Stage

pytestmark = [pytest.mark.rule("P9.4"), pytest.mark.rule("P11")]


@pytest.fixture
def given(stage: Stage) -> Booking:
    booking = stage.book(hours_ahead=18)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    return booking


def release(stage: Stage, booking: Booking) -> Callable[[], object]:
    return lambda: cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def wallet(stage: Stage) -> tuple[int, int, int]:
    """What is available, frozen and owed, in books that agree."""
    assert stage.disorder() == []
    found = queries.balance_of(student_id=stage.student.pk, at=clock.now())
    return found.available, found.frozen, books.balance(Account.RECEIVABLE, owner_id=stage.student.pk)


def is_locked(stage: Stage) -> bool:
    return Payer.objects.get(user=stage.student).is_locked


def test_released_and_new_credit_pay_off_the_same_debt_once(stage: Stage, given: Booking) -> None:
    first, second = (stage.book(hours_ahead=hours, credits=3_000) for hours in (200, 300))
    take_back(given)  # 6 000 are owed, 6 000 frozen

    at_once([release(stage, first), release(stage, second), *[lambda: stage.give_credit(1_500) for _ in range(4)]])

    assert wallet(stage) == (6_000, 6_000, 0)
    balance = NegativeBalance.objects.get()
    assert (balance.paid_off_cents, balance.cleared_at) == (6_000, clock.now())
    assert not is_locked(stage)


def test_what_is_paid_off_while_it_is_lifted_comes_back(stage: Stage, given: Booking) -> None:
    spent_on = stage.book(hours_ahead=200, credits=4_000)
    take_back(given)

    at_once([lambda: let_stand(given), release(stage, spent_on), lambda: stage.give_credit(1_000)])

    assert wallet(stage) == (13_000, 0, 0)
    assert not is_locked(stage)


def test_credit_that_is_released_while_it_is_taken_back_is_frozen_or_pays_for_itself(
    stage: Stage, given: Booking
) -> None:
    spent_on = stage.book(hours_ahead=200, credits=4_000)

    at_once([lambda: take_back(given), release(stage, spent_on)])

    available, frozen, owed = wallet(stage)
    assert (available, owed) == (0, 0)
    assert frozen == 12_000 - sum(NegativeBalance.objects.values_list("paid_off_cents", flat=True))
    assert not is_locked(stage)


def test_two_bookings_that_release_into_two_debts_pay_the_older_one_first(
    stage: Stage, given: Booking, standing_clock
) -> None:
    other = stage.book(hours_ahead=20)
    cancel_booking(booking=other, actor=stage.student, now=clock.now())
    lessons = [stage.book(hours_ahead=200 + number, credits=6_000) for number in range(4)]
    take_back(other)
    standing_clock.advance(minutes=1)
    take_back(given)

    at_once([release(stage, lesson) for lesson in lessons[:3]])  # in the fourth is still what is owed for then

    assert wallet(stage) == (0, 0, 6_000)
    older, younger = NegativeBalance.objects.order_by("arose_at", "id")
    assert (older.reference, older.still_owed_cents) == (other.ref, 0)
    assert (younger.reference, younger.still_owed_cents) == (given.ref, 6_000)
    assert JournalEntry.objects.filter(cause__startswith="paid-off:").count() == 3
    assert is_locked(stage)
