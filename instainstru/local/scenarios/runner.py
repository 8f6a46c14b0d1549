"""Playing one case from its beginning to its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from instainstru import clock
from instainstru.local.scenarios.events import NotPlayable, play
from instainstru.local.scenarios.expectations import differences, disorder, snapshot
from instainstru.local.scenarios.stage import BOOKED_AT, CastFor, Stage, make_cast, set_stage
from instainstru.local.scenarios.times import read_time
from instainstru.local.simulator import SimulatorControl
from instainstru.local.traveller import Traveller
from instainstru.refusals import Refused

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a case went: no differences is a pass."""

    id: str
    rule: str
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


def play_case(
    case: Json, *, simulator: SimulatorControl, start_over: Callable[[], None], cast_for: CastFor = make_cast
) -> Result:
    """Play a case on an empty stage and return how it went. An error of ours is a difference, with its words."""

    def move(instant: datetime) -> None:
        clock.stand_at(instant)
        simulator.stand_at(instant)

    start_over()
    simulator.reset()
    move(BOOKED_AT)
    try:
        stage = set_stage(case["given"], simulator, cast_for=cast_for)
        found = _play(case, stage, Traveller(move=move))
    except NotPlayable as error:
        found = [f"not playable: {error}"]
    finally:
        clock.flow()
    return Result(id=case["id"], rule=case.get("rule", ""), differences=tuple(found))


def _play(case: Json, stage: Stage, traveller: Traveller) -> list[str]:
    found: list[str] = []
    for number, event in enumerate(case.get("events", ()), start=1):
        where = f"event {number} ({event['at']} {event['do']})"
        at = read_time(event["at"], stage.anchors)
        traveller.go_to(at, run_what_is_due_then=event.get("as_of_all_due", False))
        found += [f"{where}: {line}" for line in _play_event(event, stage, traveller)]
        found += [f"{where}: {line}" for line in differences(event.get("expect", {}), stage)]
    return found + differences(case["expect"], stage) + disorder(stage)


def _play_event(event: Json, stage: Stage, traveller: Traveller) -> list[str]:
    wanted, moves = event.get("refused"), event["do"] == "reschedule"
    before = snapshot(of_a_move=moves) if wanted else None
    try:
        play(event, stage, traveller)
    except Refused as refusal:
        if refusal.code != wanted:
            return [f"refused with {refusal.code}" + (f" instead of {wanted}" if wanted else "")]
        return ["a refused action changed something"] if snapshot(of_a_move=moves) != before else []
    return [f"was accepted instead of refused with {wanted}"] if wanted else []
