"""What is owed in credit, in the books and as a lock: paid off, lifted, or owed for good (P9.4, section 11)."""

import pytest
from django.db.models import F

from bookings.models import Booking
from bookings.operations import cancel_booking
from credits import queries
from credits.models import CreditLot, NegativeBalance
from instainstru import clock
from instainstru.refusals import Refused
from payments.ledger import books
from payments.models import AccountLock, JournalEntry, Payer, Payment
from payments.policy.accounts import Account
from tests.credits.chargebacks import give_up, let_stand, take_back
from tests.stage import Stage

pytestmark = [pytest.mark.rule("P9.4"), pytest.mark.rule("P11")]

ISSUED, SPENT = 12_000, 5_000  # what a middle cancellation gives, and what of it another lesson has reserved


@pytest.fixture
def given(stage: Stage) -> Booking:
    """A lesson that was cancelled in time for full credit (P7.2)."""
    booking = stage.book(hours_ahead=18)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    return booking


@pytest.fixture
def spent_on(stage: Stage, given: Booking) -> Booking:
    """The lesson that some of that credit is reserved for."""
    return stage.book(hours_ahead=200, credits=SPENT)


def is_locked(stage: Stage) -> bool:
    return Payer.objects.get(user=stage.student).is_locked


def balances(stage: Stage) -> dict[str, int]:
    """What the student has and owes, and what the platform has lost; the books agree with Stripe and the wallet."""
    assert stage.disorder() == []
    wallet = queries.balance_of(student_id=stage.student.pk, at=clock.now())
    return {
        "available": wallet.available,
        "reserved": wallet.reserved,
        "frozen": wallet.frozen,
        "owed": books.balance(Account.RECEIVABLE, owner_id=stage.student.pk),
        "lost": books.balance(Account.LOSSES),
    }


def test_what_was_spent_is_owed_and_locks_the_account(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)

    assert balances(stage) == {"available": 0, "reserved": SPENT, "frozen": 7_000, "owed": SPENT, "lost": -SPENT}
    lock = AccountLock.objects.get()
    assert (lock.reason, lock.reference, lock.lifted_at) == ("negative_balance", given.ref, None)
    with pytest.raises(Refused, match="account_locked"):
        stage.book(hours_ahead=300)


def test_nothing_spent_is_nothing_owed_and_no_lock(stage: Stage, given: Booking) -> None:
    take_back(given)

    assert balances(stage) == {"available": 0, "reserved": 0, "frozen": ISSUED, "owed": 0, "lost": 0}
    assert not is_locked(stage)


def test_a_grant_pays_it_off_and_the_last_cent_unlocks(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)

    stage.give_credit(4_999)
    assert (balances(stage)["owed"], is_locked(stage)) == (1, True)
    stage.give_credit(2_000)

    assert balances(stage) == {"available": 1_999, "reserved": SPENT, "frozen": 7_000, "owed": 0, "lost": 1_999}
    assert not is_locked(stage)
    entries = JournalEntry.objects.filter(cause__startswith="paid-off:").order_by("id")
    assert [(entry.rule, given.ref in entry.description) for entry in entries] == [("P9.4", True)] * 2


def test_what_a_cancellation_releases_pays_it_off(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)

    cancel_booking(booking=spent_on, actor=stage.student, now=clock.now())

    assert balances(stage) == {"available": 0, "reserved": 0, "frozen": 7_000, "owed": 0, "lost": -SPENT}
    assert not is_locked(stage)
    assert JournalEntry.objects.get(cause__startswith="paid-off:").operation.payment_id == spent_on.payment_id


def test_what_a_cancellation_issues_pays_it_off(stage: Stage, given: Booking, spent_on: Booking) -> None:
    other = stage.book(hours_ahead=20)
    take_back(given)

    cancel_booking(booking=other, actor=stage.student, now=clock.now())

    assert balances(stage) == {"available": 7_000, "reserved": SPENT, "frozen": 7_000, "owed": 0, "lost": -SPENT}
    assert Payment.objects.get(pk=other.payment_id).student_credit_cents == ISSUED


