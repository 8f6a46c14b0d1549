"""Reading what claims to be an event of Stripe's."""

import json
import re
from typing import Any

import stripe

from instainstru.clock import wall

TOLERANCE = 300  # seconds, Stripe's own advice; for clocks that are ahead as well as for old deliveries
_SIGNED_AT = re.compile(r"(?:^|,)t=(\d+)(?:,|$)")


class NotFromStripe(Exception):
    """The delivery is forged, malformed, too old, or signed in the future. Nothing of it may be kept."""


def verified_event(payload: bytes, *, signature: str, secret: str) -> dict[str, Any]:
    """Return the event that a delivery carries, if Stripe signed it within five minutes of now.

    Raises NotFromStripe.
    """
    signed_at = _SIGNED_AT.search(signature)
    if signed_at is None or int(signed_at[1]) > wall().timestamp() + TOLERANCE:
        raise NotFromStripe("The signature has no time, or one that has not come yet.")
    try:
        text = payload.decode()
        stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE)
        event = json.loads(text)
    except (UnicodeDecodeError, ValueError, stripe.SignatureVerificationError) as error:
        raise NotFromStripe(str(error)) from error
    if not isinstance(event, dict) or not {"id", "type", "data"} <= event.keys():
        raise NotFromStripe("What was signed is no event.")
    return event
