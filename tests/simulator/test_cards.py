"""Test cards: what each does when it is saved, and when it shall pay."""

import pytest
import requests
import stripe

from tests.simulator.conftest import Stage

DECLINES = {  # card: (code, decline code), at every payment
    "pm_card_chargeCustomerFail": ("card_declined", "generic_decline"),
    "pm_card_chargeCustomerFailInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_authenticationRequired": ("authentication_required", "authentication_required"),
}
UNSAVEABLE = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_visa_debit"])
def test_a_good_card_is_saved_as_a_copy_of_its_own_and_pays(stage: Stage, card: str) -> None:
    customer, method = stage.customer(card)
    _, other = stage.customer(card)

    assert method.startswith("pm_")
    assert method not in (card, other)
    assert stage.authorize(customer=customer, payment_method=method).status == "requires_capture"


@pytest.mark.parametrize(("card", "codes"), DECLINES.items(), ids=DECLINES)
def test_a_card_that_saves_well_may_refuse_every_payment(stage: Stage, card: str, codes: tuple[str, str]) -> None:
    customer, method = stage.customer(card)

    with pytest.raises(stripe.CardError) as caught:
        stage.authorize(customer=customer, payment_method=method)

    error, intent = caught.value.error, caught.value.error.payment_intent
    assert (caught.value.http_status, error.type) == (402, "card_error")
    assert (error.code, error.decline_code) == codes
    assert error.doc_url.startswith("https://stripe.com/docs/error-codes/")
    assert error.payment_method.id == method
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error.code == codes[0]
    assert intent.last_payment_error.charge == intent.latest_charge == error.charge
    stored = stage.api.payment_intents.retrieve(intent.id)
    charge = stage.api.charges.retrieve(stored.latest_charge)
    assert (stored.status, charge.status, charge.failure_code) == ("requires_payment_method", "failed", codes[0])
    assert stage.events()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize(("card", "codes"), UNSAVEABLE.items(), ids=UNSAVEABLE)
def test_a_declining_card_cannot_be_saved(stage: Stage, card: str, codes: tuple[str, str | None]) -> None:
    customer = stage.api.customers.create().id

    with pytest.raises(stripe.CardError) as caught:
        stage.api.payment_methods.attach(card, {"customer": customer})
    assert (caught.value.code, caught.value.error.decline_code) == codes
    with pytest.raises(stripe.CardError) as caught:
        stage.api.setup_intents.create(
            {"customer": customer, "payment_method": card, "confirm": True, "payment_method_types": ["card"]}
        )
    intent = caught.value.error.setup_intent
    assert (intent.status, intent.last_setup_error.code) == ("requires_payment_method", codes[0])
    with pytest.raises(stripe.CardError) as caught:
        stage.authorize(customer=customer, payment_method=card)
    assert (caught.value.code, caught.value.error.decline_code) == codes


def test_a_declined_intent_takes_another_card(stage: Stage) -> None:
    customer, bad = stage.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as caught:
        stage.authorize(customer=customer, payment_method=bad)
    good = stage.api.payment_methods.attach("pm_card_visa", {"customer": customer})

    intent = stage.api.payment_intents.confirm(
        caught.value.error.payment_intent.id, {"payment_method": good.id, "off_session": True}
    )

    assert (intent.status, intent.last_payment_error) == ("requires_capture", None)


# --- 3-D Secure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("succeeds", "status", "redirect"),
    [(True, "requires_capture", "succeeded"), (False, "requires_payment_method", "failed")],
)
def test_the_cardholder_finishes_on_the_page(stage: Stage, succeeds: bool, status: str, redirect: str) -> None:
    customer, method = stage.customer("pm_card_authenticationRequired")
    intent = stage.authorize(
        customer=customer, payment_method=method, off_session=False, return_url="https://example.com/back?b=7"
    )
    page = intent.next_action.redirect_to_url

    shown = requests.get(page.url, timeout=5)
    answer = requests.post(page.url, data={"complete" if succeeds else "fail": "1"}, allow_redirects=False, timeout=5)

    assert (intent.status, page.return_url) == ("requires_action", "https://example.com/back?b=7")
    assert "$134.40" in shown.text
    assert answer.headers["Location"] == (
        f"https://example.com/back?b=7&payment_intent={intent.id}"
        f"&payment_intent_client_secret={intent.client_secret}&redirect_status={redirect}"
    )
    later = stage.api.payment_intents.retrieve(intent.id)
    assert later.status == status
    if not succeeds:
        assert later.last_payment_error.code == "payment_intent_authentication_failure"


