"""What is true of a payment at the instant that an action is asked for."""

from dataclasses import dataclass
from datetime import datetime

from payments.policy.pricing import Terms
from payments.policy.states import Bearer, BookingStatus, NoShowRuling, Outcome, PaymentStatus, ReviewReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What an instructor still holds of one explicit transfer. Cents."""

    id: str
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What staff ask for. Cents."""

    with_refund: bool = True  # P8.7
    refund: int | None = None  # P8.6; None is all that was not refunded yet
    bearer: Bearer = Bearer.PLATFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What moved for the payment so far, beside what its own row says. Cents; balances debit positive."""

    transfers: tuple[Transfer, ...] = ()  # explicit ones, the latest first
    refunded_at_instructors_cost: int = 0  # by earlier staff refunds
    taken_back: int = 0  # from the instructor, by earlier staff refunds
    reversal_waits: bool = False  # what the instructor holds is a transfer that is still to be reversed (P10.3)
    held_balance: int = 0
    earnings_balance: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a ruling, or the bank's, is decided by beside the payment itself. Cents."""

    no_show: NoShowRuling | None = None
    credits_reserved: int = 0  # by the booking, still
    credits_forfeited: int = 0
    credits_given_back: int = 0  # of those consumed or forfeited, by an earlier ruling or by staff's cancelling
    issued_left: int = 0  # of the credits issued for the booking: available or frozen
    issued_frozen: int = 0  # of what is left
    issued_spent: int = 0  # of the same credits: spent or reserved
    in_dispute: int = 0  # with the bank, of this payment
    to_pay_again: int = 0  # what was taken back from the instructor when the chargeback was opened
    comes_back: int = 0  # credit that had paid off the negative balance which a won chargeback lifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that `decide` and `conclude` may look at. Amounts are cents, instants aware UTC."""

    terms: Terms
    booking_status: BookingStatus
    payment_status: PaymentStatus
    outcome: Outcome | None
    made_at: datetime
    starts_at: datetime
    ends_at: datetime

    hold: int = 0  # live on the card
    has_pending_intent: bool = False  # waits for the student's confirmation and could become a hold without us
    captured: int = 0
    refunded: int = 0
    instructor_holds: int = 0  # transfers less reversals, for this booking
    collection_refused_at: datetime | None = None  # the first time, at settlement: the 72 h of P10.2 run from it
    owed: int = 0  # what the student owes for this booking after the payout was advanced
    student_is_there: bool = False  # asks for it in person, and so can confirm with the bank
    late_reschedule_used: bool = False  # P6.2: once
    review_reason: ReviewReason | None = None
    credits_consumed: int = 0
    credits_released: int = 0
    wish: Wish = Wish()
    books: Books = Books()  # read only for what is decided by them
    case: Case = Case()
    charged_back: int = 0  # taken by the bank and not returned
    new_starts_at: datetime | None = None  # where a reschedule is to move the lesson
    time_was_taken: bool = False  # P5.3: found when the booking was to be confirmed

    @property
    def held(self) -> int:
        """What the platform holds of the card's money, before it is anybody's."""
        return max(0, self.captured - self.refunded - self.charged_back)
