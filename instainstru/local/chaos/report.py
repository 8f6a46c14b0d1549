"""What chaos tells at its end: a table for people, and JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from instainstru.local.chaos.account import Account
from instainstru.local.chaos.asking import NO_ANSWER, Record, Try
from instainstru.local.chaos.watching import Recovered

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Requests that were begun in one stretch of the run. Seconds, by time.monotonic."""

    name: str
    began: float
    ended: float

    def of(self, tries: Sequence[Try]) -> list[Try]:
        return [one for one in tries if self.began <= one.at < self.ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """How fast the requests of one phase were answered. Milliseconds."""

    phase: str
    answered: int
    per_second: float
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, phase: Phase, tries: Sequence[Try]) -> Speed:
        took = sorted(one.seconds * 1000 for one in phase.of(tries) if one.is_answered)
        return cls(
            phase=phase.name,
            answered=len(took),
            per_second=round(len(took) / max(phase.ended - phase.began, 0.001), 1),
            p50=round(percentile(took, 50), 1),
            p95=round(percentile(took, 95), 1),
            longest=round(max(took, default=0.0), 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is told."""

    seed: int
    seconds: float
    record: Record
    phases: Sequence[Phase]
    done: Counter[str]  # what was broken, and how often
    recovered: Recovered
    account: Account
    never_answered: int  # clients that were still waiting when they were left

    @property
    def passed(self) -> bool:
        return self.account.is_clean and not self.never_answered

    def as_json(self) -> Json:
        answers = Counter(one.result for one in self.record.tries)
        account = self.account
        return {
            "passed": self.passed,
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "requests": {
                "wanted": len(self.record.asked),
                "asked": sum(answers.values()),
                "served": sum(count for result, count in answers.items() if _is_served(result)),
                "refused": {
                    result: count
                    for result, count in answers.most_common()
                    if not _is_served(result) and result != NO_ANSWER
                },
                "no_answer": answers[NO_ANSWER],
                "in_doubt": dict(account.in_doubt),
                "clients_never_answered": self.never_answered,
            },
            "latency_ms": {
                speed.phase: {
                    "answered": speed.answered,
                    "per_second": speed.per_second,
                    "p50": speed.p50,
                    "p95": speed.p95,
                    "longest": speed.longest,
                }
                for speed in self._speeds()
            },
            "done": dict(sorted(self.done.items())),
            "operations": {
                "all": account.operations,
                "left_by_a_dead_runner": self.recovered.abandoned,
                "recovered": len(self.recovered.seconds),
                "recovered_after_seconds": {
                    "p50": round(percentile(sorted(self.recovered.seconds), 50), 1),
                    "longest": round(max(self.recovered.seconds, default=0.0), 1),
                },
            },
            "bookings": account.bookings,
            "payments_ended": dict(account.ends),
            "manual_review_before_staff": dict(account.reviews),
            "drift_cents": account.drift_cents,
            "stranded": account.stranded,
            "doubled": account.doubled,
            "wrong": account.wrong,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")

    def show(self, console: Console) -> None:
        told = self.as_json()
        requests = told["requests"]
        speeds = Table(title="Requests", title_justify="left", header_style="bold")
        for name in ("phase", "answered", "a second", "p50 ms", "p95 ms", "longest ms"):
            speeds.add_column(name, justify="left" if name == "phase" else "right")
        for speed in self._speeds():
            cells = (speed.answered, speed.per_second, speed.p50, speed.p95, speed.longest)
            speeds.add_row(speed.phase, *map(str, cells))
        console.print(speeds)
        console.print(
            _counts(
                "Answers", {"served": requests["served"]} | requests["refused"] | {NO_ANSWER: requests["no_answer"]}
            )
        )
        console.print(_counts("Asked without an answer, then again under the same key", requests["in_doubt"]))
        console.print(_counts("What was done to it", told["done"]))
        console.print(_counts("How payments ended", told["payments_ended"]))
        console.print(_counts("What waited for staff before they ended it", told["manual_review_before_staff"]))
        operations = told["operations"]
        after = operations["recovered_after_seconds"]
        console.print(
            f"{told['bookings']} bookings, {operations['all']} operations. {operations['left_by_a_dead_runner']} were "
            f"left by a dead runner and {operations['recovered']} of them seen taken up, after {after['p50']} s "
            f"(median) to {after['longest']} s; the others ended in the last account."
        )
        for name in ("wrong", "stranded", "doubled"):
            for line in told[name]:
                console.print(f"{name}: {line}", style="bold red", markup=False)
        verdict = (
            f"drift {self.account.drift_cents} cents, stranded {len(self.account.stranded)}, "
            f"doubled {len(self.account.doubled)}"
        )
        console.print(verdict, style="bold green" if self.passed else "bold red")

    def _speeds(self) -> list[Speed]:
        return [Speed.of(phase, self.record.tries) for phase in self.phases]


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many per cent of all don't exceed (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _is_served(result: str) -> bool:
    return result[:1] in {"2", "3"}


def _counts(title: str, counts: dict[str, int]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    for name, count in counts.items():
        table.add_row(name or "–", str(count))
    if not counts:
        table.add_row("nothing", "")
    return table
