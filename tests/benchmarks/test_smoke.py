"""Every benchmark runs, in small, on a place of its own; no figure that depends on the machine is looked at."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.benchmarks.__main__ import BENCHMARKS

MANY = {  # grow with every booking: no sweep may read one of them from end to end
    "bookings_booking",
    "credits_creditlot",
    "notifications_message",
    "payments_operation",
    "payments_payment",
    "payments_stripeevent",
}
OVER_BUDGET = "cancellation, 3 calls"  # by as much as tests/test_statements.py allows it
PATIENCE = 300  # seconds


@pytest.mark.timeout(PATIENCE)
def test_each_benchmark_says_what_it_found(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """All in one process, as `make bench` runs them: each would else have to start it anew."""
    found = play_all(tmp_path / "report.json")

    assert found.keys() == BENCHMARKS.keys()
    for name, said in found.items():
        with subtests.test(name):
            assert said["rows"]
            assert all(goal["measured"] for goal in said["goals"])
    with subtests.test("only what is known to makes more statements than it may, and none for its history"):
        assert [goal["measured"] for goal in found["statements"]["goals"]] == [OVER_BUDGET, "none makes more"]
    for sweep in found["sweeps"]["rows"]:
        with subtests.test("no sweep reads a table from end to end that grows with every booking", sweep=sweep):
            assert not MANY & set(sweep["read from end to end"].split(", "))


def play_all(report: Path) -> dict[str, Any]:
    """Play the benchmarks quickly and return what each says."""
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--json", str(report)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(report.read_text())["benchmarks"]
