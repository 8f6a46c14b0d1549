"""Every kind of message, with what its template needs: a misspelt key or a forgotten name fails when it is queued.

A name tells its type: `…_at` is an instant, `…_cents` an amount, `…_url` an address, the rest is text. Any of them but
an amount may be None where the docstring of its kind says so. Templates: `templates/messages/<key>.txt` and `.html`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LESSON = {
    "booking_ref": "bk_7mv2k0q9x4hd3n8r",
    "booking_url": "https://instainstru.example/bookings/bk_7mv2k0q9x4hd3n8r",
    "service": "Piano for beginners",
    "starts_at": "2026-03-05T17:00:00+00:00",
}
WITH_INSTRUCTOR = {**LESSON, "instructor": "Ines Moreau"}
WITH_STUDENT = {**LESSON, "student": "Sam Okafor"}
Context = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """One kind of message.

    `sample` is a complete context: its names are the ones required, and tests render every template with it.
    `optional` names may be None. What must not lie in the database, such as a link that opens an account,
    `at_sending` adds for the recipient when the e-mail is written; such a kind is not shown in the product.
    """

    key: str
    subject: str  # a Django template of one line
    sample: Context
    optional: frozenset[str] = frozenset()
    at_sending: Callable[[Any], Context] | None = None

    @property
    def is_shown_in_product(self) -> bool:
        return self.at_sending is None

    def checked(self, context: Mapping[str, object]) -> dict[str, str | int | None]:
        """Return the context as it is kept, or raise ValueError for what is missing, unknown or of the wrong type."""
        if missing_or_unknown := context.keys() ^ self.sample.keys():
            raise ValueError(f"Message {self.key}: missing or unknown: {', '.join(sorted(missing_or_unknown))}.")
        return {name: self._checked_value(name, value) for name, value in context.items()}

    def _checked_value(self, name: str, value: object) -> str | int | None:
        if value is None and name in self.optional:
            return None
        if name.endswith("_at"):
            instant = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(instant, datetime) and instant.tzinfo is not None:
                return instant.isoformat()
        elif name.endswith("_cents"):
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        elif isinstance(value, str):
            return str(value)
        raise ValueError(f"Message {self.key}: {name} can't be {value!r}.")


_declared: dict[str, MessageKind] = {}


def declare(*kinds: MessageKind) -> None:
    """Make kinds known; an app above this one calls it in `AppConfig.ready`. Raises ValueError for a key used twice."""
    for kind in kinds:
        if kind.key in _declared:
            raise ValueError(f"The message kind {kind.key} is declared twice.")
        _declared[kind.key] = kind


def kind_of(key: str) -> MessageKind:
    """Return the kind of that key. Raises ValueError for one that nobody declared."""
    try:
        return _declared[key]
    except KeyError:
        raise ValueError(f"No message kind is called {key!r}.") from None


def declared_kinds() -> list[MessageKind]:
    return list(_declared.values())


def keys_shown_in_product() -> list[str]:
    return [kind.key for kind in _declared.values() if kind.is_shown_in_product]


declare(
    MessageKind(
        key="booking_confirmed_student",
        subject="Booked: {{ service }} with {{ instructor }}",
        sample={
            **WITH_INSTRUCTOR,
            "ends_at": "2026-03-05T18:00:00+00:00",
            "lesson_price_cents": 12_000,
            "student_fee_cents": 1_440,
            "credits_cents": 5_000,
            "card_cents": 8_440,
            "authorizes_at": "2026-03-04T17:00:00+00:00",  # None: the card is authorized already
        },
        optional=frozenset({"authorizes_at"}),
    ),
    MessageKind(
        key="booking_confirmed_instructor",
        subject="New booking: {{ service }} with {{ student }}",
        sample={**WITH_STUDENT, "ends_at": "2026-03-05T18:00:00+00:00", "payout_cents": 10_560},
    ),
    MessageKind(
        key="checkout_needs_card",
        subject="Your booking is not confirmed yet: {{ service }}",
        sample={**WITH_INSTRUCTOR, "card_cents": 13_440, "pay_by_at": "2026-03-02T15:30:00+00:00"},
    ),
    MessageKind(
        key="authorization_failed",
        subject="Your card was refused for {{ service }}",
        sample={
            **WITH_INSTRUCTOR,
            "card_cents": 13_440,
            "retries_at": "2026-03-04T18:00:00+00:00",  # None: it is not tried again
            "cancels_at": "2026-03-05T05:00:00+00:00",  # None: nothing is cancelled any more
        },
        optional=frozenset({"retries_at", "cancels_at"}),
    ),
    MessageKind(
        key="booking_cancelled_student",
        subject="Cancelled: {{ service }} with {{ instructor }}",
        sample={
            **WITH_INSTRUCTOR,
            "cancelled_by": "you",  # as the reader is told: "you", "your instructor", "our staff"
            "card_charged_cents": 13_440,
            "card_refunded_cents": 0,
            "credits_returned_cents": 0,
            "credit_issued_cents": 6_000,
            "credits_forfeited_cents": 0,
        },
    ),
    MessageKind(
        key="booking_cancelled_instructor",
        subject="Cancelled: {{ service }} with {{ student }}",
        sample={**WITH_STUDENT, "cancelled_by": "the student", "payout_cents": 5_280},
    ),
    MessageKind(
        key="payment_failed_cancelled_student",
        subject="Cancelled, as the payment failed: {{ service }}",
        sample={**WITH_INSTRUCTOR, "credits_returned_cents": 5_000},
    ),
    MessageKind(
        key="payment_failed_cancelled_instructor",
        subject="Cancelled, as the payment failed: {{ service }} with {{ student }}",
        sample=WITH_STUDENT,
    ),
    MessageKind(
        key="lesson_paid",
        subject="You were paid {{ payout_cents|dollars }} for {{ service }}",
        sample={
            **WITH_STUDENT,
            "lesson_price_cents": 12_000,
            "instructor_fee_cents": 1_440,
            "payout_cents": 10_560,
        },
    ),
    MessageKind(
        key="lesson_receipt",
        subject="Receipt: {{ service }} with {{ instructor }}",
        sample={
            **WITH_INSTRUCTOR,
            "lesson_price_cents": 12_000,
            "student_fee_cents": 1_440,
            "credits_cents": 5_000,
            "card_cents": 8_440,
        },
    ),
    MessageKind(
        key="credit_issued",
        subject="You have {{ amount_cents|dollars }} of new credit",
        sample={
            "amount_cents": 6_000,
            "expires_at": "2027-03-05T17:00:00+00:00",
            "reason": "Your lesson “Piano for beginners” was cancelled.",
            "wallet_url": "https://instainstru.example/credits",
        },
    ),
    MessageKind(
        key="final_warning",
        subject="Last chance to pay for {{ service }}",
        sample={**WITH_INSTRUCTOR, "card_cents": 13_440, "cancels_at": "2026-03-05T05:00:00+00:00"},
    ),
    MessageKind(
        key="lesson_moved_student",
        subject="Moved: {{ service }} with {{ instructor }}",
        sample={
            **WITH_INSTRUCTOR,
            "moved_from_at": "2026-03-04T17:00:00+00:00",
            "card_charged_cents": 13_440,  # 0: nothing was charged for the move
        },
    ),
    MessageKind(
        key="lesson_moved_instructor",
        subject="Moved: {{ service }} with {{ student }}",
        sample={**WITH_STUDENT, "moved_from_at": "2026-03-04T17:00:00+00:00"},
    ),
    MessageKind(
        key="account_locked",
        subject="You owe {{ owed_cents|dollars }} for {{ service }}",
        sample={**WITH_INSTRUCTOR, "owed_cents": 13_440},
    ),
    MessageKind(
        key="debt_paid",
        subject="Paid: {{ paid_cents|dollars }} for {{ service }}",
        sample={**WITH_INSTRUCTOR, "paid_cents": 13_440},
    ),
    MessageKind(
        key="refunded",
        subject="Refund: {{ refunded_cents|dollars }} for {{ service }}",
        sample={**WITH_INSTRUCTOR, "refunded_cents": 2_500},
    ),
    MessageKind(
        key="payout_taken_back",
        subject="{{ taken_cents|dollars }} of your pay was taken back for {{ service }}",
        sample={**WITH_STUDENT, "taken_cents": 2_640},
    ),
    MessageKind(
        key="manual_review",
        subject="Needs staff: {{ booking_ref }}, {{ reason }}",
        sample={**LESSON, "reason": "reversal refused", "error": "balance_insufficient: Insufficient funds."},
    ),
    MessageKind(
        key="credit_expiring",
        subject="{{ amount_cents|dollars }} of your credit expires soon",
        sample={
            "amount_cents": 6_000,
            "expires_at": "2027-03-05T17:00:00+00:00",
            "wallet_url": "https://instainstru.example/credits",
        },
    ),
    MessageKind(
        key="lesson_reminder_student",
        subject="Soon: {{ service }} with {{ instructor }}",
        sample=WITH_INSTRUCTOR,
    ),
    MessageKind(
        key="lesson_reminder_instructor",
        subject="Soon: {{ service }} with {{ student }}",
        sample=WITH_STUDENT,
    ),
    MessageKind(
        key="case_opened",
        subject="About your lesson: {{ service }}",
        sample={
            **LESSON,
            "what": "The student reported that you did not come.",
            "you_can": "If you were there, contest the report on the booking's page.",
            "until_at": "2026-03-06T17:30:00+00:00",  # None: there is no hurry
        },
        optional=frozenset({"until_at"}),
    ),
    MessageKind(
        key="case_ended",
        subject="Decided: {{ service }}",
        sample={**LESSON, "what": "The student's absence stands.", "then": "$105.60 is paid to you."},
    ),
    MessageKind(
        key="case_for_staff",
        subject="For review: {{ booking_ref }}",
        sample={
            **LESSON,
            "what": "The instructor contests the report of a no-show.",
            "until_at": "2026-03-12T17:30:00+00:00",  # None: no clock runs
        },
        optional=frozenset({"until_at"}),
    ),
)
