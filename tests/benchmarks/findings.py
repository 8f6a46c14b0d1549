"""What a benchmark found: rows of figures, and which goals they meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, str | int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What was to be reached, what was, and whether that is enough."""

    text: str
    measured: str
    is_met: bool


@dataclass(slots=True)
class Findings:
    """One benchmark's figures. The rows of one table have the same columns."""

    title: str
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_goal(self, text: str, *, measured: str, is_met: bool) -> None:
        self.goals.append(Goal(text=text, measured=measured, is_met=is_met))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def show(console: Console, findings: Findings) -> None:
    """Print one benchmark's table, its goals and its notes."""
    table = Table(title=findings.title, title_justify="left", title_style="bold")
    for name in findings.rows[0] if findings.rows else ():
        are_figures = any(isinstance(row[name], int | float) for row in findings.rows)
        table.add_column(name, justify="right" if are_figures else "left", no_wrap=are_figures)
    for row in findings.rows:
        table.add_row(*map(_written, row.values()))
    console.print(table)
    for goal in findings.goals:
        mark = "[green]met[/]    " if goal.is_met else "[red]not met[/]"
        console.print(f"  {mark} {goal.text}: {goal.measured}", highlight=False)
    for note in findings.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()


def median(values: Iterable[float]) -> float:
    return percentile(values, 50)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that so many per cent do not exceed; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


def _written(value: str | float | None) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"
        case int():
            return f"{value:,}"
        case _:
            return value
