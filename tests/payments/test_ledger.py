"""The database keeps the ledger: entries balance at commit, and nothing written is changed or taken away (design 5)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from credits.models import CreditMovement
from instainstru import clock
from payments import operations as payments
from payments.ledger import journal
from payments.models import JournalEntry, Posting
from payments.policy.accounts import Account, Line
from tests.stage import Stage

FUNDED = (Line(Account.PLATFORM, 500), Line(Account.FUNDING, -500))


def book(lines: tuple[Line, ...], *, cause: str = "test:1") -> None:
    with transaction.atomic():
        journal.write_for_platform(lines, cause=cause, rule="P5.5", description="Tried", now=clock.now())


def write_past_the_journal(*amounts: int, currency: str = "usd") -> None:
    """Write an entry with postings to one account, as code that goes round the journal might."""
    with transaction.atomic():
        entry = JournalEntry.objects.create(
            cause="test:1", rule="P5.5", description="Tried", occurred_at=clock.now()
        )  # fmt: skip
        Posting.objects.bulk_create(
            Posting(entry=entry, account=Account.PLATFORM, amount_cents=amount, currency=currency) for amount in amounts
        )


# --- What does not balance ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("amounts", [(500,), (500, -499), (1, 2, -4), (-1, -1)])
def test_an_entry_out_of_balance_is_refused_at_commit(transactional_db: None, amounts: tuple[int, ...]) -> None:
    with pytest.raises(IntegrityError, match="does not balance"):
        write_past_the_journal(*amounts)

    assert not JournalEntry.objects.exists()


def test_an_entry_without_postings_is_refused_at_commit(transactional_db: None) -> None:
    with pytest.raises(IntegrityError, match="it has no postings"):
        write_past_the_journal()


def test_a_posting_that_comes_later_is_weighed_with_the_others(transactional_db: None) -> None:
    book(FUNDED)
    (entry,) = JournalEntry.objects.all()

    with pytest.raises(IntegrityError, match="does not balance"):
        Posting.objects.create(entry=entry, account=Account.PLATFORM, amount_cents=1)

    assert entry.postings.count() == 2


def test_what_balances_only_across_currencies_is_refused(transactional_db: None) -> None:
    with pytest.raises(IntegrityError, match="posting_is_in_dollars"):
        write_past_the_journal(5, -5, currency="eur")


def test_a_posting_of_nothing_is_refused(transactional_db: None) -> None:
    with pytest.raises(IntegrityError, match="posting_moves_something"):
        write_past_the_journal(0)


def test_the_journal_itself_refuses_first(transactional_db: None) -> None:
    with pytest.raises(ValueError, match="do not balance"):
        book((Line(Account.PLATFORM, 500), Line(Account.FUNDING, -499)))


def test_lines_of_nothing_are_left_out_and_an_entry_of_nothing_is_not_written(transactional_db: None) -> None:
    book((*FUNDED, Line(Account.FEE_INCOME, 0)))
    book((Line(Account.PLATFORM, 0),), cause="test:2")

    (entry,) = JournalEntry.objects.all()
    assert entry.postings.count() == 2


def test_a_cause_books_once(transactional_db: None) -> None:
    book(FUNDED)

    with pytest.raises(IntegrityError, match="cause"):
        book(FUNDED)

    assert Posting.objects.count() == 2


# --- What is written stays ----------------------------------------------------------------------------------------

TABLES = {JournalEntry: "rule", Posting: "account", CreditMovement: "reference"}
CHANGES: dict[str, Callable[[type, str], object]] = {
    "an update": lambda model, field: model.objects.update(**{field: "other"}),
    "an update of one row": lambda model, field: model.objects.first().save(),
    "a deletion": lambda model, field: model.objects.all()._raw_delete("default"),
    "SQL's update": lambda model, field: sql(f"UPDATE {model._meta.db_table} SET {field} = 'other'"),
    "SQL's deletion": lambda model, field: sql(f"DELETE FROM {model._meta.db_table}"),
    "emptying": lambda model, field: sql(f"TRUNCATE {model._meta.db_table} CASCADE"),
}


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(("model", "field"), TABLES.items(), ids=[model.__name__ for model in TABLES])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nothing_written_is_changed_or_taken_away(stage: Stage, model: type, field: str, change: Callable) -> None:
    stage.give_credit(500)
    before = list(model.objects.order_by("pk").values())

    with pytest.raises(IntegrityError, match="append-only"):
        change(model, field)

    assert list(model.objects.order_by("pk").values()) == before != []


# --- Every entry says why -----------------------------------------------------------------------------------------


def test_every_entry_names_its_cause_its_rule_its_actor_and_stripes_object(stage: Stage) -> None:
    stage.give_credit(5_000, lasts=timedelta(days=60))
    booking = stage.book(hours_ahead=72, credits=5_000)
    stage.give_credit(100, lasts=timedelta(hours=1))
    stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)

    told = [
        (entry.cause.split(":")[0], entry.rule, entry.operation_id and entry.operation.kind, entry.payment_id)
        for entry in JournalEntry.objects.order_by("id")
    ]
    payment = booking.payment_id
    assert told == [
        ("funding", "P5.5", None, None),
        ("grant", "P9.1", None, None),
        ("grant", "P9.1", None, None),
        ("expiry", "P9.3", None, None),
        ("step", "P5.5", "settle", payment),
        ("step", "P5.5", "settle", payment),
        ("operation", "P5.5", "settle", payment),
    ]
    moved_at_stripe = JournalEntry.objects.filter(cause__startswith="step:").values_list("stripe_object_id", flat=True)
    assert [object_id[:3] for object_id in moved_at_stripe.order_by("id")] == ["pi_", "tr_"]


def test_a_grant_names_who_gave_it(stage: Stage, staff) -> None:
    payments.grant_credit(student=stage.student, cents=500, source_key="grant:x", now=clock.now(), actor=staff)

    assert JournalEntry.objects.get(cause="grant:x").actor == staff
