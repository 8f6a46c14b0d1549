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


def play(name: str, report: Path) -> dict[str, Any]:
    """Play one benchmark quickly and return what it says."""
    command = [sys.executable, "-m", "tests.benchmarks", "--only", name, "--quick", "--json", str(report)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(report.read_text())["benchmarks"][name]


@pytest.mark.parametrize("name", sorted(BENCHMARKS.keys() - {"statements", "sweeps"}))
def test_a_benchmark_says_what_it_found(name: str, tmp_path: Path) -> None:
    found = play(name, tmp_path / "report.json")

    assert found["rows"]
    assert all(goal["measured"] for goal in found["goals"])


def test_no_request_makes_more_statements_than_it_may_whatever_the_history(tmp_path: Path) -> None:
    found = play("statements", tmp_path / "report.json")

    assert found["rows"]
    assert all(goal["is_met"] for goal in found["goals"]), found["goals"]


def test_no_sweep_reads_a_table_from_end_to_end_that_grows_with_every_booking(tmp_path: Path) -> None:
    found = play("sweeps", tmp_path / "report.json")

    for sweep in found["rows"]:
        assert not MANY & set(sweep["read from end to end"].split(", ")), sweep