def test_pages_that_lead_nowhere_say_so(stage: Stage) -> None:
    done = stage.authorize()

    statuses = {
        path: requests.get(f"{stage.url}/_pages/{path}", timeout=5).status_code
        for path in ("3ds/pi_missing", f"3ds/{done.id}", "onboarding/acct_missing/x", "express/acct_missing", "nothing")
    }
    assert list(statuses.values()) == [404, 410, 403, 403, 404]


def test_without_a_return_page_stripes_script_handles_it(stage: Stage) -> None:
    customer, method = stage.customer("pm_card_authenticationRequired")
    intent = stage.authorize(customer=customer, payment_method=method, off_session=False, payment_method_types=["card"])

    done = stage.control.post(f"payment_intents/{intent.id}/authenticate", succeed=True)

    assert intent.next_action.type == "use_stripe_sdk"
    assert done["status"] == "requires_capture"


def test_an_automatic_charge_succeeds_after_3d_secure(stage: Stage) -> None:
    customer, method = stage.customer("pm_card_threeDSecure2Required")
    intent = stage.authorize(
        customer=customer,
        payment_method=method,
        off_session=False,
        payment_method_types=["card"],
        capture_method="automatic",
    )

    stage.control.post(f"payment_intents/{intent.id}/authenticate", succeed=True)

    charge = stage.api.charges.retrieve(stage.api.payment_intents.retrieve(intent.id).latest_charge)
    assert (intent.status, charge.captured) == ("requires_action", True)
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_a_waiting_intent_can_be_cancelled(stage: Stage) -> None:
    customer, method = stage.customer("pm_card_authenticationRequired")
    intent = stage.authorize(customer=customer, payment_method=method, off_session=False, payment_method_types=["card"])

    assert stage.api.payment_intents.cancel(intent.id).status == "canceled"


def test_a_platform_may_ask_to_fail_rather_than_wait(stage: Stage) -> None:
    customer, method = stage.customer("pm_card_authenticationRequired")

    with pytest.raises(stripe.CardError) as caught:
        stage.authorize(
            customer=customer,
            payment_method=method,
            off_session=False,
            error_on_requires_action=True,
            payment_method_types=["card"],
        )

    assert caught.value.code == "authentication_required"
    assert caught.value.error.decline_code == "authentication_not_handled"


def test_a_card_that_wants_it_once_pays_off_session_after_that(stage: Stage) -> None:
    customer = stage.api.customers.create().id
    setup = stage.api.setup_intents.create(
        {
            "customer": customer,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": "https://example.com/",
        }
    )
    with pytest.raises(stripe.CardError):
        stage.authorize(customer=customer, payment_method=setup.payment_method)
    stage.control.post(f"setup_intents/{setup.id}/authenticate", succeed=True)

    assert setup.status == "requires_action"
    assert stage.api.setup_intents.retrieve(setup.id).status == "succeeded"
    assert stage.authorize(customer=customer, payment_method=setup.payment_method).status == "requires_capture"


def test_a_failed_setup_says_so(stage: Stage) -> None:
    setup = stage.api.setup_intents.create(
        {
            "customer": stage.api.customers.create().id,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
            "return_url": "https://example.com/",
        }
    )

    stage.control.post(f"setup_intents/{setup.id}/authenticate", succeed=False)

    failed = stage.api.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
    assert (failed.status, failed.latest_attempt.status) == ("requires_payment_method", "failed")
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"


def test_3d_secure_can_be_asked_for_by_the_platform(stage: Stage) -> None:
    intent = stage.authorize(
        off_session=False,
        payment_method_types=["card"],
        payment_method_options={"card": {"request_three_d_secure": "any"}},
    )

    assert intent.status == "requires_action"


