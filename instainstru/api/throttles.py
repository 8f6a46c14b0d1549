"""How often one client may ask (design 8).

Counting is atomic, one Redis `INCR` a request, so that fifty threads can't slip through together as they could past
DRF's read-then-write history. Two neighbouring windows are weighed into a sliding one. When Redis is down everybody
is let through: the API keeps answering (design 10).
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.http import HttpRequest
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

from instainstru import clock

if TYPE_CHECKING:  # APIView imports its throttles
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

# Kept by Redis under its digest, which is all that is sent once it is known there.
_COUNT = b"""
local counted = redis.call("INCR", KEYS[1])
redis.call("EXPIRE", KEYS[1], ARGV[1], "NX")
return {counted, redis.call("GET", KEYS[2])}
"""

SECONDS = {"sec": 1, "min": 60, "hour": 3600, "day": 86400}
READING = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many requests in so many seconds, written `5/min`."""

    requests: int
    seconds: int

    @classmethod
    def named(cls, scope: str) -> "Rate":
        requests, _, period = str(api_settings.DEFAULT_THROTTLE_RATES[scope]).partition("/")
        return cls(requests=int(requests), seconds=SECONDS[period])

    def wait(self, *, counted: int, in_previous: int, elapsed: float) -> float:
        """Return how many seconds the last of `counted` requests of this window is too early; 0 if it may pass.

        The previous window weighs as much as of it still lies within the last `seconds`.
        """
        if counted + in_previous * (1 - elapsed / self.seconds) <= self.requests:
            return 0.0
        if counted <= self.requests:  # the previous window's weight is what is too much; it wanes
            return self.seconds * (1 - (self.requests - counted) / in_previous) - elapsed
        # This window is full. In the next one it weighs on as the previous, without the request that came too early.
        return self.seconds - elapsed + self.seconds * (1 - (self.requests - 1) / (counted - 1))


def seconds_to_wait(*, scope: str, who: str) -> float:
    """Count one request of that client and return 0, or how long to wait if it is one too many.

    A request that has to wait is not counted: a patient client is not punished for an impatient moment.
    """
    rate = Rate.named(scope)
    now = clock.wall().timestamp()
    window, elapsed = divmod(now, rate.seconds)
    current, previous = _key(scope, who, int(window)), _key(scope, who, int(window) - 1)
    counts = _count_one(current, previous, seconds=2 * rate.seconds)
    if counts is None:
        return 0.0
    counted, in_previous = counts
    wait = rate.wait(counted=counted, in_previous=in_previous, elapsed=elapsed)
    if wait > 0:
        cache.decr(current)
    return wait


def refuse_if_too_often(request: HttpRequest, *, scope: str) -> None:
    """Count one request to a page of somebody who is signed in, together with theirs to the API; raises Throttled."""
    wait = seconds_to_wait(scope=scope, who=name_of(request.user))
    if wait > 0:
        raise Throttled(wait)


def take_back(*, scope: str, who: str) -> None:
    """Uncount one request of that client in the present window."""
    rate = Rate.named(scope)
    with contextlib.suppress(ValueError):  # its window has passed meanwhile
        cache.decr(_key(scope, who, int(clock.wall().timestamp() // rate.seconds)))


def name_of(user: Any) -> str:
    """Return the name under which a user's requests are counted, wherever they come from."""
    return f"user:{user.pk}"


def address_of(request: HttpRequest | Request) -> str:
    """Return the name under which a stranger's requests are counted: the address that our proxies saw."""
    return f"ip:{BaseThrottle().get_ident(request)}"  # type: ignore[arg-type]  # headers and META alone are read


def _count_one(current: str, previous: str, *, seconds: int) -> tuple[int, int] | None:
    """Return how many were counted in this window, this one included, and in the one before; None without Redis.

    One call and one answer: every request to the API makes it.
    """
    try:
        count = get_redis_connection().register_script(_COUNT)
        counted, before = count(keys=[cache.make_key(current), cache.make_key(previous)], args=[seconds])
    except RedisError:
        logger.warning("Redis does not count; this request is let through.")
        return None
    return counted, int(before or 0)


def _key(scope: str, who: str, window: int) -> str:
    return f"throttle:{scope}:{who}:{window}"


class ByKindOfRequest(BaseThrottle):
    """Throttle by what a request does: a view's `throttle_scope`, else "read" or "write" by its method.

    A user is counted wherever they come from, a stranger by address. A view may add `guessed_by(request)`: names of
    what a stranger could be guessing at, such as an e-mail address, each of which is counted as well.
    """

    _wait = 0.0

    def allow_request(self, request: Request, view: "APIView") -> bool:
        scope = getattr(view, "throttle_scope", None) or ("read" if request.method in READING else "write")
        # Every client is counted, also when another already has to wait: who guesses can't learn which it was.
        waits = [seconds_to_wait(scope=scope, who=who) for who in self._clients(request, view)]
        self._wait = max(waits)
        return self._wait == 0.0

    def wait(self) -> float:
        return self._wait

    def _clients(self, request: Request, view: Any) -> Iterator[str]:
        if request.user.is_authenticated:
            yield name_of(request.user)
        else:
            yield address_of(request)
        if hasattr(view, "guessed_by"):
            yield from view.guessed_by(request)
