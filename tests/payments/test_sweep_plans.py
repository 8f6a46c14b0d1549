"""Each sweep finds what is due by its own small index, however many payments there are (design 4, "Load").

Among some thousands of rows, of which a few are due, with statistics as autovacuum keeps them: what would be done.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection, models
from django.db.models import QuerySet

from credits.models import CreditLot, Wallet
from instainstru import clock
from instainstru.accounts.models import Role, User
from payments.models import Operation, Payee, Payment, StripeEvent
from tests.bookings.factories import PaymentFactory
from tests.factories import UserFactory

pytestmark = pytest.mark.usefixtures("db", "standing_clock")

ROWS, DUE = 4_000, 5
HOUR = timedelta(hours=1)


@pytest.fixture
def payments() -> None:
    """Thousands of settled payments; some hundreds are due tomorrow, a few are due now."""
    template = PaymentFactory()
    now = clock.now()
    rows = []
    for number in range(ROWS):
        at = now - HOUR if number < DUE else now + 24 * HOUR if number < ROWS // 20 else None
        row = _copy_of(template, reference=f"bk_many{number}")
        row.authorize_at = row.expire_at = row.warn_at = row.settle_at = row.capture_before = at
        if at is None:
            row.status, row.settlement_outcome, row.settled_at = "settled", "lesson_completed_full_payout", now
        rows.append(row)
    Payment.objects.bulk_create(rows)
    _analyze(Payment)


@pytest.fixture
def operations(payments: None) -> None:
    """An operation each, all done but a few."""
    now = clock.now()
    Operation.objects.bulk_create(
        Operation(
            payment_id=payment_id,
            number=1,
            kind="settle",
            state="open" if number < DUE else "done",
            policy_version="2.1.1",
            rule="P5.5",
            plan={},
            digest="",
            party="system",
            accepted_at=now,
            finished_at=None if number < DUE else now,
            conclusion=None if number < DUE else {},
        )
        for number, payment_id in enumerate(Payment.objects.order_by("-id").values_list("id", flat=True))
    )
    _analyze(Operation)


@pytest.fixture
def lots() -> None:
    """Credit of which nearly all is spent; of what is left of it all but a few owners have been told."""
    wallet = Wallet.objects.create(student=UserFactory())
    now = clock.now()
    CreditLot.objects.bulk_create(
        CreditLot(
            wallet=wallet,
            amount_cents=100,
            available_cents=100 if number < ROWS // 20 else 0,
            consumed_cents=0 if number < ROWS // 20 else 100,
            source_key=f"many:{number}",
            issued_at=now - 400 * 24 * HOUR,
            expires_at=now - HOUR if number < DUE else now + number * HOUR,
            expiry_warnings=0 if number < 2 * DUE else 2,
        )
        for number in range(ROWS)
    )
    _analyze(CreditLot)


@pytest.fixture
def events() -> None:
    """Stripe's events, all applied but a few."""
    now = clock.wall()
    StripeEvent.objects.bulk_create(
        StripeEvent(
            event_id=f"evt_{number}",
            type="charge.updated",
            payload={},
            received_at=now,
            next_try_at=now - HOUR if number < DUE else None,
            applied_at=None if number < DUE else now,
        )
        for number in range(ROWS)
    )
    _analyze(StripeEvent)


@pytest.fixture
def payees() -> None:
    """Instructors of whose events Stripe was asked, one after the other."""
    now = clock.wall()
    users = User.objects.bulk_create(
        User(email=f"teacher-{number}@example.com", name="Terry Teacher", role=Role.INSTRUCTOR)
        for number in range(ROWS)
    )
    Payee.objects.bulk_create(
        Payee(user=user, account_id=f"acct_{number}", events_asked_at=now - number * HOUR)
        for number, user in enumerate(users)
    )
    _analyze(Payee)


