"""Every worked case of the policy, played through the real thing: one test a case (tests/data/scenarios)."""

import json
from pathlib import Path
from typing import Any

import pytest

from instainstru.local.scenarios.runner import play_case
from instainstru.local.simulator import SimulatorControl

Json = dict[str, Any]

CASES: dict[str, Json] = {
    f"{file.stem}/{case['id']}": case
    for file in sorted((Path(__file__).parent.parent / "data" / "scenarios").glob("*.json"))
    for case in json.loads(file.read_text())
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.rule(case["rule"]), id=name) for name, case in CASES.items()]
)
def test_case(case: Json, stripe: SimulatorControl) -> None:
    result = play_case(case, simulator=stripe, start_over=lambda: None)

    assert result.differences == ()
