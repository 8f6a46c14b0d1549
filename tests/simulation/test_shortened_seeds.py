"""What a seed had found, shortened to one lesson and the steps that it takes."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bookings.models import Booking
from instainstru.local.simulation.play import Outcome, play
from instainstru.local.simulation.story import BEGINNING, Draft, Faults, Lesson, Story
from instainstru.local.simulator import SimulatorControl
from payments.models import Payment

PlayOut = Callable[..., Outcome]


@pytest.fixture
def play_out(stripe: SimulatorControl, start_over: Callable[[], None]) -> PlayOut:
    """Play a draft about the only lesson there is."""

    def play_it(draft: Draft, starts_at: datetime, *, credits: int = 0) -> Outcome:
        lesson = Lesson(
            number=1,
            student=0,
            instructor=0,
            booked_at=BEGINNING,
            starts_at=starts_at,
            minutes=60,
            price=12_000,
            credits=credits,
        )
        story = Story(seed=1, faults=Faults.HEAVY, lessons=(lesson,), steps=draft.numbered())
        return play(story, simulator=stripe, start_over=start_over)

    return play_it


def test_a_ruling_may_capture_though_its_answer_is_lost_and_the_report_stays_open(play_out: PlayOut) -> None:
    """Seed 2002, shortened: the look at it took a ruling's own capture for one under review."""
    starts_at = BEGINNING + timedelta(hours=20)
    draft = Draft()
    draft.add(BEGINNING, "book", 1)
    draft.add(starts_at + timedelta(hours=1), "report_no_show", 1, by="instructor", absent="student")
    draft.add(starts_at + timedelta(hours=2), "stripe_fault", call="capture", fault="lost_answer", times=1)
    draft.add(starts_at + timedelta(hours=2), "rule_no_show", 1, ruling="student_absent")

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.ends) == (None, {"student_no_show_full_payout": 1})


def test_a_checkout_that_is_refused_under_a_case_asks_nobody_to_pay(play_out: PlayOut) -> None:
    """Seed 2020, shortened: the message of a refused card says until when, and under a case nothing ends by itself."""
    starts_at = BEGINNING + timedelta(hours=20)
    draft = Draft()
    draft.add(BEGINNING, "clockwork", running=False)
    draft.add(BEGINNING, "stripe_fault", call="authorize", fault="error_500", times=1)
    draft.add(BEGINNING, "book", 1)
    draft.add(starts_at, "open_dispute", 1, by="instructor")
    draft.add(starts_at, "stripe_fault", call="authorize", fault="refuse", times=1)
    draft.add(starts_at, "clockwork", running=True)
    draft.add(starts_at + timedelta(hours=5), "rule_dispute", 1, ruling="instructor_wins")

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.ends) == (None, {"payment_failed_no_charge": 1})
    assert Booking.objects.get().status == "cancelled"


def test_a_lesson_of_which_stripe_never_said_whether_it_was_paid_ends_by_a_ruling(play_out: PlayOut) -> None:
    """Seed 24, shortened: disputed while its checkout had no answer, it stayed pending for good."""
    starts_at = BEGINNING + timedelta(hours=20)
    draft = Draft()
    draft.add(BEGINNING, "clockwork", running=False)
    draft.add(BEGINNING, "stripe_fault", call="authorize", fault="stored_500", times=1)
    draft.add(BEGINNING, "book", 1)
    draft.add(starts_at, "open_dispute", 1, by="instructor")
    draft.add(starts_at, "clockwork", running=True)
    draft.add(starts_at + timedelta(hours=5), "rule_dispute", 1, ruling="student_wins")

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.words["done"]) == (None, len(draft.numbered()))
    assert Booking.objects.get().status == "cancelled"


def test_a_cancelling_that_a_change_at_stripe_had_stopped_is_let_go_on_in_the_end(play_out: PlayOut) -> None:
    """Seed 10237, shortened: the staff of the end wanted to cancel what was cancelled, and let nothing go on."""
    starts_at = BEGINNING + timedelta(hours=20)
    cancels_at = starts_at - timedelta(hours=10)
    draft = Draft()
    draft.add(BEGINNING, "book", 1)
    draft.add(cancels_at, "stripe_fault", call="capture", fault="lost_answer", times=1)
    draft.add(cancels_at, "student_cancel", 1)
    draft.add(cancels_at, "open_dispute", 1, by="staff")
    draft.add(cancels_at + timedelta(hours=1), "dashboard_refund", 1, cents=1_000)
    draft.add(cancels_at + timedelta(hours=1), "post", lost=0, late=0, doubled=0, drawn=0)
    draft.add(cancels_at + timedelta(hours=2), "rule_dispute", 1, ruling="instructor_wins")

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.ends) == (None, {"student_cancel_lt12_split_50_50": 1})


