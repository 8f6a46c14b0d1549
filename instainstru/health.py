"""Whether the process lives, whether the whole is ready, and what it measured (design 9).

A load balancer asks `/healthz`: the API keeps answering while Redis, Stripe or the worker is away (design 10), and
taking every web process out of rotation would turn a small outage into a large one. Whoever deploys or watches asks
`/readyz`, which says what is missing.
"""

import hmac
import os
import socket
import time
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from instainstru import clock, heartbeats
from instainstru.observability import gauges

STRIPE = "https://api.stripe.com"
STRIPE_ASKED_EVERY = 30.0  # seconds; a probe each second must not become traffic at Stripe

_stripe_last_asked: tuple[float, str | None] | None = None


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer; whoever reads this is alive."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say for each part what is wrong with it, and answer 503 if anything is."""
    parts = {name: _state(problem) for name, problem in _parts().items()}
    ready = all(part["ready"] for part in parts.values())
    return JsonResponse({"status": "ready" if ready else "not ready", "parts": parts}, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Serve the Prometheus metrics to staff, to the holder of METRICS_TOKEN and to this machine."""
    if not _may_see_metrics(request):
        return HttpResponse("Metrics are for staff.\n", status=403, content_type="text/plain")
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):  # several gunicorn processes, whose sums are meant
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        registry.register(gauges)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _parts() -> dict[str, str | None]:
    return {
        "database": _database_problem(),
        "redis": _redis_problem(),
        "stripe": _stripe_problem(),
        **{part: _heartbeat_problem(part) for part in heartbeats.PARTS},
    }


def _state(problem: str | None) -> dict[str, object]:
    return {"ready": problem is None, **({"problem": problem} if problem else {})}


def _database_problem() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "PostgreSQL does not answer."
    return None


def _redis_problem() -> str | None:
    try:
        get_redis_connection().ping()  # past the cache, which would keep quiet about it
    except (RedisError, OSError):
        return "Redis does not answer."
    return None


def _stripe_problem() -> str | None:
    global _stripe_last_asked
    if _stripe_last_asked is None or time.monotonic() - _stripe_last_asked[0] > STRIPE_ASKED_EVERY:
        _stripe_last_asked = (time.monotonic(), _ask_stripe())
    return _stripe_last_asked[1]


def _ask_stripe() -> str | None:
    address = urlsplit(settings.STRIPE_API_BASE or STRIPE)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((address.hostname, port), timeout=2):
            return None
    except OSError:
        return f"{address.hostname} can't be reached."


def _heartbeat_problem(part: str) -> str | None:
    seen = heartbeats.last_seen(part)
    if seen is None or clock.wall() - seen <= heartbeats.DEAD_AFTER:
        return None  # one that never ran here is not missed
    return f"Not seen since {seen.isoformat(timespec='seconds')}."


def _may_see_metrics(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(offered.encode(), token.encode()):
        return True
    # A proxy on this machine also comes from loopback, but says whom it speaks for.
    if request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and "X-Forwarded-For" not in request.headers:
        return True
    user = getattr(request, "user", AnonymousUser())
    return bool(user.is_active and user.is_staff)
