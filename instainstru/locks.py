"""The Redis mutex that answers quickly while something is being done with a booking (design 4)."""

import contextlib
import logging
import secrets
from collections.abc import Iterator

from django_redis import get_redis_connection
from prometheus_client import Counter
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TTL_MS = 90_000  # a call may take 30 s and an operation has three; a dead owner's mutex is gone by then

OUTCOMES = Counter("instainstru_mutex_total", "Attempts to take a booking's mutex", ["outcome"])

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@contextlib.contextmanager
def booking_mutex(reference: str) -> Iterator[bool]:
    """Hold a booking's mutex for the block; yields whether it is ours.

    It only spares work: with Redis down everyone gets through, and the database's index of open operations decides.
    """
    key, token = f"booking:{reference}:mutex", secrets.token_hex(8)
    try:
        taken = bool(get_redis_connection().set(key, token, nx=True, px=TTL_MS))
    except RedisError:
        logger.warning("Redis is down: booking %s goes on without its mutex.", reference)
        OUTCOMES.labels("redis_down").inc()
        yield True
        return
    OUTCOMES.labels("taken" if taken else "busy").inc()
    try:
        yield taken
    finally:
        if taken:
            _release(key, token)


def _release(key: str, token: str) -> None:
    try:
        get_redis_connection().eval(_RELEASE, 1, key, token)
    except RedisError:
        logger.warning("Redis is down: %s ends by its age.", key)
