"""Each invariant is made false once, past every guard of the database or at Stripe, and has to be noticed."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from instainstru.local.simulation.invariants import broken
from instainstru.local.simulation.looks import Look, Sent, Watch
from instainstru.local.simulation.play import Player
from instainstru.local.simulation.story import BEGINNING, Faults, Lesson, Step, Story
from instainstru.local.simulation.world import World
from instainstru.local.simulator import SimulatorControl
from payments.models import Payment
from payments.models import Step as Call
from payments.policy.states import Action, PaymentStatus
from payments.policy.states import Call as Kind

SETTLED, AHEAD = 1, 2  # lessons, as they are in the world of these tests
LESSONS = tuple(
    Lesson(
        number=number,
        student=0,
        instructor=0,
        booked_at=BEGINNING,
        starts_at=BEGINNING + timedelta(hours=hours),
        minutes=60,
        price=12_000,
        credits=credits,
    )
    for number, hours, credits in ((SETTLED, 30, 5_000), (AHEAD, 200, 2_000))
)
PAID = "(SELECT id FROM payments_payment WHERE status = 'settled')"
SCHEDULED = "(SELECT id FROM payments_payment WHERE status = 'scheduled')"
POSTED = f"UPDATE payments_posting SET account = %s WHERE payment_id = {PAID} AND account = %s"

# What is wrong, as the invariant calls it, and the change to a row that makes it so.
PLANTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "books sum to zero": ("UPDATE payments_posting SET amount_cents = 7 WHERE account = 'fee_income'", ()),
    "every cent captured is somewhere": (POSTED, ("stripe_fees", "fee_income")),
    "what moved is posted": (f"UPDATE payments_payment SET paid_cents = 1 WHERE id = {PAID}", ()),
    "held is what the card paid": (f"UPDATE payments_payment SET captured_cents = 1 WHERE id = {SCHEDULED}", ()),
    "a settled payment holds nothing": (POSTED, ("funds_held", "fee_income")),
    "what was earned is paid out": (POSTED, ("fee_income", "instructor_earnings")),
    "the bank has what is in dispute": (POSTED, ("card_in_dispute", "fee_income")),
    "no lot is negative": ("UPDATE credits_creditlot SET available_cents = -1, expired_cents = 1", ()),
    "every cent of a lot is in one state": ("UPDATE credits_creditlot SET amount_cents = amount_cents + 1", ()),
    "a wallet is what is booked": (
        "UPDATE credits_creditlot SET amount_cents = amount_cents + 1, available_cents = available_cents + 1",
        (),
    ),
    "a debt is what is booked": (f"UPDATE payments_payment SET owed_cents = 1 WHERE id = {SCHEDULED}", ()),
    "reserved until used": ("UPDATE credits_reservation SET cents = cents + 1", ()),
    "one open operation": (f"UPDATE payments_operation SET state = 'open' WHERE payment_id = {PAID}", ()),
    "Stripe agrees on captured, refunded, paid out, charged back": (
        f"UPDATE payments_payment SET captured_cents = captured_cents - 1 WHERE id = {PAID}",
        (),
    ),
    "Stripe agrees on the hold": (f"UPDATE payments_payment SET authorized_cents = 5 WHERE id = {SCHEDULED}", ()),
    "Stripe agrees on balances": (POSTED, ("stripe_fees", "platform_balance")),
    "no card is asked for nothing": (f"UPDATE payments_payment SET reference = 'bk_other' WHERE id = {PAID}", ()),
    "terms are frozen": (f"UPDATE payments_payment SET tier = 'pro' WHERE id = {SCHEDULED}", ()),
    "terms are reckoned right": (f"UPDATE payments_payment SET student_fee_cents = 1 WHERE id = {SCHEDULED}", ()),
    "settled is final": (f"UPDATE payments_payment SET settlement_outcome = 'admin_refund' WHERE id = {PAID}", ()),
    "it ends as the policy says": (
        f"UPDATE payments_payment SET settlement_outcome = 'student_cancel_12_24_full_credit' WHERE id = {PAID}",
        (),
    ),
}


@pytest.fixture
def world(stripe: SimulatorControl, start_over: Callable[[], None]) -> Iterator[World]:
    """One lesson taken and paid, with credits too, and one that is far ahead."""
    start_over()
    world = World(Story(seed=0, faults=Faults.NONE, lessons=LESSONS, steps=()), stripe)
    with world.alive():
        player = Player(world)
        for number, (do, lesson, after) in enumerate(
            [("book", SETTLED, 0), ("book", AHEAD, 0), ("nothing_but_time", None, 56)], start=1
        ):
            step = Step(number=number, at=BEGINNING + timedelta(hours=after), do=do, lesson=lesson)
            _, wrong = player.play(step)
            assert wrong == []
        yield world
    world.leave()


def test_a_wrong_row_is_noticed(world: World) -> None:
    before = Watch(world).look()
    unnoticed = []

    for invariant, (statement, values) in PLANTED.items():
        with transaction.atomic(), connection.cursor() as cursor:
            _let_guards_sleep(cursor)
            cursor.execute(statement, values)
            if invariant not in _names(broken(before, Watch(world).look())):
                unnoticed.append(invariant)
            transaction.set_rollback(True)

    assert unnoticed == []
    assert broken(before, Watch(world).look()) == []


def test_what_happens_at_stripe_alone_is_noticed(world: World) -> None:
    look = Watch(world).look()
    (paid,) = [payment for payment in look.payments.values() if payment.status == PaymentStatus.SETTLED]

    assert "one live hold" in _names(broken(look, replace(look, holds=Counter({paid.reference: 2}))))
    twice = _at_stripe(look, paid, refunded=paid.captured_cents, disputed=1)
    assert "a cardholder is paid back once" in _names(broken(look, twice))
    moved = _at_stripe(look, paid, transferred=paid.captured_cents)
    assert {"settled is final", "every cent captured is somewhere"} <= _names(broken(look, moved))


def test_what_is_done_under_review_is_noticed(world: World) -> None:
    look = Watch(world).look()
    (ahead,) = [payment for payment in look.payments.values() if payment.status == PaymentStatus.SCHEDULED]
    under_review = replace(look, freezes={ahead.pk: {1}})
    capture = Sent(ahead.pk, Action.SETTLE, Kind.CAPTURE, Call.State.SUCCEEDED)
    captured = _at_stripe(under_review, ahead, captured=1)

    sent = replace(under_review, sent={**look.sent, 1_000_000: capture})
    assert "under review nothing is sent" in _names(broken(under_review, sent))
    assert "under review nothing is captured" in _names(broken(under_review, captured))
    on_its_way = replace(capture, state=Call.State.SENT)
    earlier = replace(under_review, sent={**look.sent, 1_000_000: on_its_way})
    answered = replace(captured, sent={**look.sent, 1_000_000: capture})
    assert not {"under review nothing is sent", "under review nothing is captured"} & _names(broken(earlier, answered))


def _at_stripe(look: Look, payment: Payment, **more: int) -> Look:
    """The same look, had Stripe moved so much more for a payment."""
    groups = copy.deepcopy(look.at_stripe)
    nothing = dict.fromkeys(("held", "captured", "refunded", "transferred", "reversed", "disputed"), 0)
    group = groups.setdefault(payment.reference, nothing | {"payment_intents": []})
    for name, cents in more.items():
        group[name] += cents
    return replace(look, at_stripe=groups)


def _names(lines: list[str]) -> set[str]:
    return {line.partition(":")[0] for line in lines}


def _let_guards_sleep(cursor: object) -> None:
    """Take away, until it is rolled back, what keeps a wrong row out: triggers, checks and unique indexes."""
    cursor.execute("SET LOCAL session_replication_role = replica")  # type: ignore[attr-defined]
    cursor.execute(  # type: ignore[attr-defined]
        """
        DO $$ DECLARE it record; BEGIN
            FOR it IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
                       WHERE contype = 'c' AND connamespace = 'public'::regnamespace LOOP
                EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', it.name, it.conname);
            END LOOP;
            DROP INDEX payment_has_one_open_operation;
        END $$
        """
    )
