"""No Stripe call is made inside a transaction, whoever makes it: our own client or the one that dj-stripe uses."""

from collections.abc import Callable

import djstripe.models
import pytest
import stripe as sdk
from django.db import transaction
from djstripe.settings import djstripe_settings

from payments import gateway
from payments.gateway import StripeCallInTransaction, client, parties
from payments.gateway.http import GuardedClient
from payments.policy.states import Call

CALLS: dict[str, Callable[[], object]] = {
    "a step": lambda: gateway.send(Call.CAPTURE, {"of": "pi_1", "body": {}}, key="key"),
    "a look-up": lambda: gateway.look_up(Call.CAPTURE, {"of": "pi_1", "body": {}}, key="key"),
    "a card's setup": lambda: parties.begin_card_setup(customer_id="cus_1", key="key"),
    "a balance": parties.platform_balance,
    "the SDK's default client": lambda: sdk.Balance.retrieve(),
    "dj-stripe": lambda: djstripe.models.Customer(id="cus_1").api_retrieve(api_key="sk_test_" + "0" * 24),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_inside_a_transaction_is_refused_before_it_is_sent(stripe, call) -> None:
    with pytest.raises(StripeCallInTransaction), transaction.atomic():
        call()

    assert stripe.requests() == []


def test_the_test_that_hides_its_transaction_is_found_out_too(db: None) -> None:
    with pytest.raises(StripeCallInTransaction):  # `durable=True` would let this pass
        client.get("/v1/balance")


def test_outside_of_one_it_goes_through(stripe) -> None:
    with transaction.atomic():
        pass

    assert parties.platform_balance() == 0


def test_both_clients_are_guarded_never_repeat_and_speak_the_pinned_version(settings) -> None:
    assert isinstance(sdk.default_http_client, GuardedClient)
    assert sdk.max_network_retries == 0  # the engine repeats, under its own keys (P10.4)
    assert sdk.api_version == settings.STRIPE_API_VERSION == djstripe_settings.STRIPE_API_VERSION
