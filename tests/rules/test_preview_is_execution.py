"""What is shown is what is done: what is executed on random bookings is what was previewed, to the cent (design 3)."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from bookings.models import Booking, Instructor, Service
from bookings.operations import (
    cancel_booking,
    checkout,
    preview_cancellation,
    preview_reschedule,
    quote,
    reschedule_booking,
)
from bookings.operations.subject import BookingSubject
from credits.models import CreditLot
from instainstru import clock
from instainstru.money import dollars
from instainstru.refusals import Refused
from payments import operations as payments
from payments.models import Operation, Posting
from payments.policy.accounts import Account
from payments.policy.consequences import consequences_of
from payments.policy.decide import decide
from payments.policy.facts import Facts
from payments.policy.plan import CreditMoves, Plan
from payments.policy.pricing import lesson_price
from payments.policy.states import Action, Call, Party, PaymentStatus, Tier
from payments.rules import rules_of_version
from tests.rules.standing import credits_of, payment_of, refused
from tests.stage import Stage

MINUTE = timedelta(minutes=1)
DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A booking, what its student did with it before, and the action that is previewed and then done; in minutes."""

    hourly_price: int
    minutes: int
    tier: Tier
    credit: float  # the share of the price that is paid with credit
    booked: int  # ahead of the start
    moves: list[tuple[int, int]]  # asked for so long ahead of the start, by so much
    action: Action
    at: int  # ahead of the start; a settlement has its own time
    asleep: bool  # our clockwork is down on the way to it


EARLY, MIDDLE, LATE = (DAY, 4 * DAY), (DAY // 2, DAY - 1), (1, DAY // 2 - 1)


def within(*windows: tuple[int, int]) -> st.SearchStrategy[int]:
    """Return minutes ahead of the start: each window as likely as any other, and its edges likelier than its middle."""
    inside = [st.integers(first, last) for first, last in windows]
    return st.one_of(st.sampled_from([edge for window in windows for edge in window]), *inside)


stories = st.builds(
    Story,
    hourly_price=st.integers(6_000, 30_000),
    minutes=st.sampled_from([30, 45, 60, 90]),
    tier=st.sampled_from(Tier),
    credit=st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1)),
    booked=within(EARLY, EARLY, MIDDLE, LATE),
    moves=st.lists(st.tuples(within(EARLY, MIDDLE), st.integers(-DAY, 2 * DAY)), max_size=2),
    action=st.sampled_from([Action.STUDENT_CANCEL, Action.INSTRUCTOR_CANCEL, Action.RESCHEDULE, Action.SETTLE]),
    at=within(EARLY, MIDDLE, LATE, (-20, 0)),
    asleep=st.booleans(),
)


def worked(action: Action, **changes: Any) -> Story:
    """Return the worked example of policy section 13, booked three days ahead, with 50.00 of credit."""
    example = Story(
        hourly_price=12_000, minutes=60, tier=Tier.GROWTH, credit=5 / 12, booked=3 * DAY, moves=[], action=action,
        at=0, asleep=False,
    )  # fmt: skip
    return replace(example, **changes)


AN_18_HOURS_MOVE = [(18 * 60, 2 * DAY)]


@pytest.mark.rule("P5.5")
@pytest.mark.rule("P6.1")
@pytest.mark.rule("P6.2")
@pytest.mark.rule("P6.4")
@pytest.mark.rule("P7.1")
@pytest.mark.rule("P7.2")
@pytest.mark.rule("P7.3")
@pytest.mark.rule("P7.4")
@pytest.mark.rule("P7.5")
@pytest.mark.rule("P7.6")
@pytest.mark.rule("P7.8")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(story=worked(Action.SETTLE))  # P5.5
@example(story=worked(Action.RESCHEDULE, at=30 * 60))  # P6.1
@example(story=worked(Action.RESCHEDULE, at=18 * 60))  # P6.2
@example(story=worked(Action.RESCHEDULE, at=18 * 60, asleep=True))  # P6.2, and the hold is made for it
@example(story=worked(Action.SETTLE, moves=AN_18_HOURS_MOVE))  # P6.4
@example(story=worked(Action.STUDENT_CANCEL, at=DAY))  # P7.1
@example(story=worked(Action.STUDENT_CANCEL, at=18 * 60))  # P7.2
@example(story=worked(Action.STUDENT_CANCEL, at=6 * 60, credit=1.0))  # P7.3, and credits are lost
@example(story=worked(Action.STUDENT_CANCEL, at=18 * 60, moves=AN_18_HOURS_MOVE))  # P7.4
@example(story=worked(Action.STUDENT_CANCEL, at=6 * 60, moves=AN_18_HOURS_MOVE))  # P7.5
@example(story=worked(Action.INSTRUCTOR_CANCEL, at=6 * 60))  # P7.6
@example(story=worked(Action.INSTRUCTOR_CANCEL, at=6 * 60, moves=AN_18_HOURS_MOVE))  # P7.6, and the card is refunded
@example(story=worked(Action.STUDENT_CANCEL, at=6 * 60, asleep=True))  # P7.8
@given(story=stories)
def test_what_is_executed_is_what_was_previewed(stage: Stage, story: Story) -> None:
    booking = book(stage, story)
    for asked, by in story.moves:
        try_to_move(stage, booking, asked=asked, by=by)
    go_on_to(stage, booking, story)

    try:
        facts, plan = preview(stage, booking, story.action)
    except Refused as shown:
        event(f"refused: {shown.code}")
        with refused(shown.code):
            execute(stage, booking, story.action, preview=None)
    else:
        event(plan.rule)
        before = Picture(stage, booking)
        operation = execute(stage, booking, story.action, preview=plan.digest)
        compare(plan, operation, before, Picture(stage, booking))
        look_at_the_sentences(plan, facts)
    stage.travel(days=9)  # the next story finds nobody's time taken


