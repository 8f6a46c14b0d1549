"""An instructor's payout account through the API."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from instainstru import clock
from payments import operations
from payments.models import Payee


@pytest.fixture
def client(api, instructor) -> APIClient:
    return api(instructor)


def test_before_onboarding_there_is_no_account(client):
    account = client.get(reverse("api:payout-account")).json()

    assert account == {"is_open": False, "is_payable": False, "requirements": [], "checked_at": None}
    assert client.post(reverse("api:payout-account-check")).status_code == 404


@pytest.mark.rule("P2.1")
def test_onboarding_makes_an_instructor_payable(client, instructor, stripe, standing_clock):
    link = client.post(reverse("api:payout-account-onboarding-link"))
    assert link.status_code == 200
    assert link.json()["url"].startswith(stripe.url)
    opened = client.get(reverse("api:payout-account")).json()
    assert (opened["is_open"], opened["is_payable"]) == (True, False)
    assert opened["requirements"]

    stripe.make_payable(Payee.objects.get(user=instructor).account_id)
    checked = client.post(reverse("api:payout-account-check")).json()

    assert checked == {
        "is_open": True,
        "is_payable": True,
        "requirements": [],
        "checked_at": "2026-03-02T15:00:00Z",
    }
    assert client.get(reverse("api:payout-account")).json() == checked


def test_each_visit_has_a_link_of_its_own_and_one_account(client, instructor, stripe, standing_clock):
    first = client.post(reverse("api:payout-account-onboarding-link")).json()["url"]
    standing_clock.advance(seconds=1)
    again = client.post(reverse("api:payout-account-onboarding-link")).json()["url"]

    assert first != again
    assert Payee.objects.filter(user=instructor).count() == 1


def test_stripes_silence_is_a_503(client, stripe, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    answer = client.post(reverse("api:payout-account-onboarding-link"))

    assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")
    assert not Payee.objects.exists()


def test_an_instructor_who_can_be_paid_has_pages_at_stripe(client, instructor, stripe):
    assert client.post(reverse("api:payout-account-dashboard-link")).status_code == 404
    client.post(reverse("api:payout-account-onboarding-link"))
    unfinished = client.post(reverse("api:payout-account-dashboard-link"))
    assert (unfinished.status_code, unfinished.json()["code"]) == (402, "payment_provider_refused")

    account = Payee.objects.get(user=instructor).account_id
    stripe.make_payable(account)
    link = client.post(reverse("api:payout-account-dashboard-link"))

    assert link.status_code == 200
    assert link.json()["url"] == f"{stripe.url}/_pages/express/{account}"


def test_the_page_shows_what_is_wanted_and_leads_to_stripe(instructor, stripe, standing_clock):
    browser = Client()
    browser.force_login(instructor)
    begun = browser.post(reverse("payouts"))
    assert begun["Location"].startswith(stripe.url)
    page = browser.get(reverse("payouts")).content.decode()
    assert "Individual: last name" in page
    assert reverse("payouts-dashboard") not in page

    account = Payee.objects.get(user=instructor).account_id
    stripe.make_payable(account)
    browser.get(reverse("payouts-return"))
    assert reverse("payouts-dashboard") in browser.get(reverse("payouts")).content.decode()
    assert browser.post(reverse("payouts-dashboard"))["Location"] == f"{stripe.url}/_pages/express/{account}"


def test_stripes_silence_leads_back_to_the_page(instructor, stripe, settings):
    payee = operations.open_account(instructor=instructor, now=clock.now())
    stripe.make_payable(payee.account_id)
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"
    browser = Client()
    browser.force_login(instructor)

    answer = browser.post(reverse("payouts-dashboard"), follow=True)

    assert "Stripe does not answer right now" in answer.content.decode()