def swept_payments(scope: Callable[[QuerySet], QuerySet], order: str) -> Callable[[], QuerySet]:
    def query() -> QuerySet:
        due = scope(Payment.objects.all()).without_open_operation()
        return due.free_to_claim(at=clock.wall(), order=(order, "id"), limit=100)

    return query


def expiring_lots(*, warning: int, ahead: timedelta) -> Callable[[], QuerySet]:
    def query() -> QuerySet:
        lots = CreditLot.objects.spendable(at=clock.now()).filter(expires_at__lte=clock.now() + ahead)
        return lots.filter(expiry_warnings__lt=warning).order_by("expires_at", "id").values("id")[:100]

    return query


SWEEPS: dict[str, tuple[str, Callable[[], QuerySet], str]] = {
    "authorizations due": (
        "operations",
        swept_payments(lambda payments: payments.due_for_authorization(at=clock.now()), "authorize_at"),
        "payment_authorize_at",
    ),
    "unpaid expired": (
        "operations",
        swept_payments(lambda payments: payments.due_for_expiry(at=clock.now()), "expire_at"),
        "payment_expire_at",
    ),
    "settlements due": (
        "operations",
        swept_payments(lambda payments: payments.due_for_settlement(at=clock.now()), "settle_at"),
        "payment_settle_at",
    ),
    "holds lapsed": (
        "operations",
        lambda: (
            Payment.objects.due_to_lapse(at=clock.now())
            .without_open_operation()
            .order_by("capture_before", "id")
            .values("id")[:100]
        ),
        "payment_capture_before",
    ),
    "final warnings": (
        "payments",
        lambda: Payment.objects.due_for_warning(at=clock.now()).order_by("warn_at", "id").values("id")[:100],
        "payment_warn_at",
    ),
    "unfinished operations": (
        "operations",
        lambda: (
            Operation.objects.resumable(now=clock.now(), wall=clock.wall())
            .order_by("resume_at", "id")
            .values("id")[:100]
        ),
        "operation_open or payment_has_one_open_operation",  # both hold the open ones and nothing else
    ),
    "credits expired": (
        "lots",
        lambda: CreditLot.objects.expired(at=clock.now()).order_by("expires_at", "id").values("wallet_id")[:100],
        "credit_lot_expiring",
    ),
    "credits expiring in a month": ("lots", expiring_lots(warning=1, ahead=30 * 24 * HOUR), "credit_lot_first_warning"),
    "credits expiring in a week": ("lots", expiring_lots(warning=2, ahead=7 * 24 * HOUR), "credit_lot_last_warning"),
    "missed events": (
        "payees",
        lambda: Payee.objects.longest_not_asked_first().values("account_id")[:25],
        "payee_events_asked_longest_ago",
    ),
    "unapplied events": (
        "events",
        lambda: StripeEvent.objects.due(at=clock.wall()).free_to_claim(
            at=clock.wall(), order=("next_try_at", "id"), limit=100
        ),
        "stripe_event_due",
    ),
}


@pytest.mark.parametrize(("rows", "query", "index"), SWEEPS.values(), ids=SWEEPS)
def test_a_sweep_finds_what_is_due_by_its_own_index(
    request: pytest.FixtureRequest, rows: str, query: Callable[[], QuerySet], index: str
) -> None:
    request.getfixturevalue(rows)

    plan = list(_nodes(json.loads(query().explain(format="json"))[0]["Plan"]))

    assert set(index.split(" or ")) & {node.get("Index Name") for node in plan}
    assert "Seq Scan" not in {
        node["Node Type"] for node in plan if node.get("Relation Name") == query().model._meta.db_table
    }


def _nodes(node: dict) -> Iterator[dict]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _copy_of(payment: Payment, **changes: object) -> Payment:
    values = {field.attname: getattr(payment, field.attname) for field in Payment._meta.fields if not field.primary_key}
    return Payment(**values | changes)


def _analyze(model: type[models.Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {model._meta.db_table}")
