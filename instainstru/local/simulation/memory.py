"""What was read of the database, kept for as long as no table that it was read from is written to.

Much of a simulation is looking: what is due next, what has changed. Most of the time nothing has, and the answer is
what it was. This holds for one connection, as all of a simulation goes through one; what depends on the time too has to
be forgotten by whoever knows that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.db import connection

Known = TypeVar("Known")

_TABLES = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?(\w+)"?')
_READS = ("SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET")
_WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Any
    of: dict[str, int]  # the tables that it was read from, and how often each had been written to by then


class Memory:
    """Knows which tables are written to, and so what is still true of what was read before."""

    def __init__(self) -> None:
        self._writes: Counter[str] = Counter()
        self._kept: dict[Hashable, _Kept] = {}
        self._reading: list[set[str]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this thread's connection for as long as the block lasts; outside of it nothing is kept."""
        with connection.execute_wrapper(self._see):
            yield

    def recall(self, name: Hashable, read: Callable[[], Known]) -> Known:
        """Return what `read` returned the last time, if it would return the same now; else ask it."""
        kept = self._kept.get(name)
        if kept is None or any(self._writes[table] != times for table, times in kept.of.items()):
            self._reading.append(set())
            try:
                value = read()
            finally:
                tables = self._reading.pop()
            for outer in self._reading:
                outer |= tables
            kept = _Kept(value, {table: self._writes[table] for table in tables})
            # Without tables nobody watches; and what is read in a transaction may never come to be.
            if tables and not connection.in_atomic_block:
                self._kept[name] = kept
        else:
            for outer in self._reading:
                outer |= kept.of.keys()
        return cast(Known, kept.value)

    def forget(self, name: Hashable) -> None:
        """Ask anew the next time."""
        self._kept.pop(name, None)

    def _see(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        text = str(sql)
        tables = set(_TABLES.findall(text))
        if text.startswith(_WRITES):
            self._writes.update(tables)  # undone later or not; of a WITH also those that it only reads
        elif not text.startswith(_READS):
            self._kept.clear()  # who knows
        elif self._reading:
            self._reading[-1] |= tables
        return execute(sql, params, many, context)
