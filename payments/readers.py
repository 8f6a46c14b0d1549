"""The registry of event readers: what is done when Stripe tells of something (design 2 and 6).

Each app registers, in `AppConfig.ready`, who reads which types of event; a system check wants exactly one reader for
every type in `HANDLED`, and none beside them. The webhook endpoint is set up to send us exactly these types, so an app
above that reads another one adds it here, in the same commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from django.core.checks import CheckMessage, Error

from payments.models import StripeEvent

HANDLED = frozenset(
    {
        "account.updated",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.refund.updated",
        "charge.refunded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "payout.canceled",
        "payout.created",
        "payout.failed",
        "payout.paid",
        "payout.updated",
        "refund.created",
        "refund.failed",
        "refund.updated",
        "setup_intent.canceled",
        "setup_intent.created",
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
        "setup_intent.succeeded",
        "transfer.created",
        "transfer.reversed",
        "transfer.updated",
    }
)
# What connected accounts tell of themselves; Stripe sends it to an endpoint of its own.
OF_CONNECTED_ACCOUNTS = frozenset(
    event_type for event_type in HANDLED if event_type.startswith(("account.", "payout."))
)


class NotYet(Exception):
    """What an event tells of can't be taken in now, such as under an open operation; it is tried again later."""


class Reader(Protocol):
    """Takes in what an event tells of. No transaction is open.

    The event is a hint: fetch the object that it names. It comes once or more, in any order, late or not at all, so
    reading must go forward only, and reading again must change nothing. Raise NotYet to be asked again later; Refused,
    GatewayRefused and GatewayUnavailable mean the same.
    """

    def __call__(self, event: StripeEvent, *, now: datetime) -> None: ...


_READERS: dict[str, list[Reader]] = {}


def register(types: Iterable[str], reader: Reader) -> None:
    """Say who reads events of these types."""
    for event_type in types:
        _READERS.setdefault(event_type, []).append(reader)


def reader_of(event_type: str) -> Reader | None:
    """Return who reads events of a type, or None: then it is kept and ignored."""
    registered = _READERS.get(event_type)
    if registered is None:
        return None
    (reader,) = registered
    return reader


def check_every_type_has_one_reader(**_: object) -> list[CheckMessage]:
    unread = [
        Error(f"Events of type {event_type} have {len(_READERS.get(event_type, []))} readers.", id="payments.E002")
        for event_type in sorted(HANDLED)
        if len(_READERS.get(event_type, [])) != 1
    ]
    unannounced = [
        Error(f"Events of type {event_type} are read, but Stripe is not asked to send them.", id="payments.E003")
        for event_type in sorted(_READERS.keys() - HANDLED)
    ]
    return [*unread, *unannounced]
