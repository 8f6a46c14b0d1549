"""A simulator in memory comes back to an earlier moment, for stories that are played many times."""

from pathlib import Path

import pytest

from payments.simulator.core import Core
from tests.simulator.conftest import Stage


def test_what_happened_since_never_happened(stage: Stage) -> None:
    intent = stage.authorize()
    moment = stage.server.core.moment()
    before = stage.control.get("summary"), stage.control.get("requests")
    stage.capture(intent.id, key="once")
    stage.lesson_paid()

    stage.server.core.come_back_to(moment)

    assert (stage.control.get("summary"), stage.control.get("requests")) == before
    assert stage.capture(intent.id, key="once").status == "succeeded"


def test_faults_on_order_come_back_as_often_as_they_were_ordered(stage: Stage) -> None:
    stage.control.post("faults", call="capture", fault="refuse", times=2)
    moment = stage.server.core.moment()
    ordered = stage.control.get("faults")
    with pytest.raises(Exception, match="declined"):
        stage.lesson_paid()
    stage.control.post("faults", call="void", fault="error_500")

    for _ in range(2):
        stage.server.core.come_back_to(moment)
        assert stage.control.get("faults") == ordered


def test_the_clock_comes_back_too(stage: Stage) -> None:
    stage.control.post("clock", standing_at=1_800_000_000)
    moment = stage.server.core.moment()
    stage.control.post("clock", standing_at=1_900_000_000)

    stage.server.core.come_back_to(moment)

    assert stage.control.get("clock")["now"] == 1_800_000_000


def test_one_that_keeps_a_file_stays_where_it_is(tmp_path: Path) -> None:
    core = Core(path=str(tmp_path / "state"))
    moment = core.moment()

    with pytest.raises(ValueError, match="in memory"):
        core.come_back_to(moment)
    core.close()
