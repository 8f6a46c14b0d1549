"""Chaos as a person runs it: no cent is lost while real processes die, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from instainstru.local.filelocks import FileLock
from instainstru.local.servers.profile import REPOSITORY, Profile

PATIENCE = 600  # seconds; a minute or two, but for a busy machine that has to migrate first
OUR_SERVERS = {"DATABASE_URL", "REDIS_URL", "STRIPE_API_BASE"}  # those of this test run


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that outlives the test, as migrating a database anew costs more than the chaos."""
    found = Profile.named("test").folder.parent / "chaos-of-tests"
    found.mkdir(parents=True, exist_ok=True)
    alone = FileLock(found / "tests.lock")
    assert alone.exclusive_within(PATIENCE), "Another test run is at it for too long."
    yield found
    alone.release()


def start(folder: Path, *options: str, log: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name not in OUR_SERVERS}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", "chaos", "--clients=3", "--workers=2", *options],
            cwd=REPOSITORY,
            env=environment | {"INSTAINSTRU_DATA": str(folder), "INSTAINSTRU_LINGER": "0.2"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def left_behind(folder: Path) -> list[str]:
    """Whatever runs with this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            is_ours = process.environ().get("INSTAINSTRU_DATA") == str(folder) or str(folder) in process.cmdline()
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def wait_until_nothing_is_left(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while left := left_behind(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.rule("P10.4")
def test_no_cent_is_lost_while_everything_breaks(folder, tmp_path):
    report = tmp_path / "report.json"

    ended = start(folder, "--seconds=12", "--seed=7", f"--report={report}", log=tmp_path / "log").wait(PATIENCE)

    said = (tmp_path / "log").read_text()
    assert ended == 0, said
    told = json.loads(report.read_text())
    assert (told["drift_cents"], told["stranded"], told["doubled"], told["wrong"]) == (0, [], [], [])
    assert told["requests"]["served"] > 0
    assert told["requests"]["clients_never_answered"] == 0
    assert told["bookings"] > 0
    assert sum(told["done"].values()) > 0, "something was broken"
    wait_until_nothing_is_left(folder)


@pytest.mark.timeout(2 * PATIENCE)
def test_it_ends_on_ctrl_c_and_leaves_nothing_behind(folder, tmp_path):
    log = tmp_path / "log"
    chaos = start(folder, "--seconds=600", log=log)
    deadline = time.monotonic() + PATIENCE
    while "starting web server" not in log.read_text():
        assert chaos.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)

    chaos.send_signal(signal.SIGINT)

    assert chaos.wait(PATIENCE) == 130, log.read_text()
    wait_until_nothing_is_left(folder)
