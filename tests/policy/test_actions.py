"""What each side may do, what that would do, and until when: always what `decide` itself says (design 3)."""

from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instainstru.refusals import Refused
from payments.policy import actions
from payments.policy.actions import INSTANT, AvailableAction, Choice, available_actions
from payments.policy.consequences import consequences_of
from payments.policy.decide import decide
from payments.policy.facts import Books, Facts, Transfer, Wish
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Action, Bearer, BookingStatus, Party, PaymentStatus
from payments.policy.windows import Window
from tests.policy.given import ALL_CREDIT, ENDS, IN, SETTLEMENT, STARTS, booked, unpaid_checkout
from tests.policy.strategies import facts, instants

SCHEDULED, AUTHORIZED, LOCKED, CARD_REFUSED = (
    PaymentStatus.SCHEDULED,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.LOCKED,
    PaymentStatus.PAYMENT_METHOD_REQUIRED,
)
CANCEL, RESCHEDULE, PAY, CONFIRM, COMPLETE = (
    Choice.CANCEL,
    Choice.RESCHEDULE,
    Choice.PAY,
    Choice.CONFIRM_PAYMENT,
    Choice.MARK_COMPLETE,
)
A_DAY_AHEAD, HALF_A_DAY_AHEAD = STARTS - timedelta(hours=24), STARTS - timedelta(hours=12)


def offered(booking: Facts, party: Party, at, **how) -> dict[Choice, AvailableAction]:
    return {action.choice: action for action in available_actions(booking, party, at, rules=DEFAULT_RULES, **how)}


CHOICES = {  # where the money stands, when: what the student may do, what the instructor may
    "scheduled-early": (booked(SCHEDULED), Window.EARLY, {RESCHEDULE, CANCEL}, {CANCEL}),
    "authorized-middle": (booked(AUTHORIZED), Window.MIDDLE, {RESCHEDULE, CANCEL}, {CANCEL}),
    "authorized-late": (booked(AUTHORIZED), Window.LATE, {CANCEL}, {CANCEL}),
    "authorized-started": (booked(AUTHORIZED), Window.STARTED, set(), {CANCEL}),
    "locked": (booked(LOCKED, late_reschedule_used=True), Window.MIDDLE, {CANCEL}, {CANCEL}),
    "card-refused": (booked(CARD_REFUSED), Window.MIDDLE, {PAY, RESCHEDULE, CANCEL}, {CANCEL}),
    "at-the-bank": (
        booked(CARD_REFUSED, has_pending_intent=True), Window.LATE, {CONFIRM, PAY, CANCEL}, {CANCEL},
    ),
    "settled": (booked(PaymentStatus.SETTLED), Window.EARLY, set(), set()),
    "under-review": (booked(PaymentStatus.MANUAL_REVIEW), Window.EARLY, set(), set()),
    "owed": (booked(PaymentStatus.MANUAL_REVIEW, owed=13_440), Window.STARTED, {PAY}, set()),
    "cancelled": (booked(AUTHORIZED, booking=BookingStatus.CANCELLED), Window.EARLY, set(), set()),
}  # fmt: skip


@pytest.mark.parametrize(("booking", "window", "students", "instructors"), CHOICES.values(), ids=CHOICES)
def test_each_side_has_its_choices(booking, window, students, instructors):
    assert offered(booking, Party.STUDENT, IN[window]).keys() == students
    assert offered(booking, Party.INSTRUCTOR, IN[window]).keys() == instructors


@pytest.mark.parametrize("party", [Party.STAFF, Party.SYSTEM])
def test_staff_and_the_clockwork_have_ways_of_their_own(party):
    assert not offered(booked(AUTHORIZED), party, IN[Window.EARLY])


