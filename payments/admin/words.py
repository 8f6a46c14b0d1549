"""The policy's words as staff read them."""

from collections.abc import Mapping
from typing import Any

from payments.policy.accounts import Account
from payments.policy.states import (
    Action,
    BookingStatus,
    Call,
    Fault,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)

BOOKING_STATUSES = {
    BookingStatus.PENDING: "Not confirmed yet: the card has not paid, and no time is held.",
    BookingStatus.CONFIRMED: "Confirmed: the time is held for both sides.",
    BookingStatus.COMPLETED: "Completed: the lesson was given.",
    BookingStatus.CANCELLED: "Cancelled: the time is free again.",
    BookingStatus.NO_SHOW: "Missed: somebody did not come.",
}

PAYMENT_STATUSES = {
    PaymentStatus.SCHEDULED: "The card is saved; it is held 24 hours before the lesson.",
    PaymentStatus.AUTHORIZED: "The money is held on the card; it is charged a day after the lesson.",
    PaymentStatus.LOCKED: "The card was charged for a late move; the platform keeps the money until the lesson ends.",
    PaymentStatus.SETTLED: "Final: nothing moves any more.",
    PaymentStatus.PAYMENT_METHOD_REQUIRED: "The card was refused, or the bank waits for the student.",
    PaymentStatus.MANUAL_REVIEW: "Frozen: the clockwork leaves this money alone.",
}

PAYMENT_BECOMES = {
    PaymentStatus.SCHEDULED: "The payment is scheduled.",
    PaymentStatus.AUTHORIZED: "The money is held on the card.",
    PaymentStatus.LOCKED: "The payment is locked: the platform keeps the money for now.",
    PaymentStatus.SETTLED: "The payment is settled.",
    PaymentStatus.PAYMENT_METHOD_REQUIRED: "The payment waits for the student.",
    PaymentStatus.MANUAL_REVIEW: "The payment waits for staff.",
}

REVIEW_REASONS = {
    ReviewReason.NO_SHOW_REPORTED: "A no-show was reported",
    ReviewReason.DISPUTE_OPEN: "A dispute is open",
    ReviewReason.CHARGEBACK_OPEN: "The cardholder's bank has opened a chargeback",
    ReviewReason.CAPTURE_REFUSED: "Charging the card was refused",
    ReviewReason.REVERSAL_REFUSED: "Taking the instructor's transfer back was refused",
    ReviewReason.PAYOUT_REFUSED: "Paying the instructor was refused",
    ReviewReason.REFUND_REFUSED: "Refunding the card was refused",
    ReviewReason.VOID_REFUSED: "Releasing the hold was refused",
    ReviewReason.PAYEE_UNPAYABLE: "The instructor's account can't be paid",
    ReviewReason.COLLECTION_FAILED: "The card was refused for 72 hours; the instructor was paid, the student owes it",
    ReviewReason.CHANGED_AT_STRIPE: "Something was changed at Stripe, not by us",
}

OUTCOMES = {
    Outcome.LESSON_COMPLETED: "Lesson completed, paid in full",
    Outcome.STUDENT_EARLY: "Student cancelled early, nothing charged",
    Outcome.STUDENT_MIDDLE: "Student cancelled 12 to 24 hours ahead, full credit",
    Outcome.STUDENT_LATE: "Student cancelled late, half credit, half pay",
    Outcome.LOCKED_EARLY_ENOUGH: "Locked lesson cancelled 12 hours or more ahead, full credit",
    Outcome.LOCKED_LATE: "Locked lesson cancelled late, half credit, half pay",
    Outcome.INSTRUCTOR_CANCELLED: "Instructor cancelled, everything given back",
    Outcome.INSTRUCTOR_NO_SHOW: "Instructor absent, everything given back",
    Outcome.STUDENT_NO_SHOW: "Student absent, paid in full",
    Outcome.MUTUAL_NO_SHOW: "Both absent, everything given back",
    Outcome.STUDENT_WINS_DISPUTE: "Dispute ruled for the student, everything given back",
    Outcome.INSTRUCTOR_ADVANCED: "Card never paid; the platform paid the instructor",
    Outcome.NEVER_PAID: "Never paid, nothing charged",
    Outcome.STAFF_REFUND: "Refunded by staff",
    Outcome.STAFF_NO_REFUND: "Cancelled by staff without refund",
    Outcome.CHARGEBACK_LOST: "Chargeback lost",
}

