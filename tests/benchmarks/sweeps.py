"""What each sweep reads to find what is due, with ten thousand bookings in the table and with a million.

Every task of the clockwork that runs by the minute is called as its worker would call it; each statement that it reads
with is explained where it stands, with its own parameters, locks and transaction, until the sweep first writes.

Rows are what tells: every row that PostgreSQL looked at, whether it was wanted or not. As few as one plan may look at,
comparing each of what is due with each of what is open, say nothing of growth. Pages grow a little with the depth of
the indexes through which what is due finds its people, and milliseconds tell of the machine, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils.module_loading import import_string

from tests.benchmarks.crowd import DUE, Crowd
from tests.benchmarks.findings import Findings, median
from tests.benchmarks.place import Place, Scale

SMALL, LARGE = 10_000, 1_000_000
QUICK_SMALL, QUICK_LARGE = 2_000, 4_000
TIMES = 15  # each statement is explained so often; the first times warm the cache
TOLERANCE = 1.2

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class FirstWrite(BaseException):
    """The sweep has found what is due and begins to work. No code may catch it."""


@dataclass(slots=True)
class Cost:
    """What one sweep's looking cost: rows looked at, 8-kB pages touched, milliseconds."""

    rows: int = 0
    pages: int = 0
    milliseconds: float = 0.0
    scanned: set[str] = field(default_factory=set)  # tables read from end to end


def measure(place: Place, scale: Scale) -> Findings:
    """Ask PostgreSQL what each sweep reads in a small crowd and in a large one."""
    small, large = (QUICK_SMALL, QUICK_LARGE) if scale.is_quick else (SMALL, LARGE)
    crowd = Crowd()
    crowd.grow_to(small)
    crowd.make_some_due()
    costs = []
    for bookings in (small, large):
        crowd.grow_to(bookings)
        costs.append({name: _cost_of(import_string(task)) for name, task in _sweeps()})
    findings = Findings(f"What each sweep reads to find what is due, with {small:,} and {large:,} bookings")
    for name, before in costs[0].items():
        after = costs[1][name]
        findings.rows.append(
            {
                "sweep": name,
                f"rows, {small:,}": before.rows,
                f"rows, {large:,}": after.rows,
                f"pages, {small:,}": before.pages,
                f"pages, {large:,}": after.pages,
                f"ms, {small:,}": before.milliseconds,
                f"ms, {large:,}": after.milliseconds,
                "read from end to end": ", ".join(sorted(after.scanned)) or "nothing",
            }
        )
    _judge(findings, *costs)
    return findings


def _judge(findings: Findings, small: dict[str, Cost], large: dict[str, Cost]) -> None:
    grown = [name for name in large if large[name].rows > max(TOLERANCE * small[name].rows, DUE * DUE + DUE)]
    findings.add_goal(
        "no sweep looks at a fifth more rows in the large table",
        measured=", ".join(grown) or "none does",
        is_met=not grown,
    )
    time = sum(cost.milliseconds for cost in large.values()) / sum(cost.milliseconds for cost in small.values())
    findings.add_goal(
        "all together take no more than a fifth longer",
        measured=f"{time:.2f} times as long",
        is_met=time <= TOLERANCE,
    )


def _sweeps() -> Iterator[tuple[str, str]]:
    for name, entry in settings.CLOCKWORK.items():
        if "every" in entry:
            yield name, entry["task"]


def _cost_of(sweep: Callable[[], None]) -> Cost:
    cost = Cost()

    def explain_until_it_writes(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("EXPLAIN", "SAVEPOINT", "RELEASE")):
            return execute(sql, params, many, context)
        if not sql.startswith("SELECT"):
            raise FirstWrite
        _explain(sql, params, cost)
        return execute(sql, params, many, context)

    as_in_production = override_settings(CLOCK_TRAVELS=False)  # else the time is asked of the database
    with as_in_production, suppress(FirstWrite), connection.execute_wrapper(explain_until_it_writes):
        sweep()
    return cost


def _explain(sql: str, params: Any, cost: Cost) -> None:
    plans = []
    for _ in range(TIMES):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            (answer,) = cursor.fetchone()
        plans.append((answer if isinstance(answer, list) else json.loads(answer))[0])
    last = plans[-1]["Plan"]
    cost.rows += sum(map(_rows_looked_at, _nodes(last)))
    cost.pages += last["Shared Hit Blocks"] + last["Shared Read Blocks"]
    cost.milliseconds += median(plan["Execution Time"] for plan in plans)
    cost.scanned |= {node["Relation Name"] for node in _nodes(last) if node["Node Type"] == "Seq Scan"}


def _rows_looked_at(node: dict[str, Any]) -> int:
    if "Relation Name" not in node:
        return 0
    return round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