class TestDeadlines:
    def test_a_preview_is_good_to_the_edge_of_its_window(self):
        middle = offered(booked(AUTHORIZED), Party.STUDENT, IN[Window.MIDDLE])

        assert (middle[CANCEL].rule, middle[CANCEL].unchanged_until) == ("P7.2", HALF_A_DAY_AHEAD)
        assert middle[CANCEL].possible_until == STARTS
        assert (middle[RESCHEDULE].rule, middle[RESCHEDULE].possible_until) == ("P6.2", HALF_A_DAY_AHEAD)

    def test_the_clockwork_makes_previews_stale_too(self):
        """At T−24 h the card is held (P5.1): what the instructor's cancellation then does is to free it."""
        early = offered(booked(SCHEDULED), Party.INSTRUCTOR, IN[Window.EARLY])[CANCEL]

        assert (early.unchanged_until, early.possible_until) == (A_DAY_AHEAD, SETTLEMENT)

    def test_a_checkout_can_be_paid_for_half_an_hour(self):
        checkout = unpaid_checkout(made_at=IN[Window.LATE])
        pay = offered(checkout, Party.STUDENT, IN[Window.LATE])[PAY]

        assert (pay.rule, pay.possible_until) == ("P5.2", IN[Window.LATE] + DEFAULT_RULES.checkout_time)

    def test_a_lesson_can_be_paid_until_twelve_hours_ahead(self):
        pay = offered(booked(CARD_REFUSED), Party.STUDENT, IN[Window.MIDDLE])[PAY]

        assert (pay.rule, pay.possible_until) == ("P10.1", HALF_A_DAY_AHEAD)

    def test_a_collection_and_a_debt_can_be_paid_without_end(self):
        refused = booked(CARD_REFUSED, booking=BookingStatus.COMPLETED, collection_refused_at=SETTLEMENT)
        owed = booked(PaymentStatus.MANUAL_REVIEW, booking=BookingStatus.COMPLETED, owed=13_440)

        for booking, action in ((refused, Action.SETTLE), (owed, Action.COLLECT)):
            pay = offered(booking, Party.STUDENT, SETTLEMENT + timedelta(hours=1))[PAY]
            assert (pay.plan.action, pay.possible_until) == (action, None)

    def test_what_is_overdue_may_end_any_moment(self):
        checkout = unpaid_checkout(made_at=IN[Window.LATE])
        overdue = IN[Window.LATE] + timedelta(hours=2)  # the clockwork stands still

        assert offered(checkout, Party.STUDENT, overdue)[PAY].possible_until == overdue

    @pytest.mark.rule("P5.5")
    def test_a_lesson_is_marked_complete_from_its_end_until_it_is_settled(self):
        booking = booked(AUTHORIZED)

        assert COMPLETE not in offered(booking, Party.INSTRUCTOR, ENDS - INSTANT)
        assert offered(booking, Party.INSTRUCTOR, ENDS)[COMPLETE].possible_until == SETTLEMENT
        completed = booked(AUTHORIZED, booking=BookingStatus.COMPLETED)
        assert not offered(completed, Party.INSTRUCTOR, ENDS)


@pytest.mark.rule("P7.11")
def test_while_something_is_under_way_cancelling_waits_and_the_rest_is_not_offered():
    booking = booked(CARD_REFUSED, has_pending_intent=True)

    assert offered(booking, Party.STUDENT, IN[Window.MIDDLE], operation_under_way=True).keys() == {CANCEL}
    assert offered(booked(AUTHORIZED), Party.INSTRUCTOR, ENDS, operation_under_way=True).keys() == {CANCEL}


@given(facts(), st.sampled_from([Party.STUDENT, Party.INSTRUCTOR]), instants, st.floats(0, 1))
def test_what_is_offered_holds_as_long_as_it_says(booking, party, now, share):
    for choice, action in offered(booking, party, now).items():
        deadlines = {"unchanged": action.unchanged_until, "possible": action.possible_until}
        for what, until in deadlines.items():
            end = until or now + timedelta(days=9)
            later = now + (end - now) * share
            if later == STARTS != now:  # the start itself belongs to what comes after (P3.1)
                later -= INSTANT
            then = offered(booking, party, later).get(choice)
            assert then is not None
            assert what == "possible" or then.digest == action.digest


