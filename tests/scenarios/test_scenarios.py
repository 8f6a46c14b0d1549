"""Every worked case of the policy, played through the real thing: one test a case (tests/data/scenarios)."""

import json
from pathlib import Path
from typing import Any

import pytest

from instainstru.local.scenarios.runner import play_case
from instainstru.local.simulator import SimulatorControl

Json = dict[str, Any]

# Cases, by the beginning of their names, that wait for something to be built. Each has to fail, or it comes off.
NOT_YET = {
    "noshow-dispute-staff/no-show": "no-shows",
    "noshow-dispute-staff/dispute": "disputes",
    "noshow-dispute-staff/chargeback": "chargebacks",
}

CASES: dict[str, Json] = {
    f"{file.stem}/{case['id']}": case
    for file in sorted((Path(__file__).parent.parent / "data" / "scenarios").glob("*.json"))
    for case in json.loads(file.read_text())
}
WAITING = {name for name in CASES if name.startswith(tuple(NOT_YET))}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.rule(case["rule"]), id=name)
        for name, case in CASES.items()
        if name not in WAITING
    ],
)
def test_case(case: Json, stripe: SimulatorControl) -> None:
    result = play_case(case, simulator=stripe, start_over=lambda: None)

    assert result.differences == ()


@pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in sorted(WAITING)])
def test_case_that_waits_does_not_pass_unnoticed(case: Json, stripe: SimulatorControl) -> None:
    result = play_case(case, simulator=stripe, start_over=lambda: None)

    assert not result.passed, "It passes: take it off NOT_YET."


def test_nothing_waits_that_is_not_there() -> None:
    assert [prefix for prefix in NOT_YET if not any(name.startswith(prefix) for name in CASES)] == []
