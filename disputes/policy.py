"""Who may report, contest, withdraw and dispute when (P8.1, P8.2, P8.4): pure, each window with its last instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from instainstru.refusals import Refused
from payments.policy.rules import Rules
from payments.policy.states import BookingStatus, NoShowRuling, Party, PaymentStatus
from payments.policy.windows import settlement_due_at

CONTEST_TIME = timedelta(hours=24)  # P8.2
STAFF_DISPUTE_TIME = timedelta(days=180)  # P8.4, after the lesson's end

ABSENT = {Party.INSTRUCTOR: NoShowRuling.INSTRUCTOR_ABSENT, Party.STUDENT: NoShowRuling.STUDENT_ABSENT}
ACCUSED_BY = {Party.STUDENT: Party.INSTRUCTOR, Party.INSTRUCTOR: Party.STUDENT}  # staff say whom they mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the windows are judged by; `payment_status` is the one beneath any freeze. Instants are aware UTC.

    It `is_decided` by a dispute that was ruled for the student, though calls of that ruling may still be to be made.
    """

    booking_status: BookingStatus
    payment_status: PaymentStatus
    starts_at: datetime
    ends_at: datetime
    is_decided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A case of the same kind about the same booking."""

    by: Party
    absent: Party | None = None
    is_open: bool


def require_reportable(
    lesson: Lesson, now: datetime, *, by: Party, absent: Party, earlier: Sequence[Earlier], rules: Rules
) -> None:
    """Let a side report the other absent, or staff either, from the start until end + 24 h (P8.1).

    Raises Refused: "report_window_closed", "already_reported" (also for what was withdrawn or unfounded, P8.2),
    "already_settled", "already_completed" for what is cancelled or was never booked.
    """
    if not lesson.starts_at <= now <= settlement_due_at(lesson.ends_at, rules=rules):
        raise Refused("report_window_closed")
    if any(case.absent == absent and (case.by == by or case.is_open) for case in earlier):
        raise Refused("already_reported")
    if lesson.payment_status == PaymentStatus.SETTLED or lesson.is_decided:
        raise Refused("already_settled")
    if lesson.booking_status not in (BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        raise Refused("already_completed")


def require_contestable(now: datetime, *, reported_at: datetime, is_open: bool) -> None:
    """Let the accused side contest within 24 hours of the report (P8.2), under a chargeback too (section 11).

    Raises Refused: "contest_window_closed", "already_settled" once it has ended.
    """
    if now > reported_at + CONTEST_TIME:
        raise Refused("contest_window_closed")
    if not is_open:
        raise Refused("already_settled")


def require_withdrawable(*, is_open: bool, is_contested: bool) -> None:
    """Let the reporter take a report back before it is contested, confirmed or ruled (P8.2).

    Raises Refused: "under_review" once it is contested, "already_settled" once it has ended.
    """
    if not is_open:
        raise Refused("already_settled")
    if is_contested:
        raise Refused("under_review")


def require_disputable(
    lesson: Lesson, now: datetime, *, by: Party, cancelled_at: datetime | None, earlier: Sequence[Earlier], rules: Rules
) -> None:
    """Let a side dispute a lesson from its start until end + 24 h, staff until 180 days after the end (P8.4).

    About a cancelled booking staff may open one from its cancellation on. Raises Refused: "lesson_not_started",
    "dispute_window_closed", "already_reported" by the same side, "under_review" while another one is open.
    """
    opens = lesson.starts_at
    if by == Party.STAFF and cancelled_at is not None:
        opens = min(opens, cancelled_at)
    closes = (
        lesson.ends_at + STAFF_DISPUTE_TIME if by == Party.STAFF else settlement_due_at(lesson.ends_at, rules=rules)
    )
    if now < opens:
        raise Refused("lesson_not_started")
    if now > closes:
        raise Refused("dispute_window_closed")
    if any(case.by == by and (case.is_open or by != Party.STAFF) for case in earlier):
        raise Refused("already_reported")
    if any(case.is_open for case in earlier):
        raise Refused("under_review")
