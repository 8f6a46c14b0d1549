"""The story, line by line: what happens to one booking each, and what everybody gets of it by the policy.

A line does something, yields the instant until which it waits, and goes on there; so that all of them live in the same
days. What it declares is what the policy says, worked out by hand in cents, not what the code computes: mostly the
worked example of the policy's section 13, a lesson of 120.00 of which the instructor earns 105.60. So much the card
pays, the wallet gains or loses, the instructor gets, and the platform keeps: each line adds up.
"""

from datetime import datetime, timedelta

from disputes.policy import CONTEST_TIME
from instainstru.local.demo.actors import Lesson
from instainstru.local.demo.scene import Scene, Story, line

AFTER_A_CALL_WITHOUT_ANSWER = timedelta(minutes=1)  # P10.4: then it is asked again
COLLECTING = timedelta(hours=72)  # P10.2: then the payout is advanced
ALL_IS_OVER = timedelta(days=9)  # from the story's beginning


def before(lesson: Lesson, *, hours: float) -> datetime:
    return lesson.starts_at - timedelta(hours=hours)


def settlement_of(lesson: Lesson) -> datetime:
    return lesson.ends_at + timedelta(hours=24)  # P5.5


# --- Lessons that are taken ---------------------------------------------------------------------------------------


@line(
    "Taken, paid by card",
    rule="P5.5",
    student="student",
    instructor="instructor",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def taken(scene: Scene) -> Story:
    yield settlement_of(scene.book())


@line(
    "Taken, partly with credits",
    rule="P5.5",
    student="ada",
    instructor="carla",
    card=84_40,
    wallet=-50_00,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def taken_partly_with_credits(scene: Scene) -> Story:
    yield settlement_of(scene.book(credits=50_00))


@line(
    "Taken, wholly with credits",
    rule="P1.5",
    student="ben",
    instructor="dev",
    card=14_40,
    wallet=-120_00,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def taken_wholly_with_credits(scene: Scene) -> Story:
    yield settlement_of(scene.book(credits=120_00))


@line(
    "Taken, 45 minutes, founding tier",
    rule="P1.1",
    student="cleo",
    instructor="nadia",
    card=71_83,  # 85.50 × 45/60 = 64.125 → 64.13, and 12 % of it = 7.6956 → 7.70
    to_instructor=59_00,  # less 8 % = 5.1304 → 5.13
    platform=12_83,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def taken_and_marked_complete(scene: Scene) -> Story:
    lesson = scene.book(minutes=45)
    yield lesson.ends_at + timedelta(minutes=5)
    scene.instructor.mark_complete(lesson)
    yield settlement_of(lesson)


@line(
    "Booked inside 24 h, taken",
    rule="P5.2",
    student="dora",
    instructor="greta",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def booked_soon(scene: Scene) -> Story:
    yield settlement_of(scene.book_soon())


@line(
    "3-D Secure at checkout, taken",
    rule="P5.2",
    student="leo",
    instructor="owen",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def three_d_secure(scene: Scene) -> Story:
    lesson = scene.book_soon(card="requires_3ds")
    scene.student.confirm_at_the_bank(lesson)
    yield settlement_of(lesson)


# --- Cancelled, in each window ------------------------------------------------------------------------------------


@line(
    "Cancelled 30 h before",
    rule="P7.1",
    student="eli",
    instructor="carla",
    card=0,
    to_instructor=0,
    platform=0,
    outcome="student_cancel_gt24_no_charge",
)
def cancelled_early(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=30)
    scene.student.cancel(lesson)


@line(
    "Cancelled 30 h before, with credits",
    rule="P7.1",
    student="finn",
    instructor="dev",
    card=0,
    wallet=0,  # all of it comes back
    to_instructor=0,
    platform=0,
    outcome="student_cancel_gt24_no_charge",
)
def cancelled_early_with_credits(scene: Scene) -> Story:
    lesson = scene.book(credits=50_00)
    yield before(lesson, hours=30)
    scene.student.cancel(lesson)


@line(
    "Cancelled 18 h before",
    rule="P7.2",
    student="gwen",
    instructor="instructor",
    card=134_40,
    wallet=120_00,
    to_instructor=0,
    platform=14_40,
    outcome="student_cancel_12_24_full_credit",
)
def cancelled_in_the_middle(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=18)
    scene.student.cancel(lesson)


@line(
    "Cancelled 18 h before, with credits",
    rule="P7.2",
    student="hugo",
    instructor="greta",
    card=84_40,
    wallet=70_00,  # the 50.00 come back, and 70.00 are new
    to_instructor=0,
    platform=14_40,
    outcome="student_cancel_12_24_full_credit",
)
def cancelled_in_the_middle_with_credits(scene: Scene) -> Story:
    lesson = scene.book(credits=50_00)
    yield before(lesson, hours=18)
    scene.student.cancel(lesson)


@line(
    "Cancelled 6 h before",
    rule="P7.3",
    student="iris",
    instructor="owen",
    card=134_40,
    wallet=60_00,
    to_instructor=52_80,
    platform=21_60,
    outcome="student_cancel_lt12_split_50_50",
)
def cancelled_late(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=6)
    scene.student.cancel(lesson)


@line(
    "Cancelled 6 h before, all credits",
    rule="P7.3",
    student="maya",
    instructor="carla",
    card=14_40,
    wallet=-60_00,  # half of the 120.00 comes back, the other is forfeited
    to_instructor=52_80,
    platform=21_60,
    outcome="student_cancel_lt12_split_50_50",
)
def cancelled_late_with_credits(scene: Scene) -> Story:
    lesson = scene.book(credits=120_00)
    yield before(lesson, hours=6)
    scene.student.cancel(lesson)


@line(
    "Cancelled by the instructor",
    rule="P7.6",
    student="nils",
    instructor="luis",
    card=0,
    wallet=0,
    to_instructor=0,
    platform=0,
    outcome="instructor_cancel_full_refund",
)
def cancelled_by_the_instructor(scene: Scene) -> Story:
    lesson = scene.book(credits=20_00)
    yield before(lesson, hours=20)
    scene.instructor.cancel(lesson)


# --- Moved --------------------------------------------------------------------------------------------------------


@line(
    "Moved 40 h before, taken",
    rule="P6.1",
    student="olga",
    instructor="tomas",
    card=106_40,  # 95.00 and 12 %
    to_instructor=80_75,  # less the entry tier's 15 %
    platform=25_65,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def moved_early(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=40)
    lesson = scene.move(lesson, by_at_least=timedelta(hours=20))
    yield settlement_of(lesson)


@line(
    "LOCK: moved 18 h before, taken",
    rule="P6.4",
    student="pia",
    instructor="dev",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def locked_and_taken(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=18)
    lesson = scene.move(lesson, by_at_least=timedelta(hours=20))
    yield settlement_of(lesson)


@line(
    "LOCK: moved 18 h before, then cancelled late",
    rule="P7.5",
    student="rosa",
    instructor="owen",
    card=134_40,
    wallet=60_00,
    to_instructor=52_80,
    platform=21_60,
    outcome="locked_cancel_lt12_split_50_50",
)
def locked_and_cancelled_late(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=18)
    lesson = scene.move(lesson, by_at_least=timedelta(hours=20))
    yield before(lesson, hours=6)
    scene.student.cancel(lesson)


# --- When Stripe says no, or nothing ------------------------------------------------------------------------------


@line(
    "Card refused, another card, taken",
    rule="P10.1",
    student="jon",
    instructor="greta",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def refused_then_another_card(scene: Scene) -> Story:
    lesson = scene.book(card="declines_later")
    yield before(lesson, hours=20)
    scene.student.say(f"hears that the card was refused: {scene.student.look_at(lesson).payment_status}")
    scene.student.use_card("ok")
    yield settlement_of(lesson)


@line(
    "Card refused, never fixed",
    rule="P10.1",
    student="kira",
    instructor="instructor",
    card=0,
    to_instructor=0,
    platform=0,
    outcome="payment_failed_no_charge",
)
def refused_and_never_fixed(scene: Scene) -> Story:
    lesson = scene.book(card="declines_later")
    yield before(lesson, hours=12)
    scene.student.say(f"has no other card: {scene.student.look_at(lesson).booking_status}")


@line(
    "Stripe's answer lost, repaired by the sweep",
    rule="P10.4",
    student="theo",
    instructor="carla",
    card=134_40,
    wallet=120_00,
    to_instructor=0,
    platform=14_40,
    outcome="student_cancel_12_24_full_credit",
)
def answer_lost(scene: Scene) -> Story:
    lesson = scene.book()
    yield before(lesson, hours=18)
    scene.fail_at_stripe(lesson, call="capture", fault="lost_answer")
    scene.student.cancel(lesson)
    yield before(lesson, hours=18) + AFTER_A_CALL_WITHOUT_ANSWER + timedelta(minutes=1)
    scene.student.say(f"looks again: {scene.student.look_at(lesson).payment_status}")


@line(
    "Capture refused for 72 h, advanced, paid later",
    rule="P10.2",
    student="vera",
    instructor="instructor",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="capture_failure_instructor_paid",
)
def collected_later(scene: Scene) -> Story:
    lesson = scene.book()
    scene.fail_at_stripe(lesson, call="capture", fault="refuse", times="always")
    yield settlement_of(lesson) + COLLECTING
    scene.student.say(f"owes the lesson, which the platform has paid: {scene.student.look_at(lesson).payment_status}")
    yield settlement_of(lesson) + COLLECTING + timedelta(hours=12)
    scene.student.pay(lesson)


# --- Somebody did not come, or was not satisfied --------------------------------------------------------------------


@line(
    "Instructor did not come, not contested",
    rule="P8.3",
    student="wes",
    instructor="carla",
    card=0,
    to_instructor=0,
    platform=0,
    booking="no_show",
    outcome="instructor_no_show_full_refund",
)
def instructor_did_not_come(scene: Scene) -> Story:
    lesson = scene.book()
    yield lesson.starts_at + timedelta(minutes=20)
    scene.student.report_no_show(lesson, "I waited twenty minutes, and nobody came.")
    yield lesson.starts_at + timedelta(minutes=21) + CONTEST_TIME  # reported a moment after that time


@line(
    "No-show contested, found unfounded",
    rule="P8.2",
    student="yara",
    instructor="dev",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def no_show_was_unfounded(scene: Scene) -> Story:
    lesson = scene.book()
    yield lesson.ends_at + timedelta(minutes=10)
    scene.student.report_no_show(lesson, "He was not in the call.")
    yield lesson.ends_at + timedelta(hours=3)
    scene.instructor.contest(lesson, "I was there for the whole hour.")
    yield lesson.ends_at + timedelta(hours=30)
    scene.staff.rule_no_show(lesson, "unfounded", "The call's log shows both of them.")


@line(
    "Disputed after the payout, student right",
    rule="P8.4",
    student="zoe",
    instructor="greta",
    card=0,
    wallet=0,
    to_instructor=0,
    platform=0,
    booking="completed",
    outcome="student_wins_dispute_full_refund",
)
def dispute_won_by_the_student(scene: Scene) -> Story:
    lesson = scene.book()
    yield settlement_of(lesson) + timedelta(hours=12)
    scene.staff.dispute(lesson, "The student was taught another language than the one booked.")
    yield settlement_of(lesson) + timedelta(hours=20)
    scene.staff.rule_dispute(lesson, "student_wins", "The instructor says so, too.")


@line(
    "Refunded $20.00 by staff",
    rule="P8.6",
    student="abel",
    instructor="owen",
    card=114_40,
    to_instructor=105_60,
    platform=8_80,
    booking="completed",
    outcome="admin_refund",
)
def refunded_in_part(scene: Scene) -> Story:
    lesson = scene.book()
    yield settlement_of(lesson) + timedelta(hours=6)
    scene.staff.refund(lesson, 20_00, "The lesson began ten minutes late.")


@line(
    "Chargeback, won",
    rule="P11",
    student="bea",
    instructor="carla",
    card=134_40,
    to_instructor=105_60,
    platform=28_80,
    booking="completed",
    outcome="lesson_completed_full_payout",
)
def chargeback_won(scene: Scene) -> Story:
    lesson = scene.book()
    yield settlement_of(lesson) + timedelta(hours=2)
    scene.charge_back(lesson)
    yield settlement_of(lesson) + timedelta(hours=40)
    scene.decide_chargeback(lesson, won=True)


# --- For whoever comes to look ------------------------------------------------------------------------------------


@line(
    "Booked ahead, still to come",
    rule="P5.1",
    student="student",
    instructor="instructor",
    card=0,
    to_instructor=0,
    platform=0,
    booking="confirmed",
    payment="scheduled",
    outcome=None,
)
def still_to_come(scene: Scene) -> Story:
    yield scene.began_at + ALL_IS_OVER
    scene.book()


@line(
    "Booked inside 24 h, card held",
    rule="P5.2",
    student="student",
    instructor="greta",
    card=0,
    to_instructor=0,
    platform=0,
    booking="confirmed",
    payment="authorized",
    outcome=None,
)
def soon_to_come(scene: Scene) -> Story:
    yield scene.began_at + ALL_IS_OVER
    scene.book_soon()


@line(
    "No-show contested, waits for a ruling",
    rule="P8.2",
    student="carl",
    instructor="instructor",
    card=0,
    to_instructor=0,
    platform=0,
    booking="confirmed",
    payment="manual_review",
    outcome=None,
)
def waits_for_a_ruling(scene: Scene) -> Story:
    lesson = scene.book()
    yield lesson.starts_at + timedelta(minutes=30)
    scene.instructor.report_no_show(lesson, "Nobody joined the call.")
    yield lesson.starts_at + timedelta(hours=5)
    scene.student.contest(lesson, "I was in the call on time, and waited.")


STORY = (
    taken,
    taken_partly_with_credits,
    taken_wholly_with_credits,
    taken_and_marked_complete,
    booked_soon,
    three_d_secure,
    cancelled_early,
    cancelled_early_with_credits,
    cancelled_in_the_middle,
    cancelled_in_the_middle_with_credits,
    cancelled_late,
    cancelled_late_with_credits,
    cancelled_by_the_instructor,
    moved_early,
    locked_and_taken,
    locked_and_cancelled_late,
    refused_then_another_card,
    refused_and_never_fixed,
    answer_lost,
    collected_later,
    instructor_did_not_come,
    no_show_was_unfounded,
    dispute_won_by_the_student,
    refunded_in_part,
    chargeback_won,
    waits_for_a_ruling,
    still_to_come,
    soon_to_come,
)
