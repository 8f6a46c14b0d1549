"""One token bucket in Redis for all processes, below Stripe's published limits (design 4, "Load").

The generic cell rate algorithm: each call reserves the next free slot of its endpoint in one round trip and sleeps
until it. Nobody polls, so the rate is kept to within a slot however many processes there are.
"""

import logging
import re
import time

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from instainstru.clock import wall

logger = logging.getLogger(__name__)

LONGEST_WAIT = 5.0  # seconds; beyond it Stripe may as well say 429, which is "unknown" and repeated (P10.4)

_RESERVE = """
local now, gap, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slot = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - burst)
redis.call('SET', KEYS[1], string.format('%.6f', slot + gap), 'PX', 60000)
return string.format('%.6f', slot)
"""
_OBJECT_ID = re.compile(r"/[a-z]+_[A-Za-z0-9]+")


def wait_for_turn(method: str, url: str) -> None:
    """Sleep until this endpoint's next slot. If Redis is down the call goes through at once (design 10)."""
    now = wall().timestamp()
    gap = 1 / settings.STRIPE_CALLS_PER_SECOND
    try:
        slot = get_redis_connection().eval(_RESERVE, 1, f"stripe:pace:{_endpoint(method, url)}", now, gap, 10 * gap)
    except RedisError:
        logger.warning("Redis is down: Stripe calls are not paced.")
        return
    ahead = float(slot) - now
    if ahead > 0:
        time.sleep(min(ahead, LONGEST_WAIT))


def _endpoint(method: str, url: str) -> str:
    path = url.split("?", 1)[0].split("/v1/", 1)[-1]
    return f"{method.upper()}:{_OBJECT_ID.sub('/_', path)}"