# --- Payment methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "last4"),
    [
        ({"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}, "4242"),
        ({"number": "5555555555554444", "exp_month": 1, "exp_year": 41}, "4444"),
        ({"token": "tok_visa"}, "4242"),
        ({"token": "tok_chargeCustomerFail"}, "0341"),
    ],
    ids=str,
)
def test_a_method_is_made_from_a_number_or_a_token(stage: Stage, card: dict, last4: str) -> None:
    method = stage.api.payment_methods.create({"type": "card", "card": card, "billing_details": {"name": "Sam"}})

    assert (method.card.last4, method.billing_details.name, method.customer) == (last4, "Sam", None)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4111111111111111", "exp_month": 12, "exp_year": 2040}, "incorrect_number"),
        ({"number": "4242424242424242", "exp_month": 13, "exp_year": 2040}, "invalid_expiry_month"),
        ({"number": "4242424242424242", "exp_month": 1, "exp_year": 2020}, "invalid_expiry_year"),
    ],
    ids=str,
)
def test_a_card_that_cannot_be_is_refused(stage: Stage, card: dict, code: str) -> None:
    with pytest.raises(stripe.CardError) as caught:
        stage.api.payment_methods.create({"type": "card", "card": card})

    assert caught.value.code == code


def test_methods_are_listed_updated_and_detached_for_good(stage: Stage) -> None:
    customer, method = stage.customer()
    stage.api.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    stage.api.payment_methods.update(method, {"metadata": {"a": "1"}, "billing_details": {"name": "Sam"}})

    listed = stage.api.payment_methods.list({"customer": customer, "type": "card"}).data
    assert stage.api.customers.payment_methods.retrieve(customer, method).id == method
    detached = stage.api.payment_methods.detach(method)

    assert [(found.id, found.billing_details.name) for found in listed] == [(method, "Sam")]
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        stage.api.customers.payment_methods.retrieve(customer, method)
    assert detached.customer is None
    assert stage.api.customers.payment_methods.list(customer).data == []
    assert stage.api.customers.retrieve(customer).invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        stage.api.payment_methods.attach(method, {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        stage.authorize(customer=customer, payment_method=method)


def test_nobody_pays_with_somebody_elses_card(stage: Stage) -> None:
    _, method = stage.customer()
    other, _ = stage.customer()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.authorize(customer=other, payment_method=method)

    assert caught.value.param == "payment_method"


def test_a_setup_intent_step_by_step(stage: Stage) -> None:
    customer = stage.api.customers.create().id
    intent = stage.api.setup_intents.create({"customer": customer, "metadata": {"a": "1"}})
    statuses = [intent.status]
    stage.api.setup_intents.update(intent.id, {"payment_method": "pm_card_visa"})
    done = stage.api.setup_intents.confirm(intent.id, {"return_url": "https://example.com/"})
    statuses.append(done.status)
    dropped = stage.api.setup_intents.cancel(stage.api.setup_intents.create().id)

    assert statuses == ["requires_payment_method", "succeeded"]
    assert stage.api.payment_methods.retrieve(done.payment_method).customer == customer
    assert dropped.status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.setup_intents.cancel(intent.id)
    assert caught.value.code == "setup_intent_unexpected_state"


def test_a_card_can_be_saved_with_its_first_payment(stage: Stage) -> None:
    customer = stage.api.customers.create().id

    stage.authorize(
        customer=customer,
        payment_method="pm_card_visa",
        off_session=False,
        payment_method_types=["card"],
        setup_future_usage="off_session",
    )

    [saved] = stage.api.payment_methods.list({"customer": customer}).data
    assert stage.authorize(customer=customer, payment_method=saved.id).status == "requires_capture"


def test_customers_are_made_changed_listed_and_deleted(stage: Stage) -> None:
    customer, method = stage.customer()
    other = stage.api.customers.create({"email": "other@example.com", "name": "Otto", "metadata": {"a": "1", "b": "2"}})
    changed = stage.api.customers.update(other.id, {"metadata": {"a": "", "c": "3"}, "phone": "+1"})

    assert (changed.metadata.to_dict(), changed.phone) == ({"b": "2", "c": "3"}, "+1")
    assert [found.id for found in stage.api.customers.list({"email": "other@example.com"}).data] == [other.id]
    assert stage.api.customers.delete(customer).deleted is True
    assert stage.api.customers.retrieve(customer).deleted is True
    assert [found.id for found in stage.api.customers.list().data] == [other.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.authorize(customer=customer, payment_method=method)
    assert (caught.value.code, caught.value.param) == ("resource_missing", "customer")
