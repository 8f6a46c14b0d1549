"""Calls without an answer (P10.4): repeated with their key, or looked up, until one is known; one effect, same end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from instainstru import clock
from instainstru.local.simulator import SimulatorControl
from payments.models import Operation, Step
from payments.simulator import Server
from tests.crash.account import account_of_it_all, differences, everything_is_right, without_instants
from tests.crash.conftest import Story
from tests.crash.scenes import SCENES, Scene

CALLS = {  # as faults know them -> the step's word for it, a scene in which one is made
    "authorize": ("authorize", "LOCK, authorizes first"),
    "capture": ("capture", "settle"),
    "reverse": ("reverse", "student cancels, middle"),
    "payout": ("pay", "settle, with top-up"),
    "refund": ("refund", "instructor cancels, locked"),
    "void": ("void", "pay now, another intent waits at the bank"),
    "charge": ("charge", "collect"),
}
EACH_CALL = [pytest.param(call, word, SCENES[scene], id=call) for call, (word, scene) in CALLS.items()]

PlayTwice = Callable[..., list[Step]]


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("fault", ["lost_answer", "error_500", "timeout_before", "error_429"])
@pytest.mark.parametrize(("call", "word", "scene"), EACH_CALL)
def test_what_was_not_answered_is_repeated_with_its_key(
    call: str, word: str, scene: Scene, fault: str, play_twice: PlayTwice
) -> None:
    steps = play_twice(scene, {call: fault})

    assert [(step.call, step.attempt, step.times_sent) for step in steps if step.times_sent > 1] == [(word, 1, 2)]


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize(("call", "word", "scene"), EACH_CALL)
def test_a_failure_that_the_key_remembers_is_looked_up_and_tried_anew(
    call: str, word: str, scene: Scene, play_twice: PlayTwice
) -> None:
    """Stripe replays a 5xx as long as it knows the key: only the object can tell, and there is none."""
    steps = play_twice(scene, {call: "stored_500"})

    assert [(step.call, step.attempt) for step in steps if step.state == Step.State.ABSENT] == [(word, 1)]
    assert [(step.call, step.state) for step in steps if step.attempt == 2] == [(word, "succeeded")]


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("fault", ["lost_answer", "timeout_before"])
@pytest.mark.parametrize(("call", "word", "scene"), EACH_CALL)
def test_a_key_that_has_aged_is_not_used_again(
    call: str, word: str, scene: Scene, fault: str, play_twice: PlayTwice, age_all_keys: Callable[[], None]
) -> None:
    """After a day Stripe has forgotten it: what took effect is found, and what did not is tried anew."""
    steps = play_twice(scene, {call: fault}, meanwhile=age_all_keys)

    anew = [] if fault == "lost_answer" else [(word, "succeeded")]
    assert [(step.call, step.state) for step in steps if step.attempt == 2] == anew


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize("fault", ["error_500", "timeout_before", "error_429"])
def test_a_look_at_the_intent_is_taken_again(fault: str, play_twice: PlayTwice) -> None:
    (inspect,) = play_twice(SCENES["back from the bank"], {"read": fault})

    assert (inspect.call, inspect.times_sent) == ("inspect", 2)


@pytest.mark.rule("P10.4")
def test_a_look_up_that_is_not_answered_is_taken_again(play_twice: PlayTwice) -> None:
    steps = play_twice(SCENES["settle"], {"capture": "stored_500", "read": "error_500"})

    assert [(step.call, step.attempt, step.state) for step in steps] == [
        ("capture", 1, "absent"),
        ("capture", 2, "succeeded"),
    ]


@pytest.fixture
def age_all_keys(simulator: Server) -> Callable[[], None]:
    """Let a day pass at Stripe's and at our wall clock."""

    def age() -> None:
        Step.objects.filter(state=Step.State.SENT).update(first_sent_at=clock.wall() - timedelta(hours=24))
        with simulator.core.unit():
            simulator.core.settings.change({"idempotency_key_seconds": 0})

    return age


@pytest.fixture
def play_twice(arrange: Callable[[Scene], Story], stripe: SimulatorControl) -> PlayTwice:
    """Play a scene without and with faults, see both come to the same end, and return the steps of the second."""

    def played(scene: Scene, faults: dict[str, str], *, meanwhile: Callable[[], object] | None = None) -> list[Step]:
        story = arrange(scene)
        earlier = set(Step.objects.values_list("pk", flat=True))
        story.act()
        story.stage.travel(minutes=7)
        undisturbed = _end(stripe)

        story.come_back()
        for call, fault in faults.items():
            stripe.order_fault(call, fault)
        story.act()
        assert Operation.objects.open().exists(), "Everything was answered."
        if meanwhile:
            meanwhile()
        story.stage.travel(minutes=7)

        assert differences(undisturbed, _end(stripe)) == []
        return list(Step.objects.exclude(pk__in=earlier).order_by("operation_id", "ordinal", "attempt"))

    return played


def _end(stripe: SimulatorControl) -> Any:
    everything_is_right(stripe)
    end = without_instants(account_of_it_all(stripe))
    del end["messages"]  # a reminder may have become due while the answer was awaited
    return end
