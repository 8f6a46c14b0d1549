"""`verify_books`: how it tells of progress, and of Stripe's silence."""

from datetime import timedelta

import pytest

from tests.payments.commands.conftest import calls
from tests.stage import Stage


def test_it_answers_with_one_object_and_tells_how_far_it_is(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.management.commands.verify_books.PATIENCE", timedelta(0))

    told = calls("verify_books", "--stripe", "--json")

    assert (told.code, told.json["findings"]) == (0, [])
    assert "9 of 9: stripe agrees" in told.told


def test_where_the_books_are_wrong_is_the_exit_code_1(stage: Stage) -> None:
    stage.simulator.fund_platform(100)

    told = calls("verify_books", "--stripe")

    assert (told.code, "platform balance is off by -$1.00" in told.text) == (1, True)


def test_stripe_s_silence_is_an_exit_code_of_its_own(stage: Stage) -> None:
    stage.simulator.order_fault("read", "timeout_before", times="always")

    told = calls("verify_books", "--stripe", "--json")

    stage.simulator.order_fault("read", "none")
    assert (told.code, told.text, "Stripe can't be asked" in told.refusal) == (2, "", True)
