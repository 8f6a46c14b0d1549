"""The page of a student's credits says in plain words what is frozen, what is owed, and what that means."""

import pytest
from django.urls import reverse

from bookings.operations import cancel_booking
from credits.models import CreditMovement
from credits.web import IN_WORDS
from instainstru import clock
from tests.credits.chargebacks import give_up, let_stand, take_back
from tests.pages import links_in, signed_in, words_of
from tests.stage import Stage

pytestmark = [pytest.mark.rule("P9.4"), pytest.mark.rule("P11")]


@pytest.fixture
def given(stage: Stage):
    """A lesson that was cancelled for full credit, of which 50.00 is reserved for another."""
    booking = stage.book(hours_ahead=18)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    stage.book(hours_ahead=200, credits=5_000)
    return booking


@pytest.fixture
def page(stage: Stage):
    browser = signed_in(stage.student)
    return lambda: browser.get(reverse("wallet"))


def test_nothing_is_said_of_what_is_not(page, given):
    words = words_of(page())

    assert "$70.00" in words
    assert "Frozen" not in words
    assert "You owe" not in words


def test_frozen_credit_and_a_locked_account_are_explained(page, given):
    take_back(given)

    shown = page()

    words = words_of(shown)
    assert "You owe $50.00 in credit, so your account is locked and nothing new can be booked." in words
    assert "pays this off first" in words
    assert "Frozen $70.00" in words
    assert "Frozen credit was given for a payment that your bank is looking at." in words
    assert "Frozen: your bank looks at the payment" in words
    assert reverse("booking", args=[given.ref]) in links_in(shown)


def test_what_is_paid_off_is_told_and_the_account_is_open_again(stage: Stage, page, given):
    take_back(given)
    stage.give_credit(6_000)

    words = words_of(page())

    assert "Paid off what you owed" in words
    assert "account is locked" not in words
    assert "You can spend $10.00" in words


@pytest.mark.parametrize(
    ("end", "sentence"),
    [(let_stand, "Yours again: your bank let the payment stand"), (give_up, "Withdrawn: the payment went back to you")],
)
def test_the_end_of_it_is_told(page, given, end, sentence):
    take_back(given)
    end(given)

    words = words_of(page())

    assert sentence in words
    assert "Frozen credit was given" not in words


def test_every_movement_has_words_of_its_own():
    assert set(IN_WORDS) == set(CreditMovement.Kind)
    assert len(set(IN_WORDS.values())) == len(IN_WORDS)
