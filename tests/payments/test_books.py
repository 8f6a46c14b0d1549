"""`verify_books` proves the books, and finds each kind of error that anybody could plant (design 5)."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from bookings.models import Booking
from bookings.operations import cancel_booking
from credits.models import CreditLot, Reservation
from instainstru import clock
from payments.ledger import books
from payments.models import JournalEntry, Payment, Posting
from payments.policy.accounts import Account
from tests.stage import Stage

HOUR = timedelta(hours=1)


@pytest.fixture
def settled(stage: Stage) -> Payment:
    """A settled lesson, beside one that was cancelled late and one whose credits are reserved; the books are right."""
    stage.give_credit(10_000)
    taken, cancelled = stage.book(hours_ahead=72, credits=5_000), stage.book(hours_ahead=80)
    stage.book(hours_ahead=240, credits=3_000)
    stage.travel_to(cancelled.starts_at - 6 * HOUR)
    cancel_booking(booking=cancelled, actor=stage.student, now=clock.now())
    stage.travel_to(taken.ends_at + 24 * HOUR, run_what_is_due_then=True)
    assert stage.disorder() == []
    return Payment.objects.get(pk=taken.payment_id)


@contextmanager
def past_every_trigger() -> Iterator[None]:
    """What is written inside is what no code of ours could write: the database looks away, as for a replica."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def step_entry(payment: Payment) -> JournalEntry:
    return payment.entries.filter(cause__startswith="step:").order_by("id").first()


def unbalanced(payment: Payment) -> None:
    Posting.objects.filter(entry=step_entry(payment), account=Account.STRIPE_FEES).update(
        amount_cents=F("amount_cents") + 1
    )


def missing_posting(payment: Payment) -> None:
    Posting.objects.filter(entry=step_entry(payment), account=Account.CONNECTED).delete()


def empty_entry(payment: Payment) -> None:
    Posting.objects.filter(entry=step_entry(payment)).delete()


def missing_entry(payment: Payment) -> None:
    missing = payment.entries.filter(cause__endswith=":finish")
    Posting.objects.filter(entry__in=missing).delete()
    missing.delete()


