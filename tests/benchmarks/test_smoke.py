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


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What all benchmarks say when they are played together, quickly."""
    report: Path = tmp_path_factory.mktemp("benchmarks") / "report.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--json", str(report)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(report.read_text())["benchmarks"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_says_what_it_found(played: dict[str, Any], name: str) -> None:
    assert played[name]["rows"]
    assert all(goal["measured"] for goal in played[name]["goals"])


def test_no_sweep_reads_a_table_from_end_to_end_that_grows_with_every_booking(played: dict[str, Any]) -> None:
    for sweep in played["sweeps"]["rows"]:
        assert not MANY & set(sweep["read from end to end"].split(", ")), sweep
