"""The simulator as a process of its own: killed, restarted, told to end; and embedded in one that forks."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import stripe

from payments.simulator import start
from tests.simulator.conftest import Control, Stage

ROOT = Path(__file__).parents[2]


class Process:
    """`python -m payments.simulator` with these arguments, and its clients."""

    def __init__(self, make_client: Callable[..., Any], *arguments: str) -> None:
        command = [sys.executable, "-m", "payments.simulator", "--port", "0", *arguments]
        self.popen = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.popen.stdout
        self.line = self.popen.stdout.readline().strip()
        self.url = self.line.removeprefix("simulator listening on ")
        client, _ = make_client(self.url)
        self.api = client.v1
        self.control = Control(self.url)

    def end(self, number: int) -> int:
        """Send a signal and wait; the exit status."""
        self.control.close()
        self.popen.send_signal(number)
        status = self.popen.wait(timeout=5)
        assert self.popen.stdout
        self.popen.stdout.close()
        return status


@pytest.fixture
def run(make_client: Callable[..., Any]) -> Iterator[Callable[..., Process]]:
    processes = []

    def begin(*arguments: str) -> Process:
        processes.append(Process(make_client, *arguments))
        return processes[-1]

    yield begin
    for process in processes:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly(run: Callable[..., Process], number: int) -> None:
    process = run()

    assert process.line.startswith("simulator listening on http://127.0.0.1:")
    assert process.api.customers.create().id
    assert process.end(number) == 0


def test_with_a_state_file_everything_survives(run: Callable[..., Process], tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "stripe.sqlite"))
    first = run(*state, "--webhooks", "queue", "--webhook-url", "http://127.0.0.1:9/", "--webhook-secret", "whsec_x")
    first.control.post("platform/fund", cents=5_000)
    first.control.post("clock", standing_at=1_770_000_000)
    first.control.post("settings", fee_fixed_cents=1)
    customer = first.api.customers.create({"name": "Sam"}, {"idempotency_key": "k"})
    account = first.control.get("health")["platform"]
    queue = [entry["event"]["id"] for entry in first.control.get("webhooks/queue")]
    assert first.end(signal.SIGTERM) == 0

    second = run(*state)

    assert second.control.get("health")["platform"] == account
    assert second.control.get("clock")["now"] == 1_770_000_000
    assert second.control.get("settings")["fee_fixed_cents"] == 1
    assert second.api.balance.retrieve().available[0].amount == 5_000
    assert second.api.customers.create({"name": "Sam"}, {"idempotency_key": "k"}).id == customer.id
    assert [entry["event"]["id"] for entry in second.control.get("webhooks/queue")] == queue
    assert [entry["effect"] for entry in second.control.get("requests", key="k")] == [True, False]


def test_killed_in_the_midst_of_work_no_answered_call_is_lost_and_none_takes_effect_twice(
    run: Callable[..., Process], tmp_path: Path
) -> None:
    state = ("--state", str(tmp_path / "stripe.sqlite"))
    first = run(*state)
    first.control.post("platform/fund", cents=1_000_000)
    account = first.api.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}}).id
    first.control.post(f"accounts/{account}", onboarded=True)
    enough = threading.Semaphore(0)

    def pay(process: Process, number: int) -> str | None:
        params = {"amount": 100, "currency": "usd", "destination": account}
        try:
            return process.api.transfers.create(params, {"idempotency_key": f"k{number}"}).id
        except stripe.APIConnectionError:
            return None
        finally:
            enough.release()

    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(pay, first, number) for number in range(400)]
        for _ in range(60):
            enough.acquire()
        first.end(signal.SIGKILL)
        answered = [future.result() for future in pending]
    assert None in answered
    assert any(answered)

    second = run(*state)
    repeated = [pay(second, number) for number in range(400)]

    assert [new for old, new in zip(answered, repeated, strict=True) if old and old != new] == []
    assert len(set(repeated)) == 400
    balance = second.api.balance.retrieve({}, {"stripe_account": account}).available[0].amount
    assert balance == 40_000
    effects = [entry["effect"] for entry in second.control.get("requests", call="payout")]
    assert effects.count(True) == 400


def test_a_place_that_is_taken_is_told_by_name(run: Callable[..., Process], tmp_path: Path) -> None:
    state = str(tmp_path / "stripe.sqlite")
    port = run("--state", state).url.rpartition(":")[2]

    def complaint(*arguments: str) -> str:
        command = [sys.executable, "-m", "payments.simulator", *arguments]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
        assert ended.returncode == 1
        return ended.stderr

    assert complaint("--port", port) == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert complaint("--port", "0", "--state", state) == f"cannot use {state}: database is locked\n"


def test_a_seed_makes_the_same_ids(run: Callable[..., Process], make_client: Callable[..., Any]) -> None:
    def ids() -> list[str]:
        server = start(seed="7")
        client, _ = make_client(server.url)
        made = [client.v1.customers.create().id for _ in range(3)]
        server.stop()
        return made

    first = ids()

    assert first == ids()
    assert len(set(first)) == 3


# --- Forks --------------------------------------------------------------------------------------------------------


def _in_child(act: Callable[[], bool]) -> bool:
    """Whether `act` succeeds in a forked child."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if act() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_uses_the_parents_simulator(stage: Stage, make_client: Callable[..., Any]) -> None:
    def child() -> bool:
        client, _ = make_client(stage.url)
        client.v1.customers.create({"name": "from the child"})
        stage.server.stop()  # does nothing here
        try:
            with stage.server.core.unit():
                return False
        except RuntimeError:
            return True

    assert _in_child(child)
    assert [customer.name for customer in stage.api.customers.list().data] == ["from the child"]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_lingering_child_holds_neither_port_nor_connections(make_client: Callable[..., Any]) -> None:
    server = start()
    client, _ = make_client(server.url)
    client.v1.customers.create()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)  # lingers until the parent is through
        os._exit(0)

    control = Control(server.url)
    control.post("faults", call="any", fault="timeout_before")
    with pytest.raises(stripe.APIConnectionError):  # and not a timeout
        client.v1.customers.create()
    control.close()
    server.stop()
    port = int(server.url.rpartition(":")[2])
    start(port=port).stop()

    os.write(writer, b"x")
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