def test_what_a_student_does_at_the_bank_under_a_case_is_no_call_of_ours(play_out: PlayOut) -> None:
    """Seeds 10207 and 10256, shortened: we only look what became of the card, and were said to have asked for more."""
    starts_at = BEGINNING + timedelta(hours=20)
    draft = Draft()
    draft.add(BEGINNING, "set_card", 1, card="requires_3ds")
    draft.add(BEGINNING, "book", 1)
    draft.add(BEGINNING, "clockwork", running=False)
    draft.add(starts_at, "open_dispute", 1, by="student")
    draft.add(starts_at, "finish_3ds", 1)
    draft.add(starts_at + timedelta(hours=1), "clockwork", running=True)
    draft.add(starts_at + timedelta(hours=1), "rule_dispute", 1, ruling="instructor_wins")

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.words["done"]) == (None, len(draft.numbered()))


def test_a_hold_that_could_not_be_voided_and_was_given_up_may_live_beside_another(play_out: PlayOut) -> None:
    """Seed 40249, shortened: a card that is authorized anew for the lesson was taken for one held twice."""
    starts_at = BEGINNING + timedelta(hours=60)
    moves_at = starts_at - timedelta(hours=18)
    draft = Draft()
    draft.add(BEGINNING, "book", 1)
    draft.add(BEGINNING, "clockwork", running=False)
    draft.add(moves_at, "stripe_fault", call="capture", fault="refuse", times=1)
    draft.add(moves_at, "stripe_fault", call="void", fault="refuse", times=1)
    draft.add(moves_at, "reschedule", 1, to="start+24h")
    draft.add(moves_at + timedelta(hours=1), "staff_resolve", 1)
    draft.add(moves_at + timedelta(hours=2), "clockwork", running=True)
    draft.add(moves_at + timedelta(hours=3), "post", lost=0, late=0, doubled=0, drawn=0)

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.ends) == (None, {"lesson_completed_full_payout": 1})


@pytest.mark.parametrize(("times", "words"), [(2, {"done": 8, "operation_in_progress": 1}), (3, {"done": 9})])
def test_who_comes_back_to_the_bank_has_paid_first_and_may_be_refused_then(
    times: int, words: dict[str, int], play_out: PlayOut
) -> None:
    """Seed 50305, shortened: the payment that had got no answer was taken in, and counted as the refusal's doing."""
    starts_at = BEGINNING + timedelta(hours=20)
    cancels_at = BEGINNING + timedelta(minutes=20)
    draft = Draft()
    draft.add(BEGINNING, "clockwork", running=False)
    draft.add(BEGINNING, "set_card", 1, card="declined")
    draft.add(BEGINNING, "book", 1)
    draft.add(BEGINNING, "stripe_fault", call="authorize", fault="lost_answer", times=times)
    draft.add(BEGINNING, "set_card", 1, card="requires_3ds")
    draft.add(cancels_at, "student_cancel", 1)
    draft.add(cancels_at, "stripe_fault", call="void", fault="timeout_before", times=3)
    draft.add(cancels_at, "finish_3ds", 1)
    draft.add(cancels_at + timedelta(hours=1), "clockwork", running=True)

    outcome = play_out(draft, starts_at)

    assert (outcome.failure, outcome.words) == (None, words)


def test_credits_that_a_settlement_consumed_come_back_as_a_new_one_after_a_report_met_it(play_out: PlayOut) -> None:
    """Seed 50842, shortened: reported while it was captured; released was said to be the only way back."""
    starts_at = BEGINNING + timedelta(hours=20)
    draft = Draft()
    draft.add(BEGINNING, "book", 1)
    draft.add(
        starts_at + timedelta(hours=24, minutes=59),
        "report_no_show",
        1,
        by="student",
        absent="instructor",
        during_call=1,
    )
    draft.add(starts_at + timedelta(hours=60), "post", lost=0, late=0, doubled=0, drawn=0)

    outcome = play_out(draft, starts_at, credits=5_000)

    assert (outcome.failure, outcome.ends) == (None, {"instructor_no_show_full_refund": 1})
    payment = Payment.objects.get()
    assert (payment.credits_consumed_cents, payment.student_credit_cents) == (5_000, 5_000)
