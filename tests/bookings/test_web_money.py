"""A student's card and credits, an instructor's payout account, on the pages."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from instainstru import clock
from payments import operations as payments
from payments.models import Payee, Payer
from tests.factories import UserFactory
from tests.pages import links_in, signed_in, words_of


def choose(browser, card: str, *, going_on: str = ""):
    query = f"?{urlencode({'next': going_on})}" if going_on else ""
    return browser.post(f"{reverse('card')}{query}", {"card": card})


class TestTheTestCards:
    def test_the_first_card_is_saved(self, stage):
        new = UserFactory()
        browser = signed_in(new)
        assert "With a saved card you can book lessons." in words_of(browser.get(reverse("card")))

        answer = choose(browser, "pm_card_visa")

        assert answer.url == reverse("card")
        assert Payer.objects.get(user=new).card == "Visa ending in 4242"
        assert "Visa ending in 4242 is saved." in words_of(browser.get(answer.url))

    def test_another_takes_its_place_and_leads_back(self, stage):
        browser = signed_in(stage.student)

        answer = choose(browser, "pm_card_authenticationRequired", going_on="/checkout?service=x")

        assert answer.url == "/checkout?service=x"
        assert Payer.objects.get(user=stage.student).card_last4 == "3184"

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_nobody_is_led_elsewhere(self, stage, elsewhere):
        browser = signed_in(stage.student)

        assert choose(browser, "pm_card_visa", going_on=elsewhere).url == reverse("card")
        assert elsewhere not in links_in(browser.get(reverse("card"), {"next": elsewhere}))

    def test_a_card_that_we_do_not_know_is_none(self, stage):
        answer = choose(signed_in(stage.student), "pm_card_chargeDeclined")

        assert answer.status_code == 422
        assert "Test card : Select a valid choice" in words_of(answer)

    def test_a_new_card_is_tried_at_once_on_what_waits(self, stage):
        stage.use_card("declined")
        waiting = [stage.book(hours_ahead=5), stage.book(hours_ahead=8)]
        browser = signed_in(stage.student)

        answer = choose(browser, "pm_card_visa", going_on="/bookings")

        for booking in waiting:
            booking.refresh_from_db()
        assert {booking.status for booking in waiting} == {"confirmed"}
        assert "2 lessons that waited for a card: the payment is through." in words_of(browser.get(answer.url))

    def test_a_new_card_that_is_refused_says_so(self, stage):
        stage.use_card("declined")
        stage.book(hours_ahead=5)
        browser = signed_in(stage.student)

        answer = choose(browser, "pm_card_chargeCustomerFailInsufficientFunds")

        said = words_of(browser.get(answer.url))
        assert "Visa ending in 9341 is saved." in said
        assert "One lesson could not be paid with it." in said

    def test_stripe_that_does_not_answer_is_said(self, stage, settings):
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        answer = choose(signed_in(UserFactory()), "pm_card_visa")

        assert answer.status_code == 503
        assert "Stripe does not answer right now." in words_of(answer)


class TestStripesOwnForm:
    @pytest.fixture(autouse=True)
    def real_stripe(self, stage, settings):
        settings.USES_SIMULATOR = False
        settings.STRIPE_PUBLISHABLE_KEY = "pk_test_123"

    def test_is_shown_and_allowed_on_this_page_alone(self, stage):
        browser = signed_in(stage.student)

        page, another = browser.get(reverse("card")), browser.get(reverse("wallet"))

        assert b'<script src="https://js.stripe.com/v3/" defer>' in page.content
        assert b'data-publishable-key="pk_test_123"' in page.content
        policy = page["Content-Security-Policy"]
        assert "script-src 'self' https://js.stripe.com" in policy.replace(" 'nonce'", "")
        assert "frame-src https://js.stripe.com" in policy
        assert "connect-src 'self' https://api.stripe.com" in policy
        assert "stripe.com" not in another["Content-Security-Policy"]

    def test_begins_a_setup_saves_its_card_and_leads_back(self, stage):
        browser = signed_in(stage.student)
        secret = browser.post(reverse("card-setup")).json()["client_secret"]
        setup_id = secret.partition("_secret")[0]
        payments.confirm_card_setup(
            student=stage.student, setup_id=setup_id, payment_method="pm_card_mastercard", return_url="http://x/"
        )

        answer = browser.get(reverse("card-saved"), {"setup_intent": setup_id, "next": "/bookings"})

        assert answer.url == "/bookings"
        assert Payer.objects.get(user=stage.student).card == "Mastercard ending in 4444"

    def test_a_setup_that_came_to_nothing_is_said(self, stage):
        browser = signed_in(stage.student)
        setup = payments.begin_card_setup(student=stage.student)

        answer = browser.get(reverse("card-saved"), {"setup_intent": setup.id})

        assert answer.url == reverse("card")
        assert "A saved card that can be charged is needed." in words_of(browser.get(answer.url))

    def test_somebody_elses_setup_saves_nothing(self, stage):
        setup = payments.begin_card_setup(student=stage.student)
        other = UserFactory()

        signed_in(other).get(reverse("card-saved"), {"setup_intent": setup.id})

        assert not Payer.objects.filter(user=other).exists()

    @pytest.mark.parametrize("setup_id", ["", "seti_1/confirm", "../customers", "seti_?expand[]=customer"])
    def test_an_address_that_names_no_setup_asks_nobody(self, stage, setup_id):

        answer = signed_in(stage.student).get(reverse("card-saved"), {"setup_intent": setup_id})

        assert answer.url == reverse("card")


class TestPayouts:
    def test_a_new_instructor_is_led_to_stripe(self, stage):
        new = UserFactory(as_instructor=True)
        browser = signed_in(new)
        assert "Stripe pays you." in words_of(browser.get(reverse("payouts")))

        answer = browser.post(reverse("payouts"))

        assert answer.url.startswith(stage.simulator.url)
        assert Payee.objects.get(user=new).is_payable is False
        assert "Stripe has still to know something about you" in words_of(browser.get(reverse("payouts")))

    def test_coming_back_asks_stripe_whether_it_is_done(self, stage):
        new = UserFactory(as_instructor=True)
        browser = signed_in(new)
        browser.post(reverse("payouts"))
        unfinished = browser.get(reverse("payouts-return"), follow=True)
        assert "Not finished" in words_of(unfinished)

        stage.simulator.make_payable(Payee.objects.get(user=new).account_id)
        finished = browser.get(reverse("payouts-return"), follow=True)

        said = words_of(finished)
        assert "You can be paid now." in said
        assert "Go on at Stripe" not in said

    def test_the_form_may_lead_to_stripes_page(self, stage):
        policy = signed_in(stage.instructor).get(reverse("payouts"))["Content-Security-Policy"]

        assert "https://connect.stripe.com" in policy

    def test_stripe_that_does_not_answer_is_said(self, stage, settings):
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        answer = signed_in(UserFactory(as_instructor=True)).post(reverse("payouts"))

        assert answer.status_code == 503
        assert "Stripe does not answer right now." in words_of(answer)


class TestTheWallet:
    def test_shows_what_can_be_spent_until_when_and_what_waits(self, stage):
        stage.give_credit(5_000, lasts=timedelta(days=30))
        stage.give_credit(2_500, lasts=timedelta(days=200))
        stage.book(hours_ahead=72, credits=6_000)

        said = words_of(signed_in(stage.student).get(reverse("wallet")))

        assert "You can spend $15.00 Reserved for lessons $60.00" in said
        assert "Wed, Apr 1, 2026 $0.00 $50.00 $50.00" in said
        assert "Fri, Sep 18, 2026 $15.00 $10.00 $25.00" in said

    def test_tells_every_movement_with_its_lesson(self, stage):
        stage.give_credit(5_000)
        booking = stage.book(hours_ahead=72, credits=2_000)

        answer = signed_in(stage.student).get(reverse("wallet"))

        said = words_of(answer)
        assert "Mon, Mar 2, 2026 Reserved for a lesson · See the lesson $20.00" in said
        assert "Mon, Mar 2, 2026 Given to you $50.00" in said
        assert reverse("booking", args=[booking.ref]) in links_in(answer)

    def test_a_long_statement_has_pages(self, stage):
        for _ in range(25):
            stage.give_credit(100)
            stage.stand_at(clock.now() + timedelta(minutes=1))
        browser = signed_in(stage.student)

        first = browser.get(reverse("wallet"))
        second = browser.get(reverse("wallet"), {"cursor": first.context["page"].older})

        assert [len(answer.context["page"].rows) for answer in (first, second)] == [20, 5]

    def test_an_empty_wallet_says_how_it_fills(self, stage):
        assert "No credit has come or gone yet." in words_of(signed_in(UserFactory()).get(reverse("wallet")))
