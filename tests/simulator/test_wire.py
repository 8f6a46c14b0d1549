"""Keys, versions, parameters, lists, expansion and headers: what every call has in common."""

from typing import Any

import pytest
import requests
import stripe

from payments.simulator.make_schema import condense
from payments.simulator.schema import parameters
from payments.simulator.wire.forms import decode
from payments.simulator.wire.routes import ROUTES
from tests.simulator import openapi
from tests.simulator.conftest import API_KEY, Stage


def _post(stage: Stage, path: str, data: Any = None, **headers: str) -> requests.Response:
    known = {"Authorization": f"Bearer {API_KEY}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{stage.url}{path}", data=data, headers=known, timeout=5)


# --- Who asks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc", "Bearer pk_test_1", "Basic !!!"]
)
def test_a_test_key_is_required(stage: Stage, authorization: str) -> None:
    answer = requests.get(f"{stage.url}/v1/balance", headers={"Authorization": authorization}, timeout=5)

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_a_key_may_come_as_a_user_name_as_curl_sends_it(stage: Stage) -> None:
    assert requests.get(f"{stage.url}/v1/balance", auth=(API_KEY, ""), timeout=5).status_code == 200


@pytest.mark.parametrize(("version", "status"), [("2026-08-26.dahlia", 200), ("2025-03-31.basil", 400)])
def test_other_families_of_versions_are_refused(stage: Stage, version: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Stripe-Version": version}
    answer = requests.get(f"{stage.url}/v1/balance", headers=headers, timeout=5)

    assert (answer.status_code, answer.headers["Stripe-Version"]) == (status, version)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/charges/ch_1/nothing", "/v2/core/accounts", "/"])
def test_an_unknown_path_is_stripes_404(stage: Stage, path: str) -> None:
    answer = requests.get(f"{stage.url}{path}", headers={"Authorization": f"Bearer {API_KEY}"}, timeout=5)

    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (404, "invalid_request_error")
    assert error["message"].startswith(f"Unrecognized request URL (GET: {path}).")


def test_every_answer_names_its_request(stage: Stage) -> None:
    answer = _post(stage, "/v1/payment_intents", {"amount": "1"}, Idempotency_Key="k")

    request = answer.headers["Request-Id"]
    assert request.startswith("req_")
    assert answer.headers["Idempotency-Key"] == "k"
    assert answer.json()["error"]["request_log_url"].endswith(request)


# --- Parameters ---------------------------------------------------------------------------------------------------


def test_brackets_become_nested_fields() -> None:
    assert decode("a=1&b[c]=2&b[d][e]=&f[]=x&f[]=y&g[0][h]=z&i%5Bj%5D=k") == {
        "a": "1",
        "b": {"c": "2", "d": {"e": ""}},
        "f": {"0": "x", "1": "y"},
        "g": {"0": {"h": "z"}},
        "i": {"j": "k"},
    }


INTENT = {"amount": "1000", "currency": "usd"}


@pytest.mark.parametrize(
    ("path", "data", "code", "param"),
    [
        ("/v1/payment_intents", {"amount": "1000"}, "parameter_missing", "currency"),
        ("/v1/payment_intents", INTENT | {"colour": "red"}, "parameter_unknown", "colour"),
        (
            "/v1/payment_intents",
            INTENT | {"transfer_data[destination]": "acct_1", "transfer_data[colour]": "red"},
            "parameter_unknown",
            "transfer_data[colour]",
        ),
        (
            "/v1/payment_intents",
            INTENT | {"transfer_data[amount]": "5"},
            "parameter_missing",
            "transfer_data[destination]",
        ),
        ("/v1/payment_intents", INTENT | {"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ("/v1/payment_intents", INTENT | {"amount": "10.5"}, "parameter_invalid_integer", "amount"),
        ("/v1/payment_intents", INTENT | {"amount": ""}, "parameter_invalid_empty", "amount"),
        ("/v1/payment_intents", INTENT | {"confirm": "yes"}, "parameter_invalid_boolean", "confirm"),
        ("/v1/payment_intents", INTENT | {"capture_method": "soon"}, "parameter_invalid", "capture_method"),
        ("/v1/payment_intents", INTENT | {"metadata": "x"}, "parameter_invalid", "metadata"),
        ("/v1/payment_intents", INTENT | {"customer[a]": "x"}, "parameter_invalid_string", "customer"),
        ("/v1/payment_intents", INTENT | {"description": "x" * 1001}, "parameter_invalid_string", "description"),
        ("/v1/payment_intents", INTENT | {"on_behalf_of": "acct_1"}, "simulator_unsupported", "on_behalf_of"),
        ("/v1/payment_intents", INTENT | {"customer": "cus_x"}, "resource_missing", "customer"),
        ("/v1/customers", {"invoice_prefix": "A"}, "simulator_unsupported", "invoice_prefix"),
        ("/v1/customers", {f"metadata[{'k' * 41}]": "v"}, None, f"metadata[{'k' * 41}]"),
        ("/v1/refunds", {"charge": "ch_x"}, "resource_missing", "charge"),
        ("/v1/webhook_endpoints", {"url": "http://a"}, "parameter_missing", "enabled_events"),
        (
            "/v1/payment_intents",
            INTENT | {"expand[0][a]": "x"},
            "parameter_invalid_string",
            "expand[0]",
        ),
    ],
)  # fmt: skip
def test_parameters_are_judged_by_stripes_description(
    stage: Stage, path: str, data: dict, code: str | None, param: str
) -> None:
    answer = _post(stage, path, data)

    error = answer.json()["error"]
    assert (error["type"], error.get("code"), error["param"]) == ("invalid_request_error", code, param)
    assert answer.status_code == (404 if path == "/v1/refunds" else 400)
    assert openapi.faults_of_answer("POST", path, answer.status_code, answer.json()) == []


def test_several_unknown_parameters_are_told_together(stage: Stage) -> None:
    answer = _post(stage, "/v1/payment_intents", INTENT | {"a": "1", "b": "2"})

    assert answer.json()["error"]["message"] == "Received unknown parameters: a, b"


@pytest.mark.parametrize(
    ("resource", "label"),
    [
        ("customers", "customer"),
        ("payment_intents", "payment_intent"),
        ("payment_methods", "PaymentMethod"),
        ("setup_intents", "setupintent"),
        ("charges", "charge"),
        ("transfers", "transfer"),
        ("refunds", "refund"),
        ("disputes", "dispute"),
        ("events", "event"),
        ("payouts", "payout"),
        ("topups", "topup"),
        ("balance_transactions", "balance_transaction"),
        ("webhook_endpoints", "webhook_endpoint"),
    ],
)
def test_what_is_not_there_is_a_404(stage: Stage, resource: str, label: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        getattr(stage.api, resource).retrieve("x_missing")

    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert caught.value.error.message == f"No such {label}: 'x_missing'"


def test_an_id_of_another_kind_or_account_is_not_there(stage: Stage) -> None:
    customer, _ = stage.customer()
    account = stage.instructor()

    with pytest.raises(stripe.InvalidRequestError):
        stage.api.charges.retrieve(customer)
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.customers.retrieve(customer, {}, {"stripe_account": account})


def test_every_route_is_one_of_stripes() -> None:
    known = openapi.description()["paths"]

    assert [route for route in ROUTES if route.method.lower() not in known[route.pattern]] == []
    assert len({(route.method, route.pattern) for route in ROUTES}) == len(ROUTES)


def test_the_shipped_schema_is_made_from_stripes_description() -> None:
    assert parameters() == condense(openapi.description())  # if not: see payments.simulator.make_schema


def test_every_honoured_parameter_is_one_of_stripes() -> None:
    for route in ROUTES:
        operation = openapi.description()["paths"][route.pattern][route.method.lower()]
        bodies = operation.get("requestBody", {}).get("content", {}).values()
        known = {name for body in bodies for name in body["schema"]["properties"]}
        known |= {given["name"] for given in operation.get("parameters", [])}
        assert {name.partition(".")[0] for name in route.honours} <= known, route.pattern


# --- Lists --------------------------------------------------------------------------------------------------------


def test_lists_come_newest_first_a_page_at_a_time(stage: Stage) -> None:
    made = [stage.api.customers.create({"name": str(number)}).id for number in range(7)]
    newest_first = made[::-1]

    first = stage.api.customers.list({"limit": 3})
    second = stage.api.customers.list({"limit": 3, "starting_after": first.data[-1].id})
    back = stage.api.customers.list({"limit": 2, "ending_before": second.data[-1].id})

    assert [found.id for found in first.data] == newest_first[:3]
    assert ([found.id for found in second.data], second.has_more) == (newest_first[3:6], True)
    assert [found.id for found in back.data] == newest_first[3:5]  # the nearest ones
    assert [found.id for found in stage.api.customers.list({"limit": 2}).auto_paging_iter()] == newest_first
    assert stage.api.customers.list({"limit": 7}).has_more is False


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_1_to_100(stage: Stage, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.customers.list({"limit": limit})

    assert caught.value.param == "limit"


def test_a_page_starts_at_something_that_exists(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.customers.list({"starting_after": "cus_missing"})

    assert (caught.value.http_status, caught.value.param) == (400, "starting_after")


# --- Expansion ----------------------------------------------------------------------------------------------------


def test_ids_are_expanded_on_request_also_in_lists(stage: Stage) -> None:
    intent, _ = stage.lesson_paid()

    one = stage.api.payment_intents.retrieve(
        intent.id, {"expand": ["customer", "latest_charge.transfer.destination_payment.balance_transaction"]}
    )
    many = stage.api.payment_intents.list({"expand": ["data.payment_method", "data.latest_charge.balance_transaction"]})
    plain = stage.api.payment_intents.retrieve(intent.id)

    assert one.customer.object == "customer"
    assert one.latest_charge.transfer.destination_payment.balance_transaction.amount == 10_560
    assert (many.data[0].payment_method.card.last4, many.data[0].latest_charge.balance_transaction.fee) == ("4242", 420)
    assert (plain.customer, plain.latest_charge) == (intent.customer, one.latest_charge.id)


def test_lists_that_hide_until_asked_for(stage: Stage) -> None:
    customer, _ = stage.customer()

    shown = stage.api.customers.retrieve(customer, {"expand": ["sources", "default_source"]})

    assert (shown.sources.data, shown.default_source) == ([], None)


@pytest.mark.parametrize("path", ["nothing", "customer.nothing", "status", "a.b.c.d.e"])
def test_what_cannot_be_expanded_is_refused(stage: Stage, path: str) -> None:
    intent = stage.authorize()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.api.payment_intents.retrieve(intent.id, {"expand": [path]})

    assert caught.value.param == "expand"
