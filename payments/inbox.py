"""Taking events in: each once, before Stripe is answered."""

from datetime import UTC, datetime
from typing import Any

from instainstru import clock
from payments.models import StripeEvent


def take_in(event: dict[str, Any]) -> bool:
    """Keep an event by its id and return whether it is new; a repetition changes nothing."""
    now = clock.wall()
    _, is_new = StripeEvent.objects.get_or_create(
        event_id=event["id"],
        defaults={
            "type": event["type"],
            "object_id": (event["data"].get("object") or {}).get("id") or "",
            "account_id": event.get("account") or "",
            "payload": event,
            "created_at": datetime.fromtimestamp(event["created"], UTC) if "created" in event else None,
            "received_at": now,
            "next_try_at": now,
        },
    )
    return is_new
