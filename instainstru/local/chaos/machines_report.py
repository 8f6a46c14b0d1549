"""What several machines did, who took over the dead one's work, and after how long."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from instainstru.local.chaos.account import Account
from instainstru.local.chaos.asking import NO_ANSWER, Record
from instainstru.local.chaos.diary import Note
from instainstru.local.chaos.report import percentile

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one machine's workers did: pieces of work ended, before and after the death of the dead one."""

    machine: str
    ended_before: int
    ended_after: int
    in_hand: int  # begun and never ended

    @classmethod
    def of(cls, machine: str, notes: Sequence[Note], *, died: float) -> Share:
        ended = [note for note in notes if note.ended]
        return cls(
            machine=machine,
            ended_before=sum(note.at < died for note in ended),
            ended_after=sum(note.at >= died for note in ended),
            in_hand=len(_in_hand(notes)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the dead one had in hand: by whom each was taken up, and after how many seconds.

    None: by nobody, as it was finished but for the note of it.
    """

    by: dict[int, tuple[str, float] | None]

    @classmethod
    def from_notes(
        cls, notes: Mapping[str, Sequence[Note]], *, dead: str, died: float, of_operation: Mapping[int, int]
    ) -> Taken:
        """Find who began anything about the same payment first after the death."""
        left = {_payment(note, of_operation) for note in _in_hand(notes[dead])}
        begun = sorted(
            (note.at, machine, _payment(note, of_operation))
            for machine, noted in notes.items()
            for note in noted
            if machine != dead and not note.ended and note.at >= died
        )
        by: dict[int, tuple[str, float] | None] = dict.fromkeys(left)
        for at, machine, payment in begun:
            if payment in by and by[payment] is None:
                by[payment] = (machine, at - died)
        return cls(by=by)

    @property
    def seconds(self) -> list[float]:
        return sorted(taken[1] for taken in self.by.values() if taken)


@dataclass(slots=True, kw_only=True)
class MachinesReport:
    """Everything that is told."""

    separate: bool  # each in namespaces of its own
    settlements: int
    done_when_it_died: int
    seconds: float  # from the first work to the last settlement
    seconds_before: float
    shares: Sequence[Share]
    dead: str
    taken: Taken
    record: Record
    never_answered: int
    account: Account = field(default_factory=Account)

    @property
    def passed(self) -> bool:
        return self.account.is_clean and not self.never_answered

    def as_json(self) -> Json:
        taken = self.taken
        return {
            "passed": self.passed,
            "machines_have_networks_of_their_own": self.separate,
            "settlements": self.settlements,
            "settled_when_it_died": self.done_when_it_died,
            "seconds": round(self.seconds, 1),
            "seconds_until_it_died": round(self.seconds_before, 1),
            "machines": {
                share.machine: {
                    "dead": share.machine == self.dead,
                    "tasks_before": share.ended_before,
                    "tasks_after": share.ended_after,
                    "in_hand_at_the_end": share.in_hand,
                }
                for share in self.shares
            },
            "taken_over": {
                "in_hand_of_the_dead": len(taken.by),
                "finished_when_it_died": len(taken.by) - len(taken.seconds),
                "taken_up_by": dict(Counter(by[0] for by in taken.by.values() if by)),
                "after_seconds": {
                    "first": round(min(taken.seconds, default=0.0), 1),
                    "p50": round(percentile(taken.seconds, 50), 1),
                    "last": round(max(taken.seconds, default=0.0), 1),
                },
            },
            "requests": {
                "asked": len(self.record.tries),
                "no_answer": sum(one.result == NO_ANSWER for one in self.record.tries),
                "in_doubt": dict(self.account.in_doubt),
                "clients_never_answered": self.never_answered,
            },
            "bookings": self.account.bookings,
            "operations": self.account.operations,
            "drift_cents": self.account.drift_cents,
            "stranded": self.account.stranded,
            "doubled": self.account.doubled,
            "wrong": self.account.wrong,
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")

    def show(self, console: Console) -> None:
        table = Table(title="Pieces of work that each machine's workers ended", title_justify="left")
        for name in ("machine", "before the death", "after it", "left in hand"):
            table.add_column(name, justify="left" if name == "machine" else "right")
        for share in self.shares:
            name = f"{share.machine} (killed)" if share.machine == self.dead else share.machine
            table.add_row(name, str(share.ended_before), str(share.ended_after), str(share.in_hand))
        console.print(table)
        told = self.as_json()
        over, after = told["taken_over"], told["taken_over"]["after_seconds"]
        console.print(
            f"{self.settlements} settlements in {told['seconds']} s; {self.done_when_it_died} were done when "
            f"{self.dead} died after {told['seconds_until_it_died']} s. Of {over['in_hand_of_the_dead']} in its hands "
            f"{len(self.taken.seconds)} were taken up by others ({_who(over['taken_up_by'])}), after "
            f"{after['first']} to {after['last']} s; {over['finished_when_it_died']} needed nothing more."
        )
        requests = told["requests"]
        console.print(
            f"{requests['asked']} requests meanwhile, {requests['no_answer']} without an answer: "
            + (", ".join(f"{count} {fate}" for fate, count in requests["in_doubt"].items()) or "none in doubt")
        )
        for name in ("wrong", "stranded", "doubled"):
            for line in told[name]:
                console.print(f"{name}: {line}", style="bold red", markup=False)
        verdict = (
            f"drift {self.account.drift_cents} cents, stranded {len(self.account.stranded)}, "
            f"doubled {len(self.account.doubled)}"
        )
        console.print(verdict, style="bold green" if self.passed else "bold red")


def _who(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{machine} {count}" for machine, count in counts.items()) or "nobody"


def _in_hand(notes: Sequence[Note]) -> list[Note]:
    ended = {note.task for note in notes if note.ended}
    return [note for note in notes if not note.ended and note.task not in ended]


def _payment(note: Note, of_operation: Mapping[int, int]) -> int:
    """Return the payment that a piece of work is about."""
    about = note.about
    return about["payment_id"] if "payment_id" in about else of_operation[about["operation_id"]]
