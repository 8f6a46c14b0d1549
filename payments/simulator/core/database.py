"""The one SQLite database behind a simulator: in a file, or in memory alone.

Everything the simulator knows is here, so that a unit of work is one transaction, a rollback forgets all of it, and a
file survives any kind of death. There is one connection, and the core's lock stands before it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What lists and look-ups filter by; each is an index on the JSON of the object.
FILTERED_FIELDS = ("customer", "payment_intent", "charge", "transfer", "transfer_group", "destination", "source")

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, account TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, account, seq);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT PRIMARY KEY, available INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS due (seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, what TEXT, object TEXT);
CREATE INDEX IF NOT EXISTS due_by_instant ON due (at, seq);
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, state TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, next_at, seq);
CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL, request TEXT NOT NULL, stored_at REAL NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS requests (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
"""

_CLEAR = (
    "DELETE FROM facts",
    "DELETE FROM objects",
    "DELETE FROM balances",
    "DELETE FROM due",
    "DELETE FROM deliveries",
    "DELETE FROM idempotency",
    "DELETE FROM requests",
)


class Database:
    """The connection, its transactions, and the named facts that are not Stripe objects.

    Raises sqlite3.OperationalError when another simulator has the file.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._connection = sqlite3.connect(
            path or ":memory:",
            timeout=1,  # only a second simulator on the same file waits, and in vain
            check_same_thread=False,
            isolation_level=None,
        )
        self._forget: list[Callable[[], None]] = []
        self._flush: list[Callable[[], None]] = []
        self._facts: dict[str, Any] = {}
        self.when_undone(self._facts.clear)
        self.execute("PRAGMA locking_mode=EXCLUSIVE")  # copies of facts are kept in memory: one process to a file
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=OFF")  # a killed process loses nothing; a power cut may, and that is fine
        self._connection.executescript(_TABLES)
        for field in FILTERED_FIELDS:
            self.execute(
                f"CREATE INDEX IF NOT EXISTS objects_by_{field} ON objects (kind, json_extract(body, '$.{field}'), seq)"
            )

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(statement, parameters)

    def before_commit(self, flush: Callable[[], None]) -> None:
        """Call `flush` before anything is committed or marked, for those who write late."""
        self._flush.append(flush)

    def when_undone(self, forget: Callable[[], None]) -> None:
        """Call `forget` whenever what was written is undone, for those who keep copies."""
        self._forget.append(forget)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        with self._undone_on_error("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"):
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo this part alone if it ends with an exception."""
        self.flush()
        with self._undone_on_error("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part"):
            yield

    @contextmanager
    def _undone_on_error(self, begin: str, end: str, undo: str) -> Iterator[None]:
        self.execute(begin)
        try:
            yield
            self.flush()
        except BaseException:
            self.execute(undo)
            for forget in self._forget:
                forget()
            raise
        self.execute(end)

    def flush(self) -> None:
        """Write what was kept back, so that queries see it."""
        for write in self._flush:
            write()

    def fact(self, name: str, default: Any = None) -> Any:
        """A named value that survives a restart."""
        if name not in self._facts:
            row = self.execute("SELECT value FROM facts WHERE name = ?", name).fetchone()
            self._facts[name] = json.loads(row[0]) if row else default
        return self._facts[name]

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a named value."""
        self._facts[name] = value
        self.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, json.dumps(value))

    def copy(self) -> bytes:
        """All that it holds, to be brought back later."""
        return self._connection.serialize()

    def bring_back(self, copy: bytes) -> None:
        """Hold what it held when it was copied. Raises ValueError for one in a file: the file would be left behind."""
        if self._path is not None:
            raise ValueError("Only a database in memory can be brought back.")
        self._connection.deserialize(copy)
        for forget in self._forget:
            forget()

    def clear(self) -> None:
        """Forget everything, as if newly made."""
        for statement in _CLEAR:
            self.execute(statement)
        for forget in self._forget:
            forget()

    def close(self) -> None:
        self._connection.close()
