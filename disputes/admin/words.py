"""The words of cases as staff read them."""

from disputes.models import Chargeback, LessonDispute, NoShowReport
from disputes.models.resolution import Resolution
from payments.policy.states import DisputeRuling, NoShowRuling, Party

KINDS = {NoShowReport: "No-show report", LessonDispute: "Dispute", Chargeback: "Chargeback"}

SIDES = {
    Party.STUDENT: "the student",
    Party.INSTRUCTOR: "the instructor",
    Party.STAFF: "staff",
    Party.SYSTEM: "the clockwork",
}

NO_SHOW_RULINGS = {
    NoShowRuling.INSTRUCTOR_ABSENT: "The instructor was absent",
    NoShowRuling.STUDENT_ABSENT: "The student was absent",
    NoShowRuling.BOTH_ABSENT: "Both were absent",
    NoShowRuling.UNFOUNDED: "The report is unfounded",
}

DISPUTE_RULINGS = {
    DisputeRuling.STUDENT_WINS: "For the student",
    DisputeRuling.INSTRUCTOR_WINS: "For the instructor",
}

RESOLUTIONS = {
    Resolution.WITHDRAWN: "Withdrawn by whoever reported it",
    Resolution.CONFIRMED: "Confirmed, because nobody contested it",
    Resolution.RULED: "Ruled by staff",
    Resolution.SUPERSEDED: "Ended by another case's ruling",
    Resolution.BY_THE_BANK: "Decided by the cardholder's bank",
}


def side(party: str) -> str:
    """Name a side in the midst of a sentence."""
    return SIDES[Party(party)]
