"""Stripe's objects as the simulator keeps them.

A body is the JSON that Stripe would answer, plus one key of our own, `_`, for what Stripe knows and does not tell: the
account it lives in, the test card behind a payment method, when a hold lapses. `public` leaves it out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from payments.simulator.core.database import Database

Body = dict[str, Any]


def public(body: Body) -> Body:
    """The body as it goes out: a copy of the top level without what Stripe does not tell."""
    return {name: value for name, value in body.items() if name != "_"}


class Objects:
    """All objects of all accounts. Within one unit of work the same id is the same dict."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loaded: dict[str, Body] = {}
        self._unsaved: dict[str, Body] = {}
        self.writes = 0  # ever; the request log compares it before and after to tell what had an effect
        database.before_commit(self._write)
        database.when_undone(self.forget)

    def add(self, body: Body, *, account: str, **hidden: Any) -> Body:
        """Keep a new object of that account."""
        body["_"] = {"account": account, **hidden}
        self._database.execute(
            "INSERT INTO objects (id, kind, account, body) VALUES (?, ?, ?, ?)",
            body["id"], body["object"], account, json.dumps(body),
        )  # fmt: skip
        self._loaded[body["id"]] = body
        self.writes += 1
        return body

    def save(self, body: Body) -> None:
        """Keep what was changed in it; written when the unit of work ends, or before the next query."""
        self._unsaved[body["id"]] = body
        self.writes += 1

    def remove(self, object_id: str) -> None:
        """Delete an object without trace."""
        self._database.execute("DELETE FROM objects WHERE id = ?", object_id)
        self._loaded.pop(object_id, None)
        self._unsaved.pop(object_id, None)
        self.writes += 1

    def get(self, object_id: str) -> Body | None:
        """The object of that id, in whatever account."""
        if object_id not in self._loaded:
            row = self._database.execute("SELECT body FROM objects WHERE id = ?", object_id).fetchone()
            if row is None:
                return None
            self._loaded[object_id] = json.loads(row[0])
        return self._loaded[object_id]

    def peek(self, object_id: str) -> Body | None:
        """The object of that id as it was last committed, for a look outside a unit of work."""
        row = self._database.execute("SELECT body FROM objects WHERE id = ?", object_id).fetchone()
        return row and json.loads(row[0])

    def must_get(self, object_id: str) -> Body:
        """The object that another one names; its absence is our bug."""
        body = self.get(object_id)
        if body is None:
            raise LookupError(object_id)
        return body

    def find(
        self,
        kind: str,
        *,
        account: str | None = None,
        created: dict[str, int] | None = None,
        after: str | None = None,
        before: str | None = None,
        **equal: Any,
    ) -> Iterator[Body]:
        """Objects of a kind, newest first; `after` and `before` are ids of neighbours in that order.

        With `before` the nearest come first, as a reader who pages backwards needs them.
        """
        self._database.flush()
        conditions = ["kind = ?"]
        parameters: list[Any] = [kind]
        if account is not None:
            conditions.append("account = ?")
            parameters.append(account)
        for field, value in equal.items():
            conditions.append(f"json_extract(body, '$.{field}') = ?")
            parameters.append(value)
        for operator, value in (created or {}).items():
            conditions.append(f"json_extract(body, '$.created') {_COMPARISONS[operator]} ?")
            parameters.append(value)
        for neighbour, side in ((after, "<"), (before, ">")):
            if neighbour:
                conditions.append(f"seq {side} ?")
                parameters.append(self._place(neighbour))
        order = "ASC" if before else "DESC"
        where = " AND ".join(conditions)
        # The conditions are ours; whatever comes from outside is a parameter.
        rows = self._database.execute(
            f"SELECT id, body FROM objects WHERE {where} ORDER BY seq {order}",  # noqa: S608
            *parameters,
        )
        return self._load(rows)

    def forget(self) -> None:
        """Drop the copies; the next unit of work reads anew."""
        self._loaded.clear()
        self._unsaved.clear()

    def _place(self, object_id: str) -> int:
        row = self._database.execute("SELECT seq FROM objects WHERE id = ?", object_id).fetchone()
        return row[0] if row else 0

    def _load(self, rows: Iterable[tuple[str, str]]) -> Iterator[Body]:
        for object_id, text in rows:
            if object_id not in self._loaded:
                self._loaded[object_id] = json.loads(text)
            yield self._loaded[object_id]

    def _write(self) -> None:
        for object_id, body in self._unsaved.items():
            self._database.execute("UPDATE objects SET body = ? WHERE id = ?", json.dumps(body), object_id)
        self._unsaved.clear()


_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
