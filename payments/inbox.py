"""Taking events in: each once, before Stripe is answered."""

from datetime import UTC, datetime
from typing import Any

from instainstru import clock
from payments.models import StripeEvent
from payments.models.inbox import LONGEST_ID


def take_in(event: dict[str, Any]) -> bool:
    """Keep an event by its id and return whether it is new; a repetition changes nothing.

    Whatever else it brings does not keep it out: what is no text or no instant counts as missing, the payload has it.
    """
    now = clock.wall()
    _, is_new = StripeEvent.objects.get_or_create(
        event_id=event["id"],
        defaults={
            "type": _text(event["type"]),
            "object_id": _text((event["data"].get("object") or {}).get("id")),
            "account_id": _text(event.get("account")),
            "payload": event,
            "created_at": _instant(event.get("created")),
            "received_at": now,
            "next_try_at": now,
        },
    )
    return is_new


def _text(told: Any) -> str:
    return told[:LONGEST_ID] if isinstance(told, str) else ""


def _instant(told: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(told, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
