"""What both sides and staff are told of a case, queued in the commit of what it tells of."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from bookings.models import Booking
from disputes.models import Chargeback, LessonDispute, NoShowReport
from disputes.policy import CONTEST_TIME
from instainstru.accounts.models import Role, User
from instainstru.notifications.operations import queue_message
from payments.models import Operation
from payments.policy.plan import Plan
from payments.policy.states import NoShowRuling, Party

_WHO = {Party.STUDENT: "the student", Party.INSTRUCTOR: "the instructor", Party.STAFF: "our staff"}
FOUND = {
    NoShowRuling.INSTRUCTOR_ABSENT: "The instructor's absence stands.",
    NoShowRuling.STUDENT_ABSENT: "The student's absence stands.",
    NoShowRuling.BOTH_ABSENT: "Both sides were absent.",
    NoShowRuling.UNFOUNDED: "The report of a no-show was found to be unfounded.",
}
GOES_ON = "The lesson's payment goes on as if nothing had been reported."
STANDS_STILL = "Until it is decided, the lesson's money stays where it is."


def no_show_reported(report: NoShowReport, booking: Booking, *, now: datetime) -> None:
    """Tell whoever is said to have been absent until when they can contest it, or staff that both report each other."""
    absent, by = Party(report.absent), Party(report.reported_by)
    if report.is_contested:
        _tell_sides(booking, report.case, "opened", "Both sides report each other absent. Our staff decide.", now=now)
        _tell_staff(booking, report.case, "Both sides report each other absent.", now=now)
        return
    _opened(
        _side(booking, absent),
        booking,
        report.case,
        f"{_WHO[by].capitalize()} reported that you did not come. {STANDS_STILL}",
        "If you were there, contest the report on the booking's page; nobody contesting it, it counts as true.",
        until=report.reported_at + CONTEST_TIME,
        now=now,
    )


def no_show_contested(report: NoShowReport, booking: Booking, *, now: datetime) -> None:
    contested = f"{_WHO[Party(report.absent)].capitalize()} contests the report of a no-show."
    if report.reported_by in (Party.STUDENT, Party.INSTRUCTOR):
        reporter = _side(booking, Party(report.reported_by))
        _opened(
            reporter, booking, f"{report.case}:contested", f"{contested} Our staff decide.", _SHOW_EVIDENCE, now=now
        )
    _tell_staff(booking, report.case, contested, now=now)


def no_show_withdrawn(report: NoShowReport, booking: Booking, *, now: datetime) -> None:
    _tell_sides(booking, report.case, "ended", "The report of a no-show was withdrawn.", GOES_ON, now=now)


def no_show_resolved(report: NoShowReport, booking: Booking, operation: Operation | None, *, now: datetime) -> None:
    _ended(booking, report.case, FOUND[NoShowRuling(report.ruling)], operation, now=now)


def dispute_opened(dispute: LessonDispute, booking: Booking, *, now: datetime) -> None:
    opened = f"{_WHO[Party(dispute.opened_by)].capitalize()} opened a dispute about the lesson."
    for side in (booking.student, booking.instructor.user):
        _opened(
            side,
            booking,
            dispute.case,
            f"{opened} {STANDS_STILL}",
            _SHOW_EVIDENCE,
            until=dispute.evidence_until,
            now=now,
        )
    _tell_staff(booking, dispute.case, opened, until=dispute.rule_by, now=now)


def evidence_shown(case: NoShowReport | LessonDispute, booking: Booking, by: Party, *, now: datetime) -> None:
    """Tell the other side, once a case and side, that there is something to answer."""
    for party in (Party.STUDENT, Party.INSTRUCTOR):
        if party != by:
            _opened(
                _side(booking, party),
                booking,
                f"{case.case}:evidence:{by}",
                f"{_WHO[by].capitalize()} has shown evidence about the lesson.",
                "You can read it on the lesson's page, and answer it there.",
                now=now,
            )


def dispute_ruled(dispute: LessonDispute, booking: Booking, operation: Operation | None, *, now: datetime) -> None:
    won_by = "student" if operation else "instructor"
    _ended(booking, dispute.case, f"Our staff decided the dispute for the {won_by}.", operation, now=now)


def chargeback_opened(chargeback: Chargeback, booking: Booking, *, now: datetime) -> None:
    what = "The student's bank has taken the payment of this lesson back."
    for side, you_can in ((booking.student, _BANK_DECIDES), (booking.instructor.user, _SHOW_EVIDENCE)):
        _opened(side, booking, chargeback.case, f"{what} {STANDS_STILL}", you_can, now=now)
    _tell_staff(booking, chargeback.case, f"{what} The bank waits for evidence.", until=chargeback.respond_by, now=now)


def chargeback_closed(chargeback: Chargeback, booking: Booking, operation: Operation, *, now: datetime) -> None:
    decided = f"The bank has decided: the chargeback is {chargeback.status}."
    _ended(booking, chargeback.case, decided, operation, now=now)
    _tell_staff(booking, f"{chargeback.case}:closed", decided, now=now)


_SHOW_EVIDENCE = "Tell what happened, and add files if you have any, on the booking's page."
_BANK_DECIDES = "Your bank decides, and asks you if it wants to know more. We tell you how it ends."


def _ended(booking: Booking, case: str, what: str, operation: Operation | None, *, now: datetime) -> None:
    """Tell both sides how a case ended: what its plan does for each, or that everything goes on."""
    if operation is None:
        _tell_sides(booking, case, "ended", what, GOES_ON, now=now)
        return
    plan = Plan.from_json(operation.plan)
    for side, sentence in ((booking.student, plan.to_student), (booking.instructor.user, plan.to_instructor)):
        _tell(side, booking, "case_ended", f"{case}:ended", now=now, what=what, then=sentence)


def _tell_sides(booking: Booking, case: str, how: str, what: str, then: str = "", *, now: datetime) -> None:
    for side in (booking.student, booking.instructor.user):
        if how == "opened":
            _opened(side, booking, case, what, _SHOW_EVIDENCE, now=now)
        else:
            _tell(side, booking, "case_ended", f"{case}:ended", now=now, what=what, then=then)


def _opened(
    side: User,
    booking: Booking,
    once: str,
    what: str,
    you_can: str,
    *,
    now: datetime,
    until: datetime | None = None,
) -> None:
    _tell(side, booking, "case_opened", once, now=now, what=what, you_can=you_can, until_at=until)


def _tell_staff(booking: Booking, once: str, what: str, *, now: datetime, until: datetime | None = None) -> None:
    for colleague in User.objects.filter(role=Role.STAFF, is_active=True):
        _tell(colleague, booking, "case_for_staff", once, now=now, what=what, until_at=until)


def _tell(recipient: User, booking: Booking, key: str, once: str, *, now: datetime, **context: object) -> None:
    queue_message(
        recipient=recipient,
        key=key,
        context={
            "booking_ref": booking.ref,
            "booking_url": settings.SITE_URL + reverse("booking", args=[booking.ref]),
            "service": booking.service_title,
            "starts_at": booking.starts_at,
            **context,
        },
        reference=booking.ref,
        dedupe_key=once,
        now=now,
    )


def _side(booking: Booking, party: Party) -> User:
    return booking.student if party == Party.STUDENT else booking.instructor.user
