"""Clients that ask, wait for the answer and ask again: a process of its own, so that it takes no turn from the server.

    python -m tests.benchmarks.load < order.json > answers.json

No Django here, and nothing but the standard library: a request costs a tenth of a millisecond.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = 1  # users think as long in every run


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    token: str = ""
    body: str = ""

    def as_bytes(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
        if self.token:
            lines.append(f"Authorization: Token {self.token}")
        if self.method == "POST":
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body.encode())}"]
        return "\r\n".join([*lines, "", self.body]).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked by how many for how long; each request once if it `uses_up`, else over and over."""

    port: int
    clients: int
    seconds: float
    requests: list[Asked]
    uses_up: bool = False
    thinks: tuple[float, float] = (0.0, 0.0)  # seconds between an answer and the next request, from … to


@dataclass(slots=True)
class Answers:
    """How it went: each answer's milliseconds, and how many answers there were of each status; 0 is none."""

    milliseconds: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    elapsed: float = 0.0
    bodies: list[str] = field(default_factory=list)  # of requests that are used up

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if not status.startswith("2"))

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.elapsed if self.elapsed else 0.0


def put_load(order: Order) -> Answers:
    """Let a process of its own carry an order out. Raises CalledProcessError if that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"],
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return Answers(**json.loads(done.stdout))


class Client:
    """One user with one connection that is kept alive."""

    def __init__(self, order: Order, requests: Iterator[Asked], answers: Answers, *, chance: random.Random) -> None:
        self._order = order
        self._requests = requests
        self._answers = answers
        self._chance = chance
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, until: float) -> None:
        if any(self._order.thinks):  # or all would begin at once
            await asyncio.sleep(self._chance.uniform(0, self._order.thinks[1]))
        while time.perf_counter() < until and (asked := next(self._requests, None)):
            await self._ask(asked)
            await asyncio.sleep(self._chance.uniform(*self._order.thinks))
        if self._writer:
            self._writer.close()

    async def _ask(self, asked: Asked) -> None:
        started = time.perf_counter()
        try:
            status, body = await self._answered(asked.as_bytes(f"127.0.0.1:{self._order.port}"))
        except (OSError, asyncio.IncompleteReadError):
            self._writer, status, body = None, 0, ""
        self._answers.milliseconds.append((time.perf_counter() - started) * 1000)
        self._answers.statuses[str(status)] = self._answers.statuses.get(str(status), 0) + 1
        if self._order.uses_up:
            self._answers.bodies.append(body)

    async def _answered(self, request: bytes) -> tuple[int, str]:
        if self._writer is None or self._reader.at_eof():  # the server closes connections that are idle for long
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._order.port)
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await self._reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self._writer.close()
            self._writer = None
        return int(head.split(" ", 2)[1]), body.decode()


async def carry_out(order: Order) -> Answers:
    """Ask what was ordered and return how it was answered."""
    answers, chance = Answers(), random.Random(SEED)
    requests = iter(order.requests) if order.uses_up else itertools.cycle(order.requests)
    clients = [Client(order, requests, answers, chance=chance) for _ in range(order.clients)]
    started = time.perf_counter()
    await asyncio.gather(*(client.run(started + order.seconds) for client in clients))
    answers.elapsed = time.perf_counter() - started
    return answers


def main() -> None:
    given = json.load(sys.stdin)
    order = Order(**given | {"requests": [Asked(**asked) for asked in given["requests"]]})
    json.dump(asdict(asyncio.run(carry_out(order))), sys.stdout)


if __name__ == "__main__":
    main()