@pytest.mark.parametrize("granted", [0, 2_000, 5_000, 6_000])
def test_won_it_is_as_if_nothing_had_been(stage: Stage, given: Booking, spent_on: Booking, granted: int) -> None:
    take_back(given)
    if granted:
        stage.give_credit(granted)

    let_stand(given)

    available = ISSUED - SPENT + granted
    assert balances(stage) == {"available": available, "reserved": SPENT, "frozen": 0, "owed": 0, "lost": granted}
    assert not is_locked(stage)


def test_what_comes_back_is_a_new_credit_that_is_no_credit_of_the_booking(
    stage: Stage, given: Booking, spent_on: Booking, standing_clock
) -> None:
    take_back(given)
    stage.give_credit(2_000)
    standing_clock.advance(days=3)

    let_stand(given)

    lot = CreditLot.objects.filter(wallet=stage.student.pk).order_by("-id")[0]
    assert (lot.amount_cents, lot.available_cents, lot.reference) == (2_000, 2_000, "")
    assert (lot.issued_at, (lot.expires_at - lot.issued_at).days) == (clock.now(), 365)
    assert lot.movements.get().reference == given.ref  # the statement tells where it comes from
    assert queries.issued_for(reference=given.ref).spent == SPENT  # no more is owed if it is charged back again


def test_what_comes_back_pays_off_what_another_booking_owes(
    stage: Stage, given: Booking, spent_on: Booking, standing_clock
) -> None:
    other = stage.book(hours_ahead=20)
    cancel_booking(booking=other, actor=stage.student, now=clock.now())
    stage.book(hours_ahead=400, credits=ISSUED)  # 7 000 of the first credit are in it, and 5 000 of the other
    take_back(given)
    standing_clock.advance(minutes=1)
    take_back(other)
    assert balances(stage)["owed"] == ISSUED + 5_000
    stage.give_credit(1_000)

    let_stand(given)

    assert {balance.reference: balance.still_owed_cents for balance in NegativeBalance.objects.all()} == {
        given.ref: 0,
        other.ref: 4_000,
    }
    assert balances(stage)["owed"] == 4_000
    assert is_locked(stage)


@pytest.mark.parametrize("granted", [0, 2_000, 6_000])
def test_lost_what_was_spent_stays_owed(stage: Stage, given: Booking, spent_on: Booking, granted: int) -> None:
    take_back(given)
    if granted:
        stage.give_credit(granted)

    give_up(given)

    owed = max(0, SPENT - granted)
    assert balances(stage) == {
        "available": max(0, granted - SPENT),
        "reserved": SPENT,
        "frozen": 0,
        "owed": owed,
        "lost": granted - ISSUED,
    }
    assert is_locked(stage) == bool(owed)


def test_a_lock_comes_again_with_a_second_chargeback(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)
    let_stand(given)
    assert not is_locked(stage)

    take_back(given)

    assert is_locked(stage)
    assert balances(stage) == {"available": 0, "reserved": SPENT, "frozen": 7_000, "owed": SPENT, "lost": -SPENT}


def test_another_reason_keeps_the_account_locked(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)
    Payer.objects.get(user=stage.student).account_locks.create(
        reason=AccountLock.Reason.CHARGEBACK_LOST, reference=given.ref, locked_at=clock.now()
    )

    stage.give_credit(SPENT)

    assert is_locked(stage)


def test_what_is_owed_wrongly_is_found(stage: Stage, given: Booking, spent_on: Booking) -> None:
    take_back(given)
    NegativeBalance.objects.update(owed_cents=F("owed_cents") + 7)

    assert [(finding.invariant, finding.off_by) for finding in books.findings()] == [
        ("what a student owes agrees with the account", -7)
    ]
