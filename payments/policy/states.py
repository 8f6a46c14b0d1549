"""The words of the policy: states, outcomes, reasons and actions (policy section 4)."""

from enum import StrEnum


class BookingStatus(StrEnum):
    """P4.1"""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class PaymentStatus(StrEnum):
    """P4.2: exactly six."""

    SCHEDULED = "scheduled"
    AUTHORIZED = "authorized"
    LOCKED = "locked"
    SETTLED = "settled"
    PAYMENT_METHOD_REQUIRED = "payment_method_required"
    MANUAL_REVIEW = "manual_review"


class Outcome(StrEnum):
    """P4.3: how a payment was settled."""

    LESSON_COMPLETED = "lesson_completed_full_payout"
    STUDENT_EARLY = "student_cancel_gt24_no_charge"
    STUDENT_MIDDLE = "student_cancel_12_24_full_credit"
    STUDENT_LATE = "student_cancel_lt12_split_50_50"
    LOCKED_EARLY_ENOUGH = "locked_cancel_ge12_full_credit"
    LOCKED_LATE = "locked_cancel_lt12_split_50_50"
    INSTRUCTOR_CANCELLED = "instructor_cancel_full_refund"
    INSTRUCTOR_NO_SHOW = "instructor_no_show_full_refund"
    STUDENT_NO_SHOW = "student_no_show_full_payout"
    MUTUAL_NO_SHOW = "mutual_no_show_full_refund"
    STUDENT_WINS_DISPUTE = "student_wins_dispute_full_refund"
    INSTRUCTOR_ADVANCED = "capture_failure_instructor_paid"
    NEVER_PAID = "payment_failed_no_charge"
    STAFF_REFUND = "admin_refund"
    STAFF_NO_REFUND = "admin_no_refund"
    CHARGEBACK_LOST = "chargeback_lost"


class ReviewReason(StrEnum):
    """P4.5: why a payment is frozen, and so who can end it."""

    NO_SHOW_REPORTED = "no_show_reported"
    DISPUTE_OPEN = "dispute_open"
    CHARGEBACK_OPEN = "chargeback_open"
    CAPTURE_REFUSED = "capture_refused"
    REVERSAL_REFUSED = "reversal_refused"
    PAYOUT_REFUSED = "payout_refused"
    REFUND_REFUSED = "refund_refused"
    VOID_REFUSED = "void_refused"
    PAYEE_UNPAYABLE = "payee_unpayable"
    COLLECTION_FAILED = "collection_failed"
    CHANGED_AT_STRIPE = "changed_at_stripe"


# What freezes a payment from outside, and is ended by its own ruling (sections 8 and 11).
CASES = frozenset({ReviewReason.NO_SHOW_REPORTED, ReviewReason.DISPUTE_OPEN, ReviewReason.CHARGEBACK_OPEN})

# Stops after a definite no: staff retry or resolve them (P10.3). The other reasons are cases, and a collection.
STOPS = frozenset(
    {
        ReviewReason.CAPTURE_REFUSED,
        ReviewReason.REVERSAL_REFUSED,
        ReviewReason.PAYOUT_REFUSED,
        ReviewReason.REFUND_REFUSED,
        ReviewReason.VOID_REFUSED,
        ReviewReason.PAYEE_UNPAYABLE,
    }
)


class Tier(StrEnum):
    """P1.3"""

    FOUNDING = "founding"
    ENTRY = "entry"
    GROWTH = "growth"
    PRO = "pro"


class Modality(StrEnum):
    ONLINE = "online"
    IN_PERSON = "in_person"


class Party(StrEnum):
    """Who asks for an action."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"
    STAFF = "staff"
    SYSTEM = "system"


class Action(StrEnum):
    """What may be done to a payment; an operation's kind is its action."""

    CHECKOUT = "checkout"
    AUTHORIZE = "authorize"  # the sweep at T−24 h, and its retries
    PAY_NOW = "pay_now"  # the student retries, with the same or another card
    CONFIRM_AUTHORIZATION = "confirm_authorization"  # the bank's 3-D Secure page was left
    EXPIRE = "expire"  # unpaid for too long: a checkout's 30 minutes (P5.2), a lesson's T−12 h (P10.1)
    END_UNPAID = "end_unpaid"  # P5.3, P7.8: an authorization that must not stand, or came to nothing
    RELEASE_HOLD = "release_hold"  # P6.2: a hold that was made for a move that did not come about
    SETTLE = "settle"
    ADVANCE = "advance"  # P10.2: collection failed for 72 h, the platform pays the instructor
    COLLECT = "collect"  # P10.2: the student pays later
    RESCHEDULE = "reschedule"
    STUDENT_CANCEL = "student_cancel"
    INSTRUCTOR_CANCEL = "instructor_cancel"
    STAFF_CANCEL = "staff_cancel"  # P8.7
    STAFF_REFUND = "staff_refund"  # P8.6
    RULE_NO_SHOW = "rule_no_show"  # P8.3, by staff, or by the system if nobody contested it
    RULE_DISPUTE = "rule_dispute"  # P8.4, for the student
    ANSWER_CHARGEBACK = "answer_chargeback"  # section 11: take back what was paid out, while the bank decides
    WIN_CHARGEBACK = "win_chargeback"
    LOSE_CHARGEBACK = "lose_chargeback"


