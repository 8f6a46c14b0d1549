"""Random bookings, wherever their money can stand, and random refusals, for properties that hold for all of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from instainstru.refusals import Refused
from payments.policy.accounts import Account, Line
from payments.policy.decide import decide
from payments.policy.facts import Books, Case, Facts, Transfer, Wish
from payments.policy.plan import CreditMoves, Ending, Plan, PlannedStep, StepAnswer
from payments.policy.pricing import Terms, price_booking
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import (
    Action,
    BookingStatus,
    Call,
    Fault,
    NoShowRuling,
    Outcome,
    PaymentStatus,
    ReviewReason,
    Tier,
    Verdict,
)
from tests.policy.given import SETTLEMENT, STARTS

ABSENCES = [NoShowRuling.INSTRUCTOR_ABSENT, NoShowRuling.STUDENT_ABSENT, NoShowRuling.BOTH_ABSENT]
CHARGEBACKS = {Action.ANSWER_CHARGEBACK, Action.WIN_CHARGEBACK, Action.LOSE_CHARGEBACK}
cents = st.integers(0, 10**9)
MINUTE = timedelta(minutes=1)
BOUNDARIES = [timedelta(hours=hours) for hours in (-24, -12, 0, 1, 25)]


def at(minutes: int) -> datetime:
    """Return the instant so many minutes after the start."""
    return STARTS + minutes * MINUTE


instants = st.one_of(
    st.integers(-6 * 24 * 60, 6 * 24 * 60).map(at),
    st.builds(
        lambda boundary, off: STARTS + boundary + timedelta(microseconds=off),
        st.sampled_from(BOUNDARIES),
        st.integers(-1, 1),
    ),
)
before_the_start = st.integers(-6 * 24 * 60, -1).map(at)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Prices from a dollar to a thousand, every tier, no credit, some, or credit for all of it."""
    price = draw(st.integers(100, 100_000))
    reserved = draw(st.one_of(st.just(0), st.just(price), st.integers(0, price)))
    tier = draw(st.sampled_from(Tier))
    return price_booking(hourly_price=price, minutes=60, tier=tier, credits=reserved, rules=DEFAULT_RULES)


@st.composite
def facts(
    draw: st.DrawFn,
    statuses: Iterable[PaymentStatus] = tuple(PaymentStatus),
    bookings: Iterable[BookingStatus] = tuple(BookingStatus),
) -> Facts:
    """A booking that the platform can have come to: what is held and charged agrees with the payment's status."""
    agreed = draw(terms())
    status = draw(st.sampled_from(tuple(statuses)))
    booking = draw(st.sampled_from(tuple(bookings)))
    if booking == BookingStatus.PENDING and status != PaymentStatus.PAYMENT_METHOD_REQUIRED:
        booking = BookingStatus.CONFIRMED  # pending is what the card was not held for (P5.2)
    may_wait_at_the_bank = status in (PaymentStatus.SCHEDULED, PaymentStatus.PAYMENT_METHOD_REQUIRED)
    lapsed = status == PaymentStatus.AUTHORIZED and draw(st.booleans())
    # A reversal that staff gave up leaves the instructor with the charge's transfer (P10.3).
    keeps_transfer = status == PaymentStatus.LOCKED and draw(st.booleans())
    # Three days of refusals have been, or are still on, and then the payout was advanced (P10.2).
    collecting = status == PaymentStatus.PAYMENT_METHOD_REQUIRED and booking == BookingStatus.COMPLETED
    advanced = status == PaymentStatus.MANUAL_REVIEW and draw(st.booleans())
    captured = agreed.card_total if status == PaymentStatus.LOCKED else 0
    return Facts(
        terms=agreed,
        booking_status=booking,
        payment_status=status,
        outcome=Outcome.INSTRUCTOR_ADVANCED if advanced else None,
        made_at=at(-draw(st.integers(1, 9 * 24 * 60))),
        starts_at=STARTS,
        ends_at=at(draw(st.sampled_from(range(30, 241, 15)))),
        hold=agreed.card_total if status == PaymentStatus.AUTHORIZED and not lapsed else 0,
        has_pending_intent=may_wait_at_the_bank and draw(st.booleans()),
        captured=captured,
        instructor_holds=agreed.payout if advanced else agreed.transfer if keeps_transfer else 0,
        collection_refused_at=draw(st.none() | st.just(SETTLEMENT)) if collecting else None,
        owed=agreed.card_total if advanced else 0,
        review_reason=ReviewReason.COLLECTION_FAILED if advanced else None,
        credits_consumed=agreed.credits if advanced else 0,
        wish=Wish(with_refund=draw(st.booleans())),
        books=Books(
            transfers=(Transfer(id="tr_advance", left=agreed.payout),) if advanced else (),
            held_balance=-captured,
            earnings_balance=-agreed.payout if advanced else 0,
        ),
        case=Case(no_show=draw(st.sampled_from(ABSENCES)), credits_reserved=0 if advanced else agreed.credits),
        late_reschedule_used=status == PaymentStatus.LOCKED or draw(st.booleans()),
        new_starts_at=at(draw(st.integers(-3 * 24 * 60, 30 * 24 * 60))),
        time_was_taken=draw(st.booleans()),
    )


