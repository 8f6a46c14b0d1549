"""How quickly the API answers 1, 32 and 150 clients, against a trivial view of the same server and the bare SQL.

Gunicorn serves it as in production, Stripe answers at once, and the clients are a process of their own: all of it, with
PostgreSQL, on the cores of this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from instainstru.local.processes import Supervisor
from instainstru.local.simulator import own_simulator
from tests.benchmarks.bare import BareSql, answer_to
from tests.benchmarks.findings import Findings, Row, percentile
from tests.benchmarks.load import Answers, Asked, Order, put_load
from tests.benchmarks.market import Market
from tests.benchmarks.place import Place, Scale
from tests.benchmarks.programs import web_server

CLIENTS, QUICK_CLIENTS = (1, 32, 150), (2,)
THINKS, QUICK_THINKS = (1.0, 3.0), (0.1, 0.3)  # seconds
FLOOR, SIGNED_IN = "floor: one indexed select", "the same, signed in and counted"
PLAIN_PAGE = "20 rows by DRF's own serializer"
READS = ("bookings, 20 of 50", "booking")
TRIVIAL = {READS[0]: PLAIN_PAGE, READS[1]: FLOOR}  # the trivial view of as many rows that a read is judged by
CHANGES_AT_LEAST = 400  # checkouts at each number of clients, and as many cancellations of them
MEAN_GOAL, P95_GOAL = 50, 100  # milliseconds


def measure(place: Place, scale: Scale) -> Findings:
    """Put load on each kind of request in turn."""
    clients = QUICK_CLIENTS if scale.is_quick else CLIENTS
    with own_simulator() as simulator, Supervisor(place.logs) as supervisor:
        market = Market(
            simulator,
            bookings=1_000 if scale.is_quick else 10_000,
            students=max(clients),
            instructors=4 if scale.is_quick else 100,
        )
        bare = Bare(place, market, times=1 if scale.is_quick else 7)
        server = web_server(scale, stripe=simulator.url)
        supervisor.start(server)
        load = Load(server.port or 0, market, scale)
        points = [point for number in clients for point in load.points(number)]
        thinking = load.thinking(max(clients))
    findings = Findings(
        f"API: gunicorn with {scale.web_processes} processes of {scale.web_threads} threads, "
        f"Stripe answering at once, {10_000 if not scale.is_quick else 1_000:,} bookings"
    )
    floors = {point.clients: point.answers.per_second for point in points if point.kind == FLOOR}
    findings.rows = [_row(point, floors[point.clients], bare) for point in points] + [_row(thinking, None, bare)]
    _judge(findings, points, thinking)
    return findings


@dataclass(frozen=True, slots=True)
class Point:
    """One kind of request under the load of so many clients."""

    kind: str
    clients: int
    answers: Answers


class Load:
    """The clients, as many as asked, one kind of request after the other."""

    def __init__(self, port: int, market: Market, scale: Scale) -> None:
        self._port, self._market = port, market
        self._seconds = scale.seconds
        self._changes = 4 if scale.is_quick else CHANGES_AT_LEAST
        self._thinks = QUICK_THINKS if scale.is_quick else THINKS
        for requests in (market.floors(), market.plain_lists(), market.lists(), market.details(), market.quotes()):
            self._put(16, requests, seconds=min(2.0, scale.seconds))  # the server reads its modules, plans are made

    def points(self, clients: int) -> Iterable[Point]:
        market = self._market
        yield Point(FLOOR, clients, self._put(clients, market.floors()))
        yield Point(SIGNED_IN, clients, self._put(clients, market.floors(signed_in=True)))
        yield Point(PLAIN_PAGE, clients, self._put(clients, market.plain_lists()))
        yield Point(READS[0], clients, self._put(clients, market.lists()))
        yield Point(READS[1], clients, self._put(clients, market.details()))
        yield Point("quote", clients, self._put(clients, market.quotes()))
        booked = self._put(clients, market.checkouts(self._changes), uses_up=True)
        refs = [json.loads(body)["ref"] for body in booked.bodies if '"ref"' in body]
        yield Point("cancellation's preview", clients, self._put(clients, market.cancellations(refs, preview=True)))
        yield Point("checkout, card held", clients, booked)
        yield Point("cancellation, 2 calls", clients, self._put(clients, market.cancellations(refs), uses_up=True))

    def thinking(self, users: int) -> Point:
        reads = [asked for pair in zip(self._market.lists(), self._market.details(), strict=False) for asked in pair]
        return Point(
            "both reads, users who think",
            users,
            self._put(users, reads, thinks=self._thinks, seconds=max(3 * self._seconds, 2 * self._thinks[1])),
        )

    def _put(self, clients: int, requests: list[Asked], *, seconds: float | None = None, **how: Any) -> Answers:
        seconds = 300 if how.get("uses_up") else seconds or self._seconds
        return put_load(Order(port=self._port, clients=clients, seconds=seconds, requests=requests, **how))


class Bare:
    """What each kind of request says to the database, and how long that takes alone."""

    def __init__(self, place: Place, market: Market, *, times: int) -> None:
        self._found: dict[str, tuple[int, float]] = {}
        self._place, self._times = place, times
        self._catch(FLOOR, market.floors()[0])
        self._catch(SIGNED_IN, market.floors(signed_in=True)[0])
        self._catch(PLAIN_PAGE, market.plain_lists()[0])
        self._catch(READS[0], market.lists()[0])
        self._catch(READS[1], market.details()[0])
        self._catch("quote", market.quotes()[0])
        booked = self._catch("checkout, card held", market.checkouts(1)[0], only_reads=False)
        self._catch("cancellation's preview", market.cancellations([booked["ref"]], preview=True)[0])
        self._catch("cancellation, 2 calls", market.cancellations([booked["ref"]])[0], only_reads=False)

    def of(self, kind: str) -> tuple[int | None, float | None]:
        """Return the number of statements and their milliseconds."""
        return self._found.get(kind, (None, None))

    def _catch(self, kind: str, asked: Asked, *, only_reads: bool = True) -> dict[str, Any]:
        caught: dict[str, Any] = {}
        sql = BareSql(self._place, lambda: caught.update(answer_to(asked)), only_reads=only_reads)
        self._found[kind] = len(sql.statements), sql.milliseconds(self._times)
        return caught


def _row(point: Point, floor: float | None, bare: Bare) -> Row:
    took = point.answers.milliseconds
    statements, bare_milliseconds = bare.of(point.kind)
    return {
        "request": point.kind,
        "clients": point.clients,
        "per second": point.answers.per_second,
        "of the floor": point.answers.per_second / floor if floor else None,
        "mean ms": sum(took) / max(len(took), 1),
        "p50": percentile(took, 50),
        "p95": percentile(took, 95),
        "p99": percentile(took, 99),
        "requests": len(took),
        "failed": point.answers.failed,
        "statements": statements,
        "bare SQL ms": bare_milliseconds,
    }


def _judge(findings: Findings, points: list[Point], thinking: Point) -> None:
    reached = {(point.kind, point.clients): point.answers.per_second for point in points}
    for kind, trivial in TRIVIAL.items():
        shares = [point.answers.per_second / reached[trivial, point.clients] for point in points if point.kind == kind]
        findings.add_goal(
            f'{kind}: read at half the throughput of "{trivial}" or better',
            measured=f"{min(shares):.2f} to {max(shares):.2f} of it",
            is_met=min(shares) >= 0.5,
        )
    took, failed = thinking.answers.milliseconds, thinking.answers.failed
    mean, p95 = sum(took) / len(took), percentile(took, 95)
    findings.add_goal(
        f"{thinking.clients} users who think 1 to 3 s read at a mean below {MEAN_GOAL} ms, a p95 below {P95_GOAL}",
        measured=f"mean {mean:.0f} ms, p95 {p95:.0f} ms, {failed} failed",
        is_met=mean < MEAN_GOAL and p95 < P95_GOAL and not failed,
    )
    failed = sum(point.answers.failed for point in points)
    findings.add_goal("no request fails", measured=f"{failed} did", is_met=not failed)