ACTIONS = {
    Action.CHECKOUT: "Checkout",
    Action.AUTHORIZE: "Authorization due",
    Action.PAY_NOW: "Student pays",
    Action.CONFIRM_AUTHORIZATION: "Student comes back from the bank",
    Action.EXPIRE: "Unpaid for too long",
    Action.END_UNPAID: "Ended unpaid",
    Action.RELEASE_HOLD: "Hold released",
    Action.SETTLE: "Settlement",
    Action.ADVANCE: "Payout advanced",
    Action.COLLECT: "Debt collected",
    Action.RESCHEDULE: "Reschedule",
    Action.STUDENT_CANCEL: "Student cancels",
    Action.INSTRUCTOR_CANCEL: "Instructor cancels",
    Action.STAFF_CANCEL: "Staff cancel",
    Action.STAFF_REFUND: "Staff refund",
    Action.RULE_NO_SHOW: "No-show stands",
    Action.RULE_DISPUTE: "Dispute ruled for the student",
    Action.ANSWER_CHARGEBACK: "Chargeback taken in",
    Action.WIN_CHARGEBACK: "Chargeback won",
    Action.LOSE_CHARGEBACK: "Chargeback lost",
}

CALLS = {
    Call.AUTHORIZE: "Hold on the card",
    Call.INSPECT: "Look at the payment",
    Call.CAPTURE: "Charge the card",
    Call.VOID: "Release the hold",
    Call.REVERSE: "Take the transfer back",
    Call.PAY: "Pay the instructor",
    Call.TAKE_BACK: "Take the payout back",
    Call.REFUND: "Refund the card",
    Call.CHARGE: "Charge the debt",
}

DIRECTIONS = {  # from whom to whom a call moves its amount; none of them moves without the other
    Call.AUTHORIZE: "held on the student's card",
    Call.INSPECT: "nothing moves",
    Call.CAPTURE: "student's card → platform",
    Call.VOID: "freed on the student's card",
    Call.REVERSE: "instructor → platform",
    Call.PAY: "platform → instructor",
    Call.TAKE_BACK: "instructor → platform",
    Call.REFUND: "platform → student's card",
    Call.CHARGE: "student's card → platform",
}

FAULTS = {
    Fault.CARD: "the card or its bank",
    Fault.HOLD_GONE: "the hold is gone",
    Fault.PAYEE: "the instructor's account or our configuration",
    Fault.OTHER: "something else",
}

PARTIES = {
    Party.STUDENT: "Student",
    Party.INSTRUCTOR: "Instructor",
    Party.STAFF: "Staff",
    Party.SYSTEM: "Clockwork",
}

ACCOUNTS = {
    Account.PLATFORM: "Platform's balance",
    Account.CONNECTED: "Instructor's balance",
    Account.IN_DISPUTE: "Card in dispute",
    Account.RECEIVABLE: "Student's debt",
    Account.HELD: "Held for the booking",
    Account.EARNINGS: "Instructor's earnings",
    Account.CREDITS: "Student's credits",
    Account.FUNDING: "Platform's funding",
    Account.FEE_INCOME: "Fee income",
    Account.BREAKAGE: "Expired credits",
    Account.STRIPE_FEES: "Stripe's fees",
    Account.DISPUTE_FEES: "Dispute fees",
    Account.LOSSES: "Losses and goodwill",
}


def in_words(word: str | None, words: Mapping[Any, str]) -> str:
    """Say a stored word; one that a later version of the policy wrote is said as it is, and nothing stays nothing."""
    if not word:
        return ""
    return words.get(word) or word.replace("_", " ").capitalize()
