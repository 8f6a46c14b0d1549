"""Every worked case of the policy, played through the real thing: one test a case (tests/data/scenarios)."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from instainstru.local.databases.seed import Seed
from instainstru.local.scenarios.runner import play_case
from instainstru.local.scenarios.stage import Cast, CastFor, make_cast
from instainstru.local.simulator import SimulatorControl
from payments.simulator import Server
from tests.seat import SEAT
from tests.stage import Memory

Json = dict[str, Any]

CASES: dict[str, Json] = {
    f"{file.stem}/{case['id']}": case
    for file in sorted((Path(__file__).parent.parent / "data" / "scenarios").glob("*.json"))
    for case in json.loads(file.read_text())
}


def wanted_of(given: Json) -> tuple[object, ...]:
    """Return what a case wants of its cast."""
    return tuple(given.get(name) for name in ("card", "lesson_price_cents", "minutes", "modality", "tier"))


((USUAL, _),) = Counter(wanted_of(case["given"]) for case in CASES.values()).most_common(1)


@pytest.fixture(scope="module")
def cast_for(simulator: Server, django_db_setup: None, request: pytest.FixtureRequest) -> Iterator[CastFor]:
    """The cast that most cases have is made once and remembered."""
    with closing(Seed(request.config.stash[SEAT].database_url, schema="cast")) as seed:
        memory: Memory[Cast] = Memory(simulator, seed)

        def cast(given: Json, control: SimulatorControl) -> Cast:
            if wanted_of(given) == USUAL:
                return memory.recall(USUAL, lambda: make_cast(given, control))
            return make_cast(given, control)

        yield cast


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.rule(case["rule"]), id=name) for name, case in CASES.items()]
)
def test_case(case: Json, stripe: SimulatorControl, cast_for: CastFor) -> None:
    result = play_case(case, simulator=stripe, start_over=lambda: None, cast_for=cast_for)

    assert result.differences == ()
