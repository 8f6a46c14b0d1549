"""When the clockwork next has something to do with a payment, derived from its state alone."""

from dataclasses import dataclass
from datetime import datetime

from payments.policy.rules import Rules
from payments.policy.states import BookingStatus, PaymentStatus
from payments.policy.windows import (
    authorization_due_at,
    checkout_expires_at,
    next_authorization_at,
    settlement_due_at,
    unpaid_cancellation_due_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Due instants, UTC; None where nothing is due."""

    authorize_at: datetime | None = None
    expire_at: datetime | None = None
    warn_at: datetime | None = None
    settle_at: datetime | None = None


NONE_DUE = Deadlines()


def deadlines(
    *,
    booking_status: BookingStatus,
    payment_status: PaymentStatus,
    made_at: datetime,
    starts_at: datetime,
    ends_at: datetime,
    is_held: bool,
    refused_at: datetime | None,
    refusals: int,
    collection_refused_at: datetime | None,
    now: datetime,
    rules: Rules,
) -> Deadlines:
    """Return what is due when; deriving it again from the same state gives the same deadlines.

    `is_held` says that the card is held: a capture may have been refused, and the hold stands for the next one.
    `refused_at` is the clockwork's last refused try, `refusals` how many authorizations were refused so far (P10.1);
    `collection_refused_at` is the first refusal at settlement, from which on tries are four hours apart (P10.2).
    """
    settle_at = settlement_due_at(ends_at, rules=rules)
    if booking_status == BookingStatus.NO_SHOW and refused_at:
        # The student's absence was ruled and the card refused: the ladder runs from then, whenever that was; a card
        # that the student has had held meanwhile is charged at once (P8.3, P10.2).
        match payment_status:
            case PaymentStatus.PAYMENT_METHOD_REQUIRED:
                return Deadlines(settle_at=_next_collection_at(refused_at, since=collection_refused_at, rules=rules))
            case PaymentStatus.AUTHORIZED:
                return Deadlines(settle_at=refused_at)
    if booking_status not in (BookingStatus.PENDING, BookingStatus.CONFIRMED, BookingStatus.COMPLETED):
        return NONE_DUE
    match payment_status:
        case PaymentStatus.SCHEDULED:
            return Deadlines(authorize_at=authorization_due_at(starts_at, rules=rules), settle_at=settle_at)
        case PaymentStatus.AUTHORIZED | PaymentStatus.LOCKED:
            return Deadlines(settle_at=settle_at)
        case PaymentStatus.PAYMENT_METHOD_REQUIRED if booking_status == BookingStatus.PENDING:
            return Deadlines(expire_at=checkout_expires_at(made_at=made_at, starts_at=starts_at, rules=rules))
        case PaymentStatus.PAYMENT_METHOD_REQUIRED:
            unpaid_until = unpaid_cancellation_due_at(starts_at, rules=rules)
            if collection_refused_at and refused_at:
                retry_at = _next_collection_at(refused_at, since=collection_refused_at, rules=rules)
                settle_at = max(settle_at, retry_at)
            warning = starts_at - rules.final_warning
            return Deadlines(
                authorize_at=None
                if is_held or now >= unpaid_until
                else next_authorization_at(
                    refused_at=refused_at or now, refusals=refusals, starts_at=starts_at, rules=rules
                ),
                expire_at=unpaid_until if now < starts_at else None,
                warn_at=warning if now < warning else None,
                settle_at=settle_at,
            )
        case _:
            return NONE_DUE


def _next_collection_at(refused_at: datetime, *, since: datetime | None, rules: Rules) -> datetime:
    """Every four hours, and once more when the 72 hours are over, however the tries before had fallen (P10.2)."""
    retry_at = refused_at + rules.collection_retry
    if since is None or refused_at >= since + rules.collection_time:
        return retry_at
    return min(retry_at, since + rules.collection_time)
