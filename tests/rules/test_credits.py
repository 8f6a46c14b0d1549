"""Credits from their issue to their end: reserved, split, released, lost, expired, and every cent explained (P9)."""

from datetime import datetime, timedelta

import pytest

from bookings.models import Booking
from bookings.operations import cancel_booking, checkout
from credits import queries
from credits.models import CreditLot, CreditMovement
from instainstru import clock
from instainstru.local.scenarios.expectations import snapshot
from instainstru.notifications.models import Message
from payments import operations as payments
from payments.ledger import books
from payments.policy.accounts import Account
from payments.policy.plan import CreditMoves
from tests.rules.standing import credits_of, refused, stands
from tests.stage import Stage

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOT_STATES = ("available", "reserved", "consumed", "forfeited", "frozen", "revoked", "expired")


def lots() -> list[dict[str, int]]:
    """Return what every lot has in each state but nothing, the earliest expiring first."""
    return [
        {state: cents for state in LOT_STATES if (cents := getattr(lot, f"{state}_cents"))}
        for lot in CreditLot.objects.order_by("expires_at", "id")
    ]


def cancel(stage: Stage, booking: Booking, *, hours_ahead: float) -> None:
    stage.travel_to(booking.starts_at - hours_ahead * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


@pytest.mark.rule("P9.1")
def test_a_credit_issued_for_a_lesson_says_so_and_lasts_a_year(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)

    cancel(stage, booking, hours_ahead=18)

    lot = CreditLot.objects.get()
    assert (lot.amount_cents, lot.expires_at - lot.issued_at, lot.issued_at) == (12_000, 365 * DAY, clock.now())
    assert lot.source_key.startswith("operation:")


@pytest.mark.rule("P9.1")
@pytest.mark.rule("P9.2")
def test_what_expires_first_is_taken_first_and_a_lot_is_split(stage: Stage) -> None:
    for cents, days in ((3_000, 200), (4_000, 10), (6_000, 60)):
        stage.give_credit(cents, lasts=days * DAY)

    booking = stage.book(hours_ahead=72, credits=8_000)
    assert lots() == [{"reserved": 4_000}, {"available": 2_000, "reserved": 4_000}, {"available": 3_000}]
    cancel(stage, booking, hours_ahead=6)

    assert credits_of(booking) == CreditMoves(released=6_000, forfeited=2_000)
    assert lots() == [  # what is lost is what would have expired first
        {"available": 2_000, "forfeited": 2_000},
        {"available": 6_000},
        {"available": 3_000},
    ]


@pytest.mark.rule("P9.2")
def test_credits_are_reserved_before_any_money_moves_and_used_when_it_is_there(stage: Stage) -> None:
    stage.give_credit(5_000)
    stage.simulator.order_fault("authorize", "timeout_before")

    booking = stage.book(hours_ahead=20, credits=5_000)
    assert lots() == [{"reserved": 5_000}]
    stage.travel(minutes=2)
    stage.simulator.order_fault("capture", "timeout_before")
    cancel(stage, booking, hours_ahead=6)
    assert lots() == [{"reserved": 5_000}]
    stage.travel(minutes=2)

    assert lots() == [{"available": 5_000}, {"available": 1_000}]


@pytest.mark.rule("P9.2")
def test_nobody_reserves_more_than_there_is(stage: Stage) -> None:
    stage.give_credit(5_000)
    stage.give_credit(1_000, lasts=HOUR)
    stage.book(hours_ahead=72, credits=4_000)
    stage.travel(hours=1)  # at its expiry a credit can't be spent any more
    before = snapshot()

    with refused("credits_unavailable"):
        stage.book(hours_ahead=90, credits=2_001)

    assert snapshot() == before


@pytest.mark.rule("P1.5")
@pytest.mark.parametrize("credits", [12_001, 13_440])
def test_credits_never_pay_the_fee(stage: Stage, credits: int) -> None:
    stage.give_credit(20_000)

    with refused("credits_unavailable"):
        stage.book(hours_ahead=72, credits=credits)


@pytest.mark.rule("P9.3")
def test_a_reserved_credit_outlives_its_expiry_and_is_consumed(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=2 * DAY)
    booking = stage.book(hours_ahead=24 * 9, credits=4_000)

    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)

    assert lots() == [{"consumed": 4_000}]
    assert books.balance(Account.BREAKAGE) == 0


