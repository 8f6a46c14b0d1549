"""What became of the story: a row for each line, compared with the policy, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from instainstru.local.demo.scene import Expected, Line
from instainstru.money import dollars
from payments.policy.states import Outcome

Json = dict[str, Any]

AMOUNTS = ("card", "wallet", "instructor", "platform")
COLUMNS = {"card": "card", "wallet": "credits", "instructor": "instructor", "platform": "platform"}
LONGEST_OUTCOME = max(map(len, Outcome))
WIDE = 160  # columns; with fewer, the words of an outcome would be broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the story as it came out. Amounts are cents; without a problem it is as the policy says.

    The amounts are what the card paid, what the student's credits gained or lost, what the instructor got, and what
    that leaves for the platform, before Stripe's fees.
    """

    title: str
    rule: str
    ref: str = ""
    deeds: list[str] = field(default_factory=list)  # what was done when
    card: int = 0
    wallet: int = 0
    instructor: int = 0
    platform: int = 0
    booking: str = ""
    payment: str = ""
    outcome: str | None = None
    problems: list[str] = field(default_factory=list)


def row_of(line: Line, booking: Json, *, at_stripe: Json) -> Row:
    """Read a row off a booking as staff see it through the API, and compare it with the policy and with Stripe."""
    student, instructor = booking["payment"]["student"], booking["payment"]["instructor"]
    card = student["card_charged_cents"] - student["card_refunded_cents"]
    wallet = student["credits_issued_cents"] - student["credits_used_cents"] - student["credits_forfeited_cents"]
    row = Row(
        title=line.title,
        rule=line.rule,
        ref=booking["ref"],
        deeds=list(_deeds(booking["timeline"])),
        card=card,
        wallet=wallet,
        instructor=instructor["paid_cents"],
        platform=card - wallet - instructor["paid_cents"],
        booking=booking["status"],
        payment=booking["payment"]["status"],
        outcome=booking["payment"]["outcome"],
    )
    return replace(row, problems=[*_against_policy(row, line.expected), *_against_stripe(row, at_stripe)])


def failed_row(line: Line, error: Exception) -> Row:
    """Return the row of a line that could not be played to its end."""
    return Row(title=line.title, rule=line.rule, problems=[f"{type(error).__name__}: {error}"])


def in_short(row: Row) -> str:
    """Return a line's end as one line of text."""
    if row.problems:
        return f"[bold red]✗ {row.title}: {'; '.join(row.problems)}[/bold red]"
    amounts = ", ".join(f"{COLUMNS[name]} {dollars(getattr(row, name))}" for name in AMOUNTS)
    return f"[green]✓ {row.title}: {amounts}[/green]"


def as_table(rows: Sequence[Row], *, width: int) -> Table:
    """Return the table that is shown at the end; where there is no room, its three columns of text are one."""
    is_wide = width >= WIDE
    texts = ("booking", "what was done when (UTC)", "payment and outcome")
    table = Table(title="The story", title_justify="left", header_style="bold", show_lines=True)
    for name in texts if is_wide else [", ".join(texts)]:
        table.add_column(name, overflow="fold", max_width=LONGEST_OUTCOME if is_wide else None)
    for name in AMOUNTS:
        table.add_column(COLUMNS[name], justify="right", no_wrap=True)
    for row in rows:
        cells = [
            f"[bold]{row.title}[/bold]\n{row.ref} · {row.rule}",
            "\n".join(row.deeds),
            f"{row.booking}, {row.payment}\n{row.outcome or '–'}"
            + "".join(f"\n[bold red]✗ {problem}[/bold red]" for problem in row.problems),
        ]
        amounts = (dollars(getattr(row, name)) for name in AMOUNTS)
        table.add_row(*(cells if is_wide else ["\n".join(cells)]), *amounts)
    totals = (dollars(sum(getattr(row, name) for row in rows)) for name in AMOUNTS)
    table.add_row("[bold]together[/bold]", *([""] * 2 if is_wide else []), *totals)
    return table


def as_json(rows: Sequence[Row]) -> list[Json]:
    return [asdict(row) for row in rows]


def write(path: Path, rows: Sequence[Row], *, books: str) -> None:
    """Write the table as JSON, amounts in cents, with what the books said."""
    passed = not any(row.problems for row in rows)
    content = {"passed": passed, "books": books, "rows": as_json(rows)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    draft.replace(path)  # whoever reads it later never sees a half


def read(path: Path) -> list[Row]:
    """Read the rows of an earlier report."""
    return [Row(**row) for row in json.loads(path.read_text())["rows"]]


def console() -> Console:
    """Return the console of a demo; a file or a pipe has no width, and nothing is cut there."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDE)


def _deeds(timeline: Sequence[Json]) -> Iterator[str]:
    """Write a timeline short: what is repeated, such as the tries of three days, stands once."""
    for kind, of_one_kind in groupby(timeline, key=lambda deed: deed["kind"]):
        deeds = list(of_one_kind)
        first = datetime.fromisoformat(deeds[0]["accepted_at"])
        times = f" ×{len(deeds)}" if len(deeds) > 1 else ""
        yield f"{first:%d %b %H:%M} {kind.replace('_', ' ')}{times}"


def _against_policy(row: Row, expected: Expected) -> Iterator[str]:
    for name in (one.name for one in fields(Expected)):
        wanted, found = getattr(expected, name), getattr(row, name)
        if wanted != found:
            shown = (dollars(wanted), dollars(found)) if isinstance(wanted, int) else (wanted, found)
            yield f"{name}: {shown[0]} by the policy, is {shown[1]}"


def _against_stripe(row: Row, moved: Json) -> Iterator[str]:
    """Our word for what the card paid and the instructor got, against Stripe's own."""
    card, instructor = moved["captured"] - moved["refunded"], moved["transferred"] - moved["reversed"]
    if card != row.card:
        yield f"card: {dollars(card)} at Stripe, is {dollars(row.card)}"
    if instructor != row.instructor:
        yield f"instructor: {dollars(instructor)} at Stripe, is {dollars(row.instructor)}"