@given(facts(), st.booleans(), st.sampled_from(Party), instants)
def test_of_what_is_over_every_choice_is_refused(booking, waits_at_the_bank, party, now):
    booking = replace(booking, has_pending_intent=waits_at_the_bank)
    if actions.is_over(
        payment_status=booking.payment_status, owed=booking.owed, has_pending_intent=booking.has_pending_intent
    ):
        with mock.patch.object(actions, "is_over", return_value=False):
            assert not offered(booking, party, now)


@given(facts(), st.sampled_from([Party.STUDENT, Party.INSTRUCTOR]), instants)
def test_what_is_offered_is_what_is_decided(booking, party, now):
    cancellation = {Party.STUDENT: Action.STUDENT_CANCEL, Party.INSTRUCTOR: Action.INSTRUCTOR_CANCEL}[party]
    offer = offered(booking, party, now).get(CANCEL)
    try:
        decided = decide(booking, cancellation, now, rules=DEFAULT_RULES)
    except Refused:
        assert offer is None
    else:
        assert offer.plan == decided


class TestConsequences:
    """The worked example, policy section 13, as each side reads it."""

    def cancelled(self, window: Window, **lesson):
        plan = decide(booked(AUTHORIZED, **lesson), Action.STUDENT_CANCEL, IN[window], rules=DEFAULT_RULES)
        return consequences_of(plan)

    @pytest.mark.rule("P7.3")
    def test_of_a_late_cancellation(self):
        late = self.cancelled(Window.LATE)

        assert (late.student.card_charged, late.student.credits_issued) == (13_440, 6_000)
        assert late.instructor.paid == 5_280

    @pytest.mark.rule("P7.3")
    def test_of_a_late_cancellation_with_credits_alone(self):
        late = self.cancelled(Window.LATE, terms=ALL_CREDIT)

        assert (late.student.card_charged, late.student.credits_issued) == (1_440, 0)
        assert (late.student.credits_returned, late.student.credits_forfeited) == (6_000, 6_000)
        assert late.instructor.paid == 5_280

    @pytest.mark.rule("P7.1")
    def test_of_an_early_cancellation_of_what_is_held(self):
        early = self.cancelled(Window.EARLY)

        assert (early.student.card_freed, early.student.card_charged) == (13_440, 0)
        assert early.instructor.paid == 0

    @pytest.mark.rule("P5.5")
    def test_of_a_settlement(self):
        plan = decide(booked(AUTHORIZED, terms=ALL_CREDIT), Action.SETTLE, SETTLEMENT, rules=DEFAULT_RULES)
        settled = consequences_of(plan)

        assert (settled.student.card_charged, settled.student.credits_used) == (1_440, 12_000)
        assert settled.instructor.paid == 10_560

    @pytest.mark.rule("P7.6")
    def test_of_an_instructors_cancellation_of_what_is_charged(self):
        plan = decide(booked(LOCKED), Action.INSTRUCTOR_CANCEL, IN[Window.LATE], rules=DEFAULT_RULES)

        assert consequences_of(plan).student.card_refunded == 13_440

    @pytest.mark.rule("P8.6")
    def test_of_a_refund_that_the_instructor_bears(self):
        """Half of what the card paid goes back, so half of what the instructor got is taken back."""
        settled = booked(
            PaymentStatus.SETTLED,
            booking=BookingStatus.COMPLETED,
            captured=13_440,
            instructor_holds=10_560,
            wish=Wish(refund=6_720, bearer=Bearer.INSTRUCTOR),
            books=Books(transfers=(Transfer(id="tr_top_up", left=10_560),)),
        )
        refund = consequences_of(decide(settled, Action.STAFF_REFUND, SETTLEMENT, rules=DEFAULT_RULES))

        assert (refund.student.card_refunded, refund.instructor.paid) == (6_720, -5_280)

    @pytest.mark.rule("P5.2")
    def test_of_a_hold(self):
        plan = decide(unpaid_checkout(), Action.PAY_NOW, IN[Window.LATE], rules=DEFAULT_RULES)

        assert (consequences_of(plan).student.card_held, consequences_of(plan).student.card_charged) == (13_440, 0)
