"""A place to try things that leaves no trace: scenarios and simulations run in one, beside a demo that goes on."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from django.test.utils import override_settings

from instainstru.local.databases import template
from instainstru.local.databases.seats import Seat
from instainstru.local.databases.seed import Seed


@contextmanager
def scratch() -> Iterator[Callable[[], None]]:
    """Point this process, in all its threads, at a freshly migrated database and an empty Redis database of its own.

    Gives a function that brings both back to that state, in milliseconds; call it between cases, with no transaction
    open. At the end both are dropped and the former ones are back. Celery must run eagerly: no worker looks here.
    """
    seat = Seat.take(settings.DATABASE_URL, settings.REDIS_URL)
    caches = settings.CACHES | {"default": settings.CACHES["default"] | {"LOCATION": seat.redis_url}}
    try:
        template.make_database(seat)
        seat.empty_redis()
        seed = Seed(seat.database_url)
        seed.plant()

        def start_over() -> None:
            seed.bring_back()
            seat.empty_redis()

        with (
            closing(seed),
            template.pointing_at(seat.database),
            # With DEBUG on, Django would keep and write out every statement.
            override_settings(REDIS_URL=seat.redis_url, CELERY_BROKER_URL=seat.redis_url, CACHES=caches, DEBUG=False),
        ):
            yield start_over
    finally:
        seat.leave()