@pytest.mark.rule("P9.3")
def test_a_released_credit_has_its_old_expiry_and_if_that_is_past_it_expires_at_the_next_sweep(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=2 * DAY)
    stage.give_credit(4_000, lasts=20 * DAY)
    expiries = list(CreditLot.objects.order_by("expires_at").values_list("expires_at", flat=True))
    booking = stage.book(hours_ahead=24 * 9, credits=6_000)

    cancel(stage, booking, hours_ahead=30)
    assert lots() == [{"available": 4_000}, {"available": 4_000}]
    assert queries.balance_of(student_id=stage.student.pk, at=clock.now()).available == 4_000  # not to be spent again
    stage.travel(minutes=1)

    assert lots() == [{"expired": 4_000}, {"available": 4_000}]
    assert list(CreditLot.objects.order_by("expires_at").values_list("expires_at", flat=True)) == expiries
    assert books.balance(Account.BREAKAGE) == -4_000


@pytest.mark.rule("P9.3")
@pytest.mark.rule("P3.2")
def test_a_credit_expires_at_its_instant(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=2 * DAY)
    (expires_at,) = CreditLot.objects.values_list("expires_at", flat=True)

    stage.travel_to(expires_at)
    assert lots() == [{"available": 4_000}]
    stage.travel_to(expires_at, run_what_is_due_then=True)

    assert lots() == [{"expired": 4_000}]


@pytest.mark.rule("P9.1")
def test_a_student_is_told_30_and_7_days_before_a_credit_expires(stage: Stage) -> None:
    stage.give_credit(4_000, lasts=40 * DAY)
    (expires_at,) = CreditLot.objects.values_list("expires_at", flat=True)

    stage.travel(days=41)

    told: list[datetime] = list(
        Message.objects.filter(key="credit_expiring", recipient=stage.student)
        .order_by("id")
        .values_list("queued_at", flat=True)
    )
    assert [expires_at - at for at in told] == [30 * DAY, 7 * DAY]


@pytest.mark.rule("P9.1")
def test_the_statement_explains_every_cent(stage: Stage) -> None:
    stage.give_credit(3_000, lasts=5 * DAY)
    stage.give_credit(9_000, lasts=90 * DAY)
    late, taken = stage.book(hours_ahead=72, credits=8_000), stage.book(hours_ahead=80, credits=4_000)
    cancel(stage, late, hours_ahead=6)  # the target is 60.00, so 20.00 of its 80.00 are lost
    stage.travel_to(taken.ends_at + 24 * HOUR, run_what_is_due_then=True)
    stage.travel(days=100)

    moved = dict.fromkeys(CreditMovement.Kind.values, 0)
    for movement in queries.statement_of(student_id=stage.student.pk):
        moved[movement.kind] += movement.cents
    assert moved["issued"] == 12_000
    assert moved["reserved"] == moved["released"] + moved["consumed"] + moved["forfeited"]
    assert moved["issued"] == moved["consumed"] + moved["forfeited"] + moved["expired"]
    assert sum(lot.get("consumed", 0) for lot in lots()) == moved["consumed"] == 4_000
    assert sum(lot.get("forfeited", 0) for lot in lots()) == moved["forfeited"] == 2_000


@pytest.mark.rule("P9.2")
def test_a_checkout_that_is_refused_reserves_nothing(stage: Stage) -> None:
    stage.give_credit(5_000)
    stage.book(hours_ahead=72)

    with refused("slot_unavailable"):
        checkout(
            student=stage.student,
            service=stage.service,
            starts_at=clock.now() + 72 * HOUR,
            minutes=60,
            credits=5_000,
            now=clock.now(),
        )

    assert lots() == [{"available": 5_000}]


@pytest.mark.rule("P9.1")
def test_a_source_gives_once(stage: Stage) -> None:
    first = {"student": stage.student, "cents": 500, "source_key": "grant:once", "now": clock.now()}
    payments.grant_credit(**first)

    with pytest.raises(Exception, match="credit_lot_issued_once_per_source"):
        payments.grant_credit(**first)

    assert lots() == [{"available": 500}]
    assert stands(stage.book(hours_ahead=72, credits=500)) == ("confirmed", "scheduled", "")