# --- Playing a story ------------------------------------------------------------------------------------------------


def book(stage: Stage, story: Story) -> Booking:
    """Book by a quote, and compare what was quoted with what came of it."""
    Instructor.objects.update(tier=story.tier)
    Service.objects.update(hourly_price_cents=story.hourly_price)
    stage.service = Service.objects.select_related("instructor__user").get(pk=stage.service.pk)
    price = lesson_price(hourly_price=story.hourly_price, minutes=story.minutes)
    if credits := int(price * story.credit):
        stage.give_credit(credits, lasts=timedelta(days=300))
    lesson = {
        "service": stage.service,
        "starts_at": clock.now() + story.booked * MINUTE,
        "minutes": story.minutes,
        "credits": credits,
        "now": clock.now(),
    }
    quoted = quote(**lesson)

    operation = checkout(student=stage.student, preview=quoted.digest, **lesson)

    booking = Booking.objects.get(payment_id=operation.payment_id)
    after = Picture(stage, booking)
    compare(quoted.plan, operation, after.with_nothing_moved(), after)
    assert payment_of(booking).terms == quoted.terms
    said = amounts(quoted.plan.to_student), amounts(quoted.plan.to_instructor)
    assert said == ({dollars(quoted.terms.card_total)}, {dollars(quoted.terms.payout)})
    return booking


def try_to_move(stage: Stage, booking: Booking, *, asked: int, by: int) -> None:
    booking.refresh_from_db()
    travel_if_ahead(stage, booking, asked)
    with suppress(Refused):
        execute(stage, booking, Action.RESCHEDULE, preview=None, by=by)


def go_on_to(stage: Stage, booking: Booking, story: Story) -> None:
    booking.refresh_from_db()
    at = -story.minutes - DAY if story.action == Action.SETTLE else story.at
    travel_if_ahead(stage, booking, at, asleep=story.asleep)


def travel_if_ahead(stage: Stage, booking: Booking, minutes: int, *, asleep: bool = False) -> None:
    if (instant := booking.starts_at - minutes * MINUTE) > clock.now():
        (stage.stand_at if asleep else stage.travel_to)(instant)


def preview(stage: Stage, booking: Booking, action: Action) -> tuple[Facts, Plan]:
    """Return what is shown to the one who asks, and the facts of then."""
    booking = Booking.objects.get(pk=booking.pk)
    facts = payments.facts_of(BookingSubject(booking))
    match action:
        case Action.SETTLE:
            plan = decide(facts, action, clock.now(), rules=rules_of_version(booking.payment.policy_version))
        case Action.RESCHEDULE:
            plan = preview_reschedule(booking=booking, new_starts_at=later(booking), now=clock.now())
        case _:
            plan = preview_cancellation(booking=booking, actor=who(stage, action), now=clock.now())
    return facts, plan


def execute(stage: Stage, booking: Booking, action: Action, *, preview: str | None, by: int = 2 * DAY) -> Operation:
    booking = Booking.objects.get(pk=booking.pk)
    asked: dict[str, Any] = {"booking": booking, "actor": who(stage, action), "preview": preview, "now": clock.now()}
    match action:
        case Action.SETTLE:
            operation = payments.begin(
                kind=action, payment_id=booking.payment_id, party=Party.SYSTEM, preview=preview, now=clock.now()
            )
            return payments.perform(operation)
        case Action.RESCHEDULE:
            return reschedule_booking(new_starts_at=later(booking, by=by), **asked)
        case _:
            return cancel_booking(**asked)


def later(booking: Booking, *, by: int = 2 * DAY) -> Any:
    return booking.starts_at + by * MINUTE