def payment_claims_more(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(paid_cents=F("paid_cents") + 1)


def payment_claims_a_refund(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(refunded_to_card_cents=100)


def unsettled_again(payment: Payment) -> None:
    Payment.objects.filter(pk=payment.pk).update(status="locked", settlement_outcome="")


def wallet_off(payment: Payment) -> None:
    lot = CreditLot.objects.filter(available_cents__gt=0).first()
    CreditLot.objects.filter(pk=lot.pk).update(
        available_cents=F("available_cents") + 7, amount_cents=F("amount_cents") + 7
    )


def reservation_lost(payment: Payment) -> None:
    Reservation.objects.all().delete()


def reservation_off(payment: Payment) -> None:
    Reservation.objects.update(cents=F("cents") + 7)


PLANTED: dict[str, tuple[Callable[[Payment], None], set[tuple[str, int]]]] = {
    "an entry that does not balance": (
        unbalanced,
        {("an entry balances", 1), ("charges and refunds are posted", 1)},
    ),
    "a posting that is gone": (missing_posting, {("an entry balances", -8_440), ("payouts are posted", -8_440),
                                                 ("earnings are paid out", -8_440)}),
    "an entry without postings": (
        empty_entry,
        {
            ("an entry balances", 0),
            ("payouts are posted", -8_440),
            ("earnings are paid out", -8_440),
            ("a settled payment holds nothing", 8_440),
        },
    ),
    "an entry that is gone": (
        missing_entry,
        {
            ("a settled payment holds nothing", -8_440),
            ("earnings are paid out", 10_560),
            ("a wallet agrees with its account", 5_000),
        },
    ),
    "a payout that was not posted": (
        payment_claims_more,
        {("payouts are posted", -1), ("charges and refunds are posted", 1)},
    ),
    "a refund that was not posted": (payment_claims_a_refund, {("charges and refunds are posted", 100)}),
    "a payment that is not settled and holds nothing": (unsettled_again, {("held is what the card paid", 8_440)}),
    "a lot that is worth more": (wallet_off, {("a wallet agrees with its account", -7)}),
    "a reservation that is gone": (reservation_lost, {("reservations agree with payments", -3_000)}),
    "a reservation of more": (reservation_off, {("reservations agree with payments", 7)}),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "expected"), PLANTED.values(), ids=PLANTED)
def test_each_kind_of_error_is_found_where_it_is(settled: Payment, plant, expected: set[tuple[str, int]]) -> None:
    with past_every_trigger():
        plant(settled)

    found = books.findings()

    assert {(finding.invariant, finding.off_by) for finding in found} == expected
    assert all(finding.where for finding in found)


def test_money_at_stripe_that_is_not_booked_is_found(stage: Stage, settled: Payment) -> None:
    stage.simulator.fund_platform(123)

    assert books.findings() == []
    (found,) = books.findings(ask_stripe=True)
    assert str(found) == "Stripe agrees: platform balance is off by -$1.23"


def test_an_instructors_balance_at_stripe_is_compared_too(stage: Stage, settled: Payment) -> None:
    with past_every_trigger():
        lines = Posting.objects.filter(entry__cause__startswith="step:", payment=settled)
        lines.filter(account=Account.CONNECTED).update(owner=stage.student)

    assert books.findings() == []
    (found,) = books.findings(ask_stripe=True)
    assert (found.where, found.off_by) == (settled.payee.account_id, -10_560)


@pytest.mark.parametrize("hours_ahead", [30, 18, 6])
@pytest.mark.parametrize("by", ["student", "instructor"])
def test_the_books_are_right_after_every_story(stage: Stage, by: str, hours_ahead: int) -> None:
    stage.give_credit(5_000)
    booking: Booking = stage.book(hours_ahead=72, credits=5_000)
    stage.travel_to(booking.starts_at - hours_ahead * HOUR)
    assert stage.disorder() == []

    cancel_booking(booking=booking, actor=getattr(stage, by), now=clock.now())

    assert stage.disorder() == []
    stage.travel(days=40)  # past every expiry
    assert stage.disorder() == []


# --- manage.py verify_books ---------------------------------------------------------------------------------------


def test_the_command_says_that_the_books_are_right(settled: Payment, capsys: pytest.CaptureFixture[str]) -> None:
    entries = JournalEntry.objects.count()

    call_command("verify_books")
    call_command("verify_books", "--stripe")
    call_command("verify_books", "--stripe", "--json")

    plain, compared, as_json = capsys.readouterr().out.splitlines()
    assert plain == f"The books balance: {entries} entries."
    assert compared == f"The books balance and agree with Stripe: {entries} entries."
    assert json.loads(as_json) == {"entries": entries, "findings": []}


def test_the_command_names_what_is_wrong_and_exits_with_1(
    stage: Stage, settled: Payment, capsys: pytest.CaptureFixture[str]
) -> None:
    with past_every_trigger():
        payment_claims_a_refund(settled)
    stage.simulator.fund_platform(123)

    for arguments in ([], ["--stripe"], ["--stripe", "--json"]):
        with pytest.raises(SystemExit) as exit_of:
            call_command("verify_books", *arguments)
        assert exit_of.value.code == 1

    *plain, as_json = capsys.readouterr().out.splitlines()
    refund = f"charges and refunds are posted: {settled.reference} is off by $1.00"
    assert plain == [refund, refund, "Stripe agrees: platform balance is off by -$1.23"]
    assert json.loads(as_json)["findings"] == [
        {"invariant": "charges and refunds are posted", "where": settled.reference, "off_by_cents": 100},
        {"invariant": "Stripe agrees", "where": "platform balance", "off_by_cents": -123},
    ]