CANCELLATIONS = frozenset({Action.STUDENT_CANCEL, Action.INSTRUCTOR_CANCEL, Action.STAFF_CANCEL})
BY_STAFF = frozenset({Action.STAFF_CANCEL, Action.STAFF_REFUND})
# Payouts are reversed if possible: one that is not keeps back none of the others (section 11).
EACH_CALL_BY_ITSELF = frozenset({Action.ANSWER_CHARGEBACK})
# What takes the charge's transfer back, because it never was the instructor's pay (P6.2, P7.2, P7.3, P8.6).
REVERSED_WHOLE = frozenset({Action.RESCHEDULE, Action.STUDENT_CANCEL})
TRIES_A_CARD = frozenset(
    {Action.PAY_NOW, Action.SETTLE, Action.COLLECT}
)  # if it is the student who asks (P10.1, P10.2)


# What a case's own operation is, and which freeze is its own; everything else stands still while one is open.
CASE_OF: dict[Action, ReviewReason] = {
    Action.RULE_NO_SHOW: ReviewReason.NO_SHOW_REPORTED,
    Action.RULE_DISPUTE: ReviewReason.DISPUTE_OPEN,
    Action.ANSWER_CHARGEBACK: ReviewReason.CHARGEBACK_OPEN,
    Action.WIN_CHARGEBACK: ReviewReason.CHARGEBACK_OPEN,
    Action.LOSE_CHARGEBACK: ReviewReason.CHARGEBACK_OPEN,
}
# What sends nothing that moves money, and so is never halted: it takes in what happened at the bank.
ONLY_LOOKS = frozenset({Action.CONFIRM_AUTHORIZATION})
RULINGS = frozenset({Action.RULE_NO_SHOW, Action.RULE_DISPUTE, Action.LOSE_CHARGEBACK})  # they end a payment

# What gives the credit back that a booking had used up; it is the student's own, and not given for the booking.
GIVES_BACK = frozenset({Action.RULE_NO_SHOW, Action.RULE_DISPUTE, Action.STAFF_CANCEL})


class NoShowRuling(StrEnum):
    """Who was absent, as staff find (P8.3)."""

    INSTRUCTOR_ABSENT = "instructor_absent"
    STUDENT_ABSENT = "student_absent"
    BOTH_ABSENT = "both_absent"
    UNFOUNDED = "unfounded"


class DisputeRuling(StrEnum):
    """For whom staff find (P8.4)."""

    STUDENT_WINS = "student_wins"
    INSTRUCTOR_WINS = "instructor_wins"


class Call(StrEnum):
    """The Stripe calls that a plan is made of (P2.2)."""

    AUTHORIZE = "authorize"  # create and confirm an intent that holds `PI`
    INSPECT = "inspect"  # read an intent that the student confirmed at the bank
    CAPTURE = "capture"  # charge the hold; Stripe makes the transfer of `TR`
    VOID = "void"  # cancel an intent and free what it holds
    REVERSE = "reverse"  # take the charge's transfer back whole
    PAY = "pay"  # an explicit transfer to the instructor
    TAKE_BACK = "take_back"  # an explicit transfer, or part of it
    REFUND = "refund"  # back to the card
    CHARGE = "charge"  # a plain charge without transfer, for what the student owes (P10.2)


class Bearer(StrEnum):
    """Who bears a staff refund (P8.6)."""

    PLATFORM = "platform"
    INSTRUCTOR = "instructor"


class Verdict(StrEnum):
    """What a call's answer means; "unknown" is none of these and is asked again (P10.4)."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    ACTION_REQUIRED = "action_required"


class Fault(StrEnum):
    """Whose fault a refusal is (P10.2)."""

    CARD = "card"
    HOLD_GONE = "hold_gone"  # the hold lapsed or was cancelled elsewhere: a new one is needed
    PAYEE = "payee"  # the instructor's account or our configuration: never the student's fault
    OTHER = "other"