def who(stage: Stage, action: Action) -> Any:
    return stage.instructor if action == Action.INSTRUCTOR_CANCEL else stage.student


# --- Comparing ------------------------------------------------------------------------------------------------------


class Picture:
    """What has moved for a booking so far: at Stripe, in its credits, and in the student's wallet. Cents."""

    def __init__(self, stage: Stage, booking: Booking) -> None:
        self.at_stripe = Counter(
            {
                name: cents
                for name, cents in stage.simulator.summary()["groups"].get(booking.ref, {}).items()
                if isinstance(cents, int)
            }
        )
        self.credits = credits_of(booking)
        sums = CreditLot.objects.aggregate(available=Sum("available_cents"), reserved=Sum("reserved_cents"))
        self.wallet = (sums["available"] or 0) + (sums["reserved"] or 0)  # of our only student, expired or not

    def with_nothing_moved(self) -> Picture:
        """Return the picture of the moment before a booking: no credit has gone or come since."""
        before = copy(self)
        before.at_stripe, before.credits = Counter(), CreditMoves()
        return before


def compare(plan: Plan, operation: Operation, before: Picture, after: Picture) -> None:
    """The plan that was kept is the one that was shown, and its steps and lines are what moved."""
    assert Plan.from_json(operation.plan) == plan
    assert operation.is_done
    assert booked(operation, "finish") == {line.account: line.amount for line in plan.ending.lines}

    calls: Counter[Call] = Counter()
    for step in plan.steps:
        calls[step.call] += step.amount
    transferred = sum(step.transfer for step in plan.steps if step.call == Call.CAPTURE)
    out = transferred + calls[Call.PAY] - calls[Call.REVERSE]

    def moved(name: str) -> int:
        return after.at_stripe[name] - before.at_stripe[name]

    assert moved("held") == calls[Call.AUTHORIZE] - calls[Call.CAPTURE] - calls[Call.VOID]
    assert (moved("captured"), moved("refunded")) == (calls[Call.CAPTURE], calls[Call.REFUND])
    assert moved("transferred") - moved("reversed") == out
    lines = {
        Account.PLATFORM: calls[Call.CAPTURE] - calls[Call.REFUND] - out,
        Account.HELD: calls[Call.REFUND] - calls[Call.CAPTURE],
        Account.CONNECTED: out,
    }
    assert booked(operation, "step") == {account: cents for account, cents in lines.items() if cents}

    gave = plan.ending.credits
    assert after.credits == CreditMoves(
        released=before.credits.released + gave.released,
        issued=before.credits.issued + gave.issued,
        forfeited=before.credits.forfeited + gave.forfeited,
        consumed=before.credits.consumed + gave.consumed,
    )
    assert after.wallet - before.wallet == gave.issued - gave.used


def booked(operation: Operation, moment: str) -> dict[str, int]:
    """Return what an operation's steps, or its finish, put on each account; Stripe's fees are the platform's here."""
    prefix = "step:" if moment == "step" else f"operation:{operation.pk}:finish"
    postings = Posting.objects.filter(entry__operation=operation, entry__cause__startswith=prefix)
    sums: Counter[str] = Counter()
    for account, cents in (
        postings.values("account").annotate(cents=Sum("amount_cents")).values_list("account", "cents")
    ):
        sums[Account.PLATFORM if account == Account.STRIPE_FEES else account] += cents
    return {account: cents for account, cents in sums.items() if cents}


def look_at_the_sentences(plan: Plan, facts: Facts) -> None:
    """Each side is told every amount that moves on its side, and none that doesn't."""
    shown = consequences_of(plan)
    student = shown.student
    moving = {student.card_charged, student.card_refunded, student.credits_forfeited}
    if plan.action in (Action.STUDENT_CANCEL, Action.INSTRUCTOR_CANCEL):
        moving |= {student.credits_returned, student.credits_issued}
    if plan.action == Action.INSTRUCTOR_CANCEL:
        moving |= {student.card_freed}
    elif plan.action == Action.RESCHEDULE:
        moving |= {facts.terms.card_total}  # held now, or to be held
    elif facts.payment_status == PaymentStatus.LOCKED:
        moving |= {facts.held}  # was charged when the lesson was moved

    assert amounts(plan.to_student) == {dollars(cents) for cents in moving if cents}
    assert amounts(plan.to_instructor) == {dollars(cents) for cents in [shown.instructor.paid] if cents}
    # Three tenses for the card: it is charged by this, it was before, or it is not at all.
    assert ("is charged" in plan.to_student) == bool(student.card_charged)
    if plan.action == Action.STUDENT_CANCEL:
        assert ("is not charged" in plan.to_student) == (not student.card_charged)


def amounts(sentence: str) -> set[str]:
    return set(re.findall(r"\$[\d,]+\.\d\d", sentence))
