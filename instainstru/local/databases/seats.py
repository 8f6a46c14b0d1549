"""Seats: small numbers, each held by one process at a time, each with a database and a Redis database of its own.

Any number of test runs and scenario runs may work on the same servers at the same time. A seat is an advisory lock, so
that the death of its holder frees it; what the dead one left in it is cleared by the next. No Django here: a test run
takes its seat before settings are read.
"""

import re
from dataclasses import dataclass

import psycopg
import redis

from instainstru.local.databases import maintenance

SEATS = 0x5EA7  # the first key of the advisory locks; the second is the seat's number


@dataclass(frozen=True, slots=True)
class Seat:
    """A place of one's own on both servers, until it is left or its holder dies."""

    number: int
    family: str  # the name of the database from whose URL the seat was taken
    database_url: str
    redis_url: str
    server: psycopg.Connection  # holds the lock; good for maintenance
    memory: redis.Redis

    @classmethod
    def take(cls, database_url: str, redis_url: str) -> "Seat":
        """Take the first free seat at these servers. Its database is `<name>_seat_<number>`, which may not exist yet.

        Redis database 0 belongs to the product and seat n uses number n, so there are fewer seats than Redis databases.
        """
        number_of_databases = _redis_databases(redis_url)
        server = maintenance.connect(database_url)
        for number in range(1, number_of_databases):
            (taken,) = server.execute("SELECT pg_try_advisory_lock(%s, %s)", [SEATS, number]).fetchone() or (False,)
            if taken:
                family = re.sub(r"_seat_\d+$", "", maintenance.database_of(database_url))  # from a seat, one beside it
                own_redis_url = maintenance.with_database(redis_url, str(number))
                return cls(
                    number=number,
                    family=family,
                    database_url=maintenance.with_database(database_url, f"{family}_seat_{number}"),
                    redis_url=own_redis_url,
                    server=server,
                    memory=redis.from_url(own_redis_url),
                )
        server.close()
        raise RuntimeError(f"All {number_of_databases - 1} seats are taken: that many tests or scenarios run at once.")

    @property
    def database(self) -> str:
        return maintenance.database_of(self.database_url)

    def empty_redis(self) -> None:
        self.memory.flushdb()

    def leave(self) -> None:
        """Drop what was made here and let another have the seat."""
        if self.server.closed:
            return  # the lock went with the connection: another may sit here by now
        maintenance.drop(self.server, self.database)
        self.empty_redis()
        self.memory.close()
        self.server.close()


def _redis_databases(redis_url: str) -> int:
    with redis.from_url(redis_url) as client:
        try:
            return int(client.config_get("databases")["databases"])
        except redis.ResponseError:
            return 16  # a managed Redis that doesn't tell its configuration; the default
