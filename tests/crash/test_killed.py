"""A process killed at any point of any operation (design 10): the sweep goes on, and no call takes effect twice."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from instainstru import clock, locks
from instainstru.local.simulator import SimulatorControl
from payments.models import Operation
from payments.operations import claims
from payments.policy.states import Action
from tests.crash.account import account_of_it_all, differences, everything_is_right, trail
from tests.crash.conftest import Story
from tests.crash.killing import play_and_die, points_of
from tests.crash.scenes import SCENES, Scene
from tests.stage import Stage

LEASE = timedelta(milliseconds=10)  # of everything that a dead one leaves behind


@pytest.fixture(autouse=True)
def short_leases(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OPERATION_LEASE = LEASE
    monkeypatch.setattr(claims, "LEASE", LEASE)
    monkeypatch.setattr(locks, "TTL_MS", LEASE // timedelta(milliseconds=1))


@pytest.mark.timeout(900)  # one test plays some thirty lives of a process; the others have two minutes
@pytest.mark.parametrize("scene", [pytest.param(scene, id=name) for name, scene in SCENES.items()])
def test_killed_anywhere(
    scene: Scene, arrange: Callable[[Scene], Story], stripe: SimulatorControl, subtests: pytest.Subtests
) -> None:
    story = arrange(scene)
    before = account_of_it_all(stripe)
    points = points_of(story.act)
    _sweep(story.stage)
    undisturbed = _outcome(stripe)
    assert set(Operation.objects.values_list("kind", flat=True)) >= scene.kinds

    played: object = None
    for number, name in enumerate(points):
        with subtests.test(f"killed {name} ({number + 1} of {len(points)})"):
            story.come_back()

            assert play_and_die(story.act, at=number) == name

            after = account_of_it_all(stripe)
            left = after, trail(stripe)
            if left == played:  # as between a commit and the call after it: whoever goes on finds the same, and does so
                continue
            played = left
            if scene.kinds and after["operations"] == before["operations"]:
                assert differences(before, after) == []
            time.sleep(LEASE / timedelta(seconds=1))  # until what the dead one held is free
            if after == before:
                story.act()  # whoever asked heard nothing, and asks again
            _sweep(story.stage)
            assert differences(undisturbed, _outcome(stripe)) == []


def test_every_kind_of_operation_has_a_scene() -> None:
    assert {kind for scene in SCENES.values() for kind in scene.kinds} == set(Action)


def _sweep(stage: Stage) -> None:
    stage.travel_to(clock.now(), run_what_is_due_then=True)


def _outcome(stripe: SimulatorControl) -> dict[str, object]:
    everything_is_right(stripe)
    effects = sorted((entry["call"] or "", entry["idempotency_key"]) for entry in stripe.requests() if entry["effect"])
    return account_of_it_all(stripe) | {"calls with effect": [call for call, _ in effects]}
