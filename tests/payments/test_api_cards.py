"""Saving a card through the API, and what a new card is tried on at once."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from instainstru.local.scenarios.stage import CARDS
from payments.models import Payer
from tests.stage import Stage


@pytest.fixture
def client(api, outsider) -> APIClient:
    """A student who has no card yet."""
    return api(outsider)


def begin(client, **headers) -> dict:
    answer = client.post(reverse("api:card-setups"), headers=headers)
    assert answer.status_code == 201, answer.content
    return answer.json()


def confirm(client, setup: dict, card: str = "pm_card_visa"):
    return client.post(reverse("api:card-setup-confirm", args=[setup["id"]]), {"payment_method": card})


def save(client, setup: dict):
    return client.put(reverse("api:payment-method"), {"setup": setup["id"]})


def test_before_there_is_a_card_there_is_none(client):
    assert client.get(reverse("api:payment-method")).json() == {"card": None}


@pytest.mark.rule("P2.5")
def test_a_card_is_saved_in_three_steps(client, stripe, standing_clock, settings):
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_shown"
    setup = begin(client)
    assert (setup["status"], setup["publishable_key"]) == ("requires_payment_method", "pk_test_shown")
    assert setup["client_secret"].startswith(setup["id"])

    assert confirm(client, setup).json()["status"] == "succeeded"
    saved = save(client, setup)

    card = {"brand": "visa", "last4": "4242", "saved_at": "2026-03-02T15:00:00Z"}
    assert (saved.status_code, saved.json()) == (200, {"card": card, "retried": []})
    assert client.get(reverse("api:payment-method")).json() == {"card": card}


def test_a_bank_may_want_to_hear_from_the_student_first(client, stripe):
    setup = begin(client)

    waiting = confirm(client, setup, "pm_card_authenticationRequiredOnSetup").json()
    too_soon = save(client, setup)

    assert waiting["status"] == "requires_action"
    assert waiting["url"].startswith(stripe.url)
    assert (too_soon.status_code, too_soon.json()["code"]) == (402, "authentication_required")
    assert too_soon.json()["url"] == waiting["url"]


def test_a_card_that_stripe_declines_is_a_problem_with_stripes_reason(client, stripe):
    answer = confirm(client, begin(client), "pm_card_chargeDeclined")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "payment_provider_refused")
    assert problem["detail"] == "Your card was declined."


def test_an_unfinished_setup_saves_nothing(client, stripe):
    answer = save(client, begin(client))

    assert (answer.status_code, answer.json()["code"]) == (402, "payment_method_required")
    assert client.get(reverse("api:payment-method")).json() == {"card": None}


class TestWhatIsNotOnesOwn:
    @pytest.fixture
    def theirs(self, api, student, stripe) -> dict:
        return begin(api(student))

    def test_is_not_there_to_be_confirmed(self, client, theirs):
        begin(client)  # so that both are customers at Stripe

        assert confirm(client, theirs).status_code == 404
        assert confirm(client, {"id": "seti_unknown"}).status_code == 404

    def test_can_not_be_saved(self, api, student, client, theirs):
        begin(client)
        confirm(api(student), theirs)

        assert save(client, theirs).json()["code"] == "payment_method_required"
        assert not Payer.objects.exclude(payment_method_id="").exists()


def test_who_has_a_new_name_since_stripe_kept_silent_can_save_a_card_all_the_same(client, outsider, stripe):
    stripe.order_fault("any", "lost_answer")
    assert client.post(reverse("api:card-setups")).status_code == 503
    outsider.name = "Otto Insider"
    outsider.save()

    setup = begin(client)

    assert confirm(client, setup).json()["status"] == "succeeded"


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "card_1", "", "pm_" + "1" * 70])
def test_a_card_number_never_gets_further_than_the_form(client, stripe, number):
    answer = confirm(client, begin(client), number)

    assert answer.status_code == 400
    assert "/confirm" not in str(stripe.requests())


def test_a_setup_is_begun_once_under_its_key(client, stripe):
    first, again = (begin(client, **{"Idempotency-Key": "once"}) for _ in range(2))
    confirm(client, first)

    assert first["id"] == again["id"] != begin(client)["id"]
    assert begin(client, **{"Idempotency-Key": "once"})["status"] == "succeeded"  # as it stands now


def test_stripes_silence_is_a_503(client, stripe, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    answer = client.post(reverse("api:card-setups"))

    assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")
    assert answer["Retry-After"] == "5"


@pytest.mark.rule("P10.1")
class TestANewCard:
    @pytest.fixture
    def client(self, api, student) -> APIClient:
        return api(student)

    def new_card(self, client, card: str) -> dict:
        setup = begin(client)
        confirm(client, setup, CARDS[card])
        return save(client, setup).json()

    def test_is_tried_on_what_waits_for_one(self, client, stage: Stage):
        stage.use_card("declined")
        booking = stage.book(hours_ahead=20)

        retried = self.new_card(client, "ok")["retried"]

        assert [(tried["booking_ref"], tried["kind"], tried["state"]) for tried in retried] == [
            (booking.ref, "pay_now", "done")
        ]
        booking.refresh_from_db()
        assert booking.status == "confirmed"

    def test_may_be_refused_as_well(self, client, stage: Stage):
        stage.use_card("declined")
        stage.book(hours_ahead=20)

        retried = self.new_card(client, "insufficient_funds")["retried"]

        assert [tried["refusal"]["code"] for tried in retried] == ["card_declined"]
