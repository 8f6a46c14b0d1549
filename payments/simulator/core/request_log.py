"""The log of POST requests, with which a test proves that a call had its effect once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from payments.simulator.core.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One POST. `status` is None when the connection broke before the answer."""

    at: float
    method: str
    path: str
    account: str
    idempotency_key: str | None
    call: str | None
    status: int | None
    replayed: bool
    effect: bool
    fault: str | None
    request: str


def record(database: Database, entry: Entry) -> None:
    """Add one."""
    database.execute("INSERT INTO requests (entry) VALUES (?)", json.dumps(asdict(entry)))


def entries(database: Database) -> list[dict[str, object]]:
    """All, oldest first."""
    return [json.loads(row[0]) for row in database.execute("SELECT entry FROM requests ORDER BY seq")]


def clear(database: Database) -> None:
    """Forget them."""
    database.execute("DELETE FROM requests")
