"""Reading what claims to be an event of Stripe's, and asking Stripe for those that did not come."""

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import stripe

from instainstru.clock import wall
from payments.gateway import client
from payments.gateway.errors import said_of
from payments.models.inbox import LONGEST_ID

Json = dict[str, Any]

TOLERANCE = 300  # seconds, Stripe's own advice; for clocks that are ahead as well as for old deliveries
_SIGNED_AT = re.compile(r"(?:^|,)t=(\d{1,12})(?:,|$)")


class NotFromStripe(Exception):
    """The delivery is forged, malformed, too old, or signed in the future. Nothing of it may be kept."""


def verified_event(payload: bytes, *, signature: str, secrets: Sequence[str]) -> Json:
    """Return the event that a delivery carries, if Stripe signed it within five minutes of now.

    Each endpoint at Stripe signs with a secret of its own, and one of them has to fit. Raises NotFromStripe.
    """
    signed_at = _SIGNED_AT.search(signature) if signature.isascii() else None  # the SDK stumbles over anything else
    if signed_at is None or int(signed_at[1]) > wall().timestamp() + TOLERANCE:
        raise NotFromStripe("The signature has no time, or one that has not come yet.")
    try:
        text = payload.decode()
        _require_signed(text, signature, secrets)
        event = _storable(json.loads(text))
    except (UnicodeDecodeError, ValueError, RecursionError, stripe.SignatureVerificationError) as error:
        raise NotFromStripe(str(error)) from error
    if not _is_event(event):
        raise NotFromStripe("What was signed is no event.")
    return event


def events_since(
    instant: datetime, *, account: str = "", tell: Callable[[int], None] = lambda read: None
) -> list[Json]:
    """Return the events of our account, or of a connected one, from an instant of Stripe's clock on, oldest first.

    Stripe remembers them for 30 days. `tell` hears after each page how many were read so far. Raises GatewayRefused
    or GatewayUnavailable.
    """
    created = {"gte": int(instant.timestamp())}
    found = said_of(account, lambda: list(client.every("/v1/events", account=account, tell=tell, created=created)))
    return [_storable(event) | ({"account": account} if account else {}) for event in reversed(found)]


def _require_signed(text: str, signature: str, secrets: Sequence[str]) -> None:
    for secret in secrets[:-1]:
        try:
            stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE)
        except stripe.SignatureVerificationError:
            continue
        return
    stripe.WebhookSignature.verify_header(text, signature, secrets[-1], TOLERANCE)


def _storable(told: Any) -> Any:
    """Return JSON without what PostgreSQL takes in no text and no number: NUL, half of a surrogate pair, infinity."""
    match told:
        case str():
            return told.replace("\0", "").encode(errors="replace").decode()
        case dict():
            return {_storable(name): _storable(value) for name, value in told.items()}
        case list():
            return [_storable(value) for value in told]
        case float() if not math.isfinite(told):
            return None
        case _:
            return told


def _is_event(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(name), kind) for name, kind in (("id", str), ("type", str), ("data", dict)))
        and 0 < len(found["id"]) <= LONGEST_ID
        and isinstance(found["data"].get("object", {}), dict)
        and isinstance(found.get("account") or "", str)
    )
