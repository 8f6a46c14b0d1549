"""`verify_books`: how it tells of progress, and of Stripe's silence."""

import pytest

from tests.payments.commands.conftest import calls
from tests.stage import Stage, make_service


@pytest.mark.usefixtures("talkative")
def test_it_answers_with_one_object_and_tells_how_far_it_is(stage: Stage) -> None:
    make_service(stage.simulator)

    told = calls("verify_books", "--stripe", "--json")

    assert (told.code, told.json["findings"]) == (0, [])
    assert told.told.splitlines()[-4:] == [
        "11 of 12: reservations agree with payments",
        "12 of 12: Stripe agrees, our own account",
        "12 of 12: Stripe agrees, 1 of 2 connected accounts",
        "12 of 12: Stripe agrees, 2 of 2 connected accounts",
    ]


def test_where_the_books_are_wrong_is_the_exit_code_1(stage: Stage) -> None:
    stage.simulator.fund_platform(100)

    told = calls("verify_books", "--stripe")

    assert (told.code, "platform balance is off by -$1.00" in told.text) == (1, True)


def test_stripe_s_silence_is_an_exit_code_of_its_own(stage: Stage) -> None:
    stage.simulator.order_fault("read", "timeout_before", times="always")

    told = calls("verify_books", "--stripe", "--json")

    stage.simulator.order_fault("read", "none")
    assert (told.code, told.text, "Stripe can't be asked" in told.refusal) == (2, "", True)
