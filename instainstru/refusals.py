"""Refusals: what may not be done, why, and what can be done instead (policy section 12)."""

from enum import StrEnum
from typing import NamedTuple


class RefusalCode(StrEnum):
    """Every code that an anticipated refusal may carry. The API serves them; clients rely on them."""

    LESSON_STARTED = "lesson_started"
    LESSON_NOT_STARTED = "lesson_not_started"
    LESSON_NOT_ENDED = "lesson_not_ended"
    ALREADY_SETTLED = "already_settled"
    RESCHEDULE_TOO_LATE = "reschedule_too_late"
    RESCHEDULE_LOCKED = "reschedule_locked"
    SLOT_UNAVAILABLE = "slot_unavailable"
    CARD_DECLINED = "card_declined"
    AUTHENTICATION_REQUIRED = "authentication_required"
    PAYMENT_METHOD_REQUIRED = "payment_method_required"
    OPERATION_IN_PROGRESS = "operation_in_progress"
    REPORT_WINDOW_CLOSED = "report_window_closed"
    CONTEST_WINDOW_CLOSED = "contest_window_closed"
    DISPUTE_WINDOW_CLOSED = "dispute_window_closed"
    ALREADY_REPORTED = "already_reported"
    UNDER_REVIEW = "under_review"
    REFUND_EXCEEDS_CAPTURED = "refund_exceeds_captured"
    NOTHING_CAPTURED = "nothing_captured"
    CANCEL_INSTEAD = "cancel_instead"
    ALREADY_COMPLETED = "already_completed"
    CREDITS_UNAVAILABLE = "credits_unavailable"
    ACCOUNT_LOCKED = "account_locked"
    BELOW_PRICE_FLOOR = "below_price_floor"
    PREVIEW_STALE = "preview_stale"


class Sentences(NamedTuple):
    why: str
    instead: str


SENTENCES: dict[RefusalCode, Sentences] = {
    RefusalCode.LESSON_STARTED: Sentences(
        "The lesson has already started.",
        "If somebody did not come, report a no-show; if something was wrong with the lesson, open a dispute.",
    ),
    RefusalCode.LESSON_NOT_STARTED: Sentences("The lesson has not started yet.", "Until it starts you can cancel it."),
    RefusalCode.LESSON_NOT_ENDED: Sentences("The lesson has not ended yet.", "Mark it complete from its end on."),
    RefusalCode.ALREADY_SETTLED: Sentences(
        "The money of this booking has been settled.", "Ask our support for a refund if something is wrong."
    ),
    RefusalCode.RESCHEDULE_TOO_LATE: Sentences(
        "It is too close to the lesson to move it.", "You can still take it or cancel it."
    ),
    RefusalCode.RESCHEDULE_LOCKED: Sentences(
        "This booking was already moved shortly before its start and can't be moved again.",
        "You can take the lesson or cancel it.",
    ),
    RefusalCode.SLOT_UNAVAILABLE: Sentences("That time is not free any more.", "Choose another time."),
    RefusalCode.CARD_DECLINED: Sentences("The card was declined.", "Use another card or ask your bank."),
    RefusalCode.AUTHENTICATION_REQUIRED: Sentences(
        "Your bank wants you to confirm this payment.", "Confirm it with your bank, or use another card."
    ),
    RefusalCode.PAYMENT_METHOD_REQUIRED: Sentences(
        "A saved card that can be charged is needed.", "Save a card and try again."
    ),
    RefusalCode.OPERATION_IN_PROGRESS: Sentences(
        "Something else is being done with this booking right now.", "Wait a moment and try again."
    ),
    RefusalCode.REPORT_WINDOW_CLOSED: Sentences(
        "A no-show can be reported from the start of the lesson until its settlement is due.",
        "Ask our support if something is wrong.",
    ),
    RefusalCode.CONTEST_WINDOW_CLOSED: Sentences(
        "A report can be contested within 24 hours.", "Ask our support if something is wrong."
    ),
    RefusalCode.DISPUTE_WINDOW_CLOSED: Sentences(
        "A dispute can be opened from the start of the lesson until its settlement is due.",
        "Ask our support; they can still open one for you.",
    ),
    RefusalCode.ALREADY_REPORTED: Sentences(
        "This was reported already, and the report has ended.", "Ask our support if something is wrong."
    ),
    RefusalCode.UNDER_REVIEW: Sentences(
        "This booking is under review, so its money stays where it is.", "Wait for the ruling."
    ),
    RefusalCode.REFUND_EXCEEDS_CAPTURED: Sentences(
        "That is more than the card paid and was not yet refunded.", "Refund a smaller amount."
    ),
    RefusalCode.NOTHING_CAPTURED: Sentences(
        "The card has paid nothing for this booking.", "There is nothing to refund."
    ),
    RefusalCode.CANCEL_INSTEAD: Sentences(
        "This payment is not settled yet.", "Cancel the booking, with or without refund."
    ),
    RefusalCode.ALREADY_COMPLETED: Sentences(
        "The lesson is completed.", "If something was wrong with it, open a dispute."
    ),
    RefusalCode.CREDITS_UNAVAILABLE: Sentences(
        "There are not that many credits to use.", "Use fewer credits; the card pays the rest."
    ),
    RefusalCode.ACCOUNT_LOCKED: Sentences(
        "This account is locked, so nothing new can be booked.",
        "Pay what is owed for a lesson or in credit, then book again; if nothing is owed, our staff can help.",
    ),
    RefusalCode.BELOW_PRICE_FLOOR: Sentences(
        "The price is below the lowest allowed for this kind of lesson.", "Set a price at or above the floor."
    ),
    RefusalCode.PREVIEW_STALE: Sentences(
        "What this would do has changed since it was shown.", "Look at the fresh preview and confirm again."
    ),
}


class Refused(Exception):
    """The action is not allowed and changed nothing; the caller can be told why (policy section 12).

    `context` goes with the answer: `fresh` plan of a stale preview, `retry_after` seconds, `earliest` instant.
    """

    def __init__(self, code: RefusalCode | str, **context: object) -> None:
        self.code = RefusalCode(code)  # an unknown code is a bug and fails here
        self.context = context
        super().__init__(str(self.code))

    @property
    def message(self) -> str:
        return SENTENCES[self.code].why

    @property
    def what_can_be_done(self) -> str:
        return SENTENCES[self.code].instead
