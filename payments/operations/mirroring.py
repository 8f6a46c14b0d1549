"""Following our own apply into dj-stripe's tables, best effort: nothing of ours rests on them (design 6)."""

from datetime import timedelta

from django.core.cache import cache
from django.db import Error as DatabaseError
from prometheus_client import Counter

from payments.gateway import mirror
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.models import StripeEvent

SETTLES_IN = timedelta(seconds=10)  # a charge tells of itself five times within seconds; one look after that will do

mirrored = Counter("stripe_objects_mirrored", "Objects copied into dj-stripe's tables.", ["kind", "result"])


def wants_mirroring(event: StripeEvent) -> bool:
    """Return whether the object that an event is about is to be copied; False if that is under way already."""
    if not event.is_of_our_mode or not event.object_id or not mirror.is_mirrored(_kind(event)):
        return False
    return bool(cache.add(f"mirror:{event.object_id}", 1, timeout=SETTLES_IN.total_seconds()))


def mirror_object(event: StripeEvent) -> str:
    """Copy the object that an event is about and return why that came to nothing, or nothing.

    No transaction may be open. The next event about the object tries again; there is nothing to make good.
    """
    kind = _kind(event)
    try:
        mirror.mirror(kind, event.object_id, account="" if kind == "account" else event.account_id)
    except (
        GatewayRefused,
        GatewayUnavailable,
        DatabaseError,
        RuntimeError,
        LookupError,
        TypeError,
        ValueError,
    ) as trouble:
        mirrored.labels(kind, "failed").inc()
        return f"{type(trouble).__name__}: {trouble}"
    mirrored.labels(kind, "done").inc()
    return ""


def _kind(event: StripeEvent) -> str:
    kind = (event.payload.get("data") or {}).get("object", {}).get("object")
    return kind if isinstance(kind, str) else ""