ONGOING = (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.COMPLETED)


def is_asked(booking: Facts, action: Action) -> bool:
    """Return whether anybody asks that of such a booking.

    A checkout is asked once, when the booking is made; an end without payment never follows on an advance. Rulings are
    asked about what lies beneath their freeze; a chargeback has moved money beside the payment's own course.
    """
    match action:
        case Action.CHECKOUT:
            return booking.booking_status == BookingStatus.PENDING and not booking.has_pending_intent
        case Action.END_UNPAID:
            return not booking.owed
        case Action.RULE_NO_SHOW | Action.RULE_DISPUTE:
            frozen = booking.payment_status in (PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW)
            return booking.booking_status != BookingStatus.PENDING and not frozen
        case action if action in CHARGEBACKS:
            return False
        case _:
            return True


@st.composite
def decisions(draw: st.DrawFn) -> tuple[Facts, Plan, datetime]:
    """A booking, an action that is allowed on it, and the instant at which it is asked for."""
    booking, instant = draw(facts(bookings=ONGOING)), draw(instants)
    for action in draw(st.permutations(tuple(Action))):
        if is_asked(booking, action):
            try:
                return booking, decide(booking, action, instant, rules=DEFAULT_RULES), instant
            except Refused:
                continue
    return draw(decisions())


def refusals_of(plan: Plan) -> st.SearchStrategy[list[StepAnswer]]:
    """Answers to a plan's calls of which the last is a no, of any kind that Stripe knows."""
    nos = st.one_of(
        st.sampled_from(Fault).map(lambda fault: {"verdict": Verdict.REFUSED, "fault": fault}),
        st.just({"verdict": Verdict.ACTION_REQUIRED}),
    )

    def answers(last: int, no: dict[str, Any]) -> list[StepAnswer]:
        said = [StepAnswer(call=step.call, verdict=Verdict.SUCCEEDED) for step in plan.steps[:last]]
        call = plan.steps[last].call
        if call not in (Call.AUTHORIZE, Call.INSPECT, Call.CHARGE) and no["verdict"] == Verdict.ACTION_REQUIRED:
            no = {"verdict": Verdict.REFUSED, "fault": Fault.OTHER}  # only an authorization is asked back for
        return [*said, StepAnswer(call=call, **no)]

    return st.builds(answers, st.integers(0, len(plan.steps) - 1), nos)


# --- Plans of any content, sensible or not: for what must hold of their form alone ------------------------------------


@st.composite
def _balanced_lines(draw: st.DrawFn) -> tuple[Line, ...]:
    amounts = draw(st.lists(st.integers(-(10**9), 10**9), max_size=4))
    accounts = st.sampled_from(Account)
    return tuple(Line(draw(accounts), amount) for amount in (*amounts, -sum(amounts)) if amount)


def _maybe(words: type) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(words)


endings = st.builds(
    Ending,
    payment_status=_maybe(PaymentStatus),
    booking_status=_maybe(BookingStatus),
    outcome=_maybe(Outcome),
    review_reason=_maybe(ReviewReason),
    credits=st.builds(CreditMoves, released=cents, issued=cents, forfeited=cents, consumed=cents),
    lines=_balanced_lines(),
    moves=st.booleans(),
    refusal_code=st.sampled_from(["", "card_declined", "slot_unavailable"]),
    successor=_maybe(Action),
)

steps = st.builds(
    PlannedStep,
    call=st.sampled_from(Call),
    amount=cents,
    transfer=cents,
    on_session=st.booleans(),
    of=st.sampled_from(["", "tr_1"]),
)

plans = st.builds(
    Plan,
    action=st.sampled_from(Action),
    rule=st.from_regex(r"P[0-9]{1,2}\.[0-9]{1,2}", fullmatch=True),
    version=st.just("2.1.1"),
    booking_status_at_once=_maybe(BookingStatus),
    revokes=cents,
    steps=st.lists(steps, max_size=5).map(tuple),
    ending=endings,
    to_student=st.text(),
    to_instructor=st.text(),
)
