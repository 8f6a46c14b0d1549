"""However webhooks come, doubled, shuffled or lost and back-filled: the same state, and clean books (design 6)."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from instainstru import clock
from instainstru.local.simulator import SimulatorControl
from payments.operations.reconcile import reconcile
from tests.conftest import A_MONDAY
from tests.factories import UserFactory
from tests.stage import House, Stage
from tests.webhooks.conftest import Json, Post
from tests.webhooks.lives import ACTS, Deliver, Disorderly, Life, in_order, live, picture

StartOver = Callable[[], None]
CARDS = ["ok", "ok", "ok", "requires_3ds", "declined"]
BEGINNINGS: list[list[str]] = [  # so that most lives have money in them
    [],
    ["half_a_day_before"],
    ["half_a_day_before", "student_moves"],
    ["settlement"],
    ["settlement", "dashboard_refunds_some"],
]


@pytest.mark.rule("P8.8")
@pytest.mark.timeout(600)
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each life takes seconds: the acts are short as they are
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    card=st.sampled_from(CARDS),
    hours_ahead=st.sampled_from([20, 30, 72]),
    credits=st.sampled_from([0, 5_000, 12_000]),
    acts=st.builds(operator.add, st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(sorted(ACTS)), max_size=7)),
    seed=st.integers(0, 2**16),
)
@example(
    card="ok", hours_ahead=72, credits=12_000, seed=1,
    acts=["settlement", "dashboard_refunds_some", "dashboard_reverses_some", "bank_sends_a_refund_back", "some_days"],
)  # fmt: skip
@example(
    card="ok", hours_ahead=72, credits=0, seed=2,
    acts=["half_a_day_before", "student_moves", "dashboard_refunds_some", "staff_take_note", "instructor_cancels",
          "bank_sends_a_refund_back", "staff_retry", "some_days"],
)  # fmt: skip
@example(
    card="requires_3ds", hours_ahead=20, credits=5_000, seed=3,
    acts=["bank_confirms", "dashboard_charges_the_hold", "staff_take_note", "settlement", "some_days",
          "instructor_takes_it_to_the_bank", "bank_sends_a_payout_back"],
)  # fmt: skip
@example(
    card="ok", hours_ahead=72, credits=5_000, seed=5,
    acts=["settlement", "bank_takes_the_payment_back", "dashboard_refunds_some", "some_days", "bank_finds_for_us",
          "some_days"],
)  # fmt: skip
@example(
    card="ok", hours_ahead=72, credits=0, seed=6,
    acts=["half_a_day_before", "student_cancels", "bank_takes_the_payment_back", "some_days",
          "bank_finds_for_the_student"],
)  # fmt: skip
@example(
    card="declined", hours_ahead=30, credits=0, seed=4,
    acts=["half_a_day_before", "card_is_saved_and_left", "account_lapses", "settlement", "account_is_well_again",
          "staff_retry"],
)  # fmt: skip
def test_any_post_leads_to_the_same_state(
    stripe: SimulatorControl,
    start_over: StartOver,
    house: House,
    card: str,
    hours_ahead: int,
    credits: int,
    acts: list[str],
    seed: int,
):
    def lived(deliver: Deliver) -> tuple[Json, list[str]]:
        start_over()
        stripe.reset()
        clock.stand_at(A_MONDAY)
        stage = Stage(stripe, house.set_stage(stripe))
        stage.give_credit(12_000)
        stage.use_card(card)
        life = Life(stage, UserFactory(as_staff=True), stage.book(hours_ahead=hours_ahead, credits=credits))
        live(life, acts, Post(), deliver)
        report = reconcile(since=A_MONDAY, now=clock.now(), write=False)
        return picture(life), stage.disorder() + [f"{item}" for item in report.items]

    try:
        orderly, disorder = lived(in_order)
        assert disorder == []
        assert lived(Disorderly(seed)) == (orderly, [])
    finally:
        clock.flow()
