"""Every call that the simulator serves.

A route names Stripe's path, the function that carries it out, the parameters that this function honours, and the kind
of call that faults and the request log know it by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from payments.simulator.core import (
    Core,
    accounts,
    cancellations,
    capabilities,
    captures,
    charges,
    customers,
    disputes,
    ledger,
    onboarding,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    reversals,
    setup_intents,
    topups,
    transfers,
    webhook_endpoints,
)
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.lookup import fetch
from payments.simulator.core.objects import Body
from payments.simulator.wire import lists

Handler = Callable[..., Body]


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `call` is its kind, for those that have one; authorizing ones tell only by their parameters."""

    method: str
    pattern: str
    handler: Handler
    honours: frozenset[str] = frozenset()
    call: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the path's parameters."""
        return [part[1:-1] for part in self.pattern.split("/") if part.startswith("{")]


def find_route(method: str, path: str) -> tuple[Route, list[str]] | None:
    """The route of a request and the ids in its path, if there is one."""
    parts = path.strip("/").split("/")
    for route, pattern in _PATTERNS.get((method, len(parts)), ()):
        if all(part == wanted or wanted.startswith("{") for part, wanted in zip(parts, pattern, strict=True)):
            return route, [part for part, wanted in zip(parts, pattern, strict=True) if wanted.startswith("{")]
    return None


def _get(pattern: str, kind: str, param: str | None = None) -> Route:
    """Retrieve an object by the last id of its path."""
    name = param or pattern.rsplit("{", 1)[1].rstrip("}")

    def handler(core: Core, params: dict[str, Any], object_id: str) -> Body:
        return fetch(core, kind, object_id, param=name)

    return Route("GET", pattern, handler)


def _list(pattern: str, kind: str, honours: str = "") -> Route:
    """List objects of a kind, filtered by fields of the same name."""

    def handler(core: Core, params: dict[str, Any]) -> Body:
        return lists.page(core, kind, pattern, params, equal=lists.filters(params))

    return Route("GET", pattern, handler, _words(f"{_PAGING} {honours}"))


def _list_of(pattern: str, kind: str, belonging: Callable[..., dict[str, str]], honours: str = "") -> Route:
    """List objects that belong to the one in the path; `belonging` checks that one and says how they name it."""

    def handler(core: Core, params: dict[str, Any], object_id: str) -> Body:
        url = pattern.replace(pattern[pattern.index("{") : pattern.index("}") + 1], object_id)
        return lists.page(core, kind, url, params, equal=belonging(core, params, object_id))

    return Route("GET", pattern, handler, _words(f"{_PAGING} {honours}"))


def _post(pattern: str, handler: Handler, honours: str = "", call: str | None = None) -> Route:
    return Route("POST", pattern, handler, _words(honours), call)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _list_customers(core: Core, params: dict[str, Any]) -> Body:
    def keep(customer: Body) -> bool:
        return not customer["_"].get("deleted")

    return lists.page(core, "customer", "/v1/customers", params, keep=keep, equal=lists.filters(params))


def _list_accounts(core: Core, params: dict[str, Any]) -> Body:
    def keep(account: Body) -> bool:
        return account["id"] != core.platform and not account["_"].get("deleted")

    return lists.page(core, "account", "/v1/accounts", params, keep=keep)


def _list_methods(core: Core, params: dict[str, Any]) -> Body:
    belonging = payment_methods.list_for_customer(core, params, params.get("customer", ""))
    return lists.page(core, "payment_method", "/v1/payment_methods", params, equal=belonging)


def _list_events(core: Core, params: dict[str, Any]) -> Body:
    types = [*params.get("types", []), *([params["type"]] if "type" in params else [])]

    def keep(event: Body) -> bool:
        return not types or any(_type_matches(event["type"], wanted) for wanted in types)

    return lists.page(core, "event", "/v1/events", params, keep=keep)


def _type_matches(event_type: str, wanted: str) -> bool:
    return event_type == wanted or (wanted.endswith(".*") and event_type.startswith(wanted[:-1]))


def _list_transactions(core: Core, params: dict[str, Any]) -> Body:
    asked = lists.filters(params)
    payout = asked.pop("payout", None)
    if payout is not None:
        if fetch(core, "payout", payout, param="payout", status=400)["automatic"]:
            message = "This simulator does not say what an automatic payout is made up of."
            raise invalid_request(message, code="simulator_unsupported", param="payout")
        asked["source"] = payout  # what is paid out by hand explains itself alone
    return lists.page(core, "balance_transaction", "/v1/balance_transactions", params, equal=asked)


_PAGING = "limit starting_after ending_before expand"
_DATED = f"{_PAGING} created"
_CARD = "payment_method payment_method_data.type payment_method_data.card payment_method_data.billing_details"
_CUSTOMER = (
    "address description email invoice_settings.default_payment_method metadata name phone preferred_locales shipping"
    " tax_exempt"
)
_CONFIRMATION = f"{_CARD} off_session return_url error_on_requires_action setup_future_usage receipt_email mandate_data"
_INTENT = (
    f"{_CARD} amount currency customer description metadata receipt_email setup_future_usage"
    " transfer_data.amount transfer_group"
)
_ACCOUNT = (
    "business_profile.mcc business_profile.name business_profile.product_description business_profile.url business_type"
    " capabilities email metadata settings.payouts.schedule.delay_days settings.payouts.schedule.interval"
    " settings.payouts.schedule.monthly_anchor settings.payouts.schedule.weekly_anchor"
)

ROUTES = (
    Route("GET", "/v1/account", accounts.retrieve_own),
    _post(
        "/v1/account_links", onboarding.create_link, "account collect collection_options refresh_url return_url type"
    ),
    Route("GET", "/v1/accounts", _list_accounts, _words(_DATED)),
    _post("/v1/accounts", accounts.create, f"{_ACCOUNT} type controller country"),
    Route("GET", "/v1/accounts/{account}", accounts.retrieve),
    _post("/v1/accounts/{account}", accounts.update, _ACCOUNT, "account"),
    Route("DELETE", "/v1/accounts/{account}", accounts.delete),
    Route("GET", "/v1/accounts/{account}/capabilities", capabilities.list_capabilities),
    Route("GET", "/v1/accounts/{account}/capabilities/{capability}", capabilities.retrieve_capability),
    _post("/v1/accounts/{account}/capabilities/{capability}", capabilities.update_capability, "requested"),
    Route("GET", "/v1/accounts/{account}/external_accounts", accounts.list_external, _words("limit object")),
    Route("GET", "/v1/accounts/{account}/external_accounts/{id}", accounts.retrieve_external),
    _post("/v1/accounts/{account}/login_links", onboarding.create_login_link),
    Route("GET", "/v1/balance", ledger.retrieve_balance),
    Route("GET", "/v1/balance_transactions", _list_transactions, _words(f"{_DATED} currency payout source type")),
    _get("/v1/balance_transactions/{id}", "balance_transaction"),
    _list("/v1/charges", "charge", "created customer payment_intent transfer_group"),
    _get("/v1/charges/{charge}", "charge"),
    _post("/v1/charges/{charge}", charges.update, "description metadata receipt_email transfer_group"),
    Route("GET", "/v1/customers", _list_customers, _words(f"{_DATED} email")),
    _post("/v1/customers", customers.create, f"{_CUSTOMER} payment_method"),
    Route("GET", "/v1/customers/{customer}", customers.retrieve),
    _post("/v1/customers/{customer}", customers.update, _CUSTOMER),
    Route("DELETE", "/v1/customers/{customer}", customers.delete),
    _list_of("/v1/customers/{customer}/payment_methods", "payment_method", payment_methods.list_for_customer, "type"),
    Route("GET", "/v1/customers/{customer}/payment_methods/{payment_method}", payment_methods.retrieve_of_customer),
    _list("/v1/disputes", "dispute", "charge created payment_intent"),
    _get("/v1/disputes/{dispute}", "dispute"),
    _post("/v1/disputes/{dispute}", disputes.update, "evidence metadata submit"),
    _post("/v1/disputes/{dispute}/close", disputes.close),
    Route("GET", "/v1/events", _list_events, _words(f"{_DATED} type types")),
    _get("/v1/events/{id}", "event"),
    _list("/v1/payment_intents", "payment_intent", "created customer"),
    _post(
        "/v1/payment_intents",
        payment_intents.create,
        f"{_INTENT} {_CONFIRMATION} automatic_payment_methods capture_method confirm confirmation_method"
        " payment_method_options.card.request_three_d_secure payment_method_types shipping statement_descriptor"
        " statement_descriptor_suffix transfer_data.destination",
    ),
    _get("/v1/payment_intents/{intent}", "payment_intent"),
    _post("/v1/payment_intents/{intent}", payment_intents.update, _INTENT),
    _post(
        "/v1/payment_intents/{intent}/confirm",
        payment_intents.confirm,
        f"{_CONFIRMATION} capture_method client_secret",
    ),
    _post(
        "/v1/payment_intents/{intent}/capture",
        captures.capture,
        "amount_to_capture final_capture metadata statement_descriptor statement_descriptor_suffix transfer_data",
        "capture",
    ),
    _post("/v1/payment_intents/{intent}/cancel", cancellations.cancel, "cancellation_reason", "void"),
    Route("GET", "/v1/payment_methods", _list_methods, _words(f"{_PAGING} customer type")),
    _post("/v1/payment_methods", payment_methods.create, "allow_redisplay billing_details card metadata type"),
    _get("/v1/payment_methods/{payment_method}", "payment_method"),
    _post(
        "/v1/payment_methods/{payment_method}", payment_methods.update, "allow_redisplay billing_details card metadata"
    ),
    _post("/v1/payment_methods/{payment_method}/attach", payment_methods.attach, "customer"),
    _post("/v1/payment_methods/{payment_method}/detach", payment_methods.detach),
    _list("/v1/payouts", "payout", "created destination status"),
    _post(
        "/v1/payouts", payouts.create, "amount currency description metadata method statement_descriptor source_type"
    ),
    _get("/v1/payouts/{payout}", "payout"),
    _list("/v1/refunds", "refund", "charge created payment_intent"),
    _post(
        "/v1/refunds",
        refunds.create,
        "amount charge metadata payment_intent reason refund_application_fee reverse_transfer",
        "refund",
    ),
    _get("/v1/refunds/{refund}", "refund"),
    _post("/v1/refunds/{refund}", refunds.update, "metadata"),
    _list("/v1/setup_intents", "setup_intent", "created customer payment_method"),
    _post(
        "/v1/setup_intents",
        setup_intents.create,
        f"{_CARD} automatic_payment_methods confirm customer description mandate_data metadata payment_method_types"
        " return_url usage",
    ),
    _get("/v1/setup_intents/{intent}", "setup_intent"),
    _post("/v1/setup_intents/{intent}", setup_intents.update, f"{_CARD} customer description metadata"),
    _post(
        "/v1/setup_intents/{intent}/confirm", setup_intents.confirm, f"{_CARD} client_secret mandate_data return_url"
    ),
    _post("/v1/setup_intents/{intent}/cancel", setup_intents.cancel, "cancellation_reason"),
    _list("/v1/topups", "topup", "created status"),
    _post("/v1/topups", topups.create, "amount currency description metadata statement_descriptor transfer_group"),
    _get("/v1/topups/{topup}", "topup"),
    _list("/v1/transfers", "transfer", "created destination transfer_group"),
    _post(
        "/v1/transfers",
        transfers.create,
        "amount currency description destination metadata source_transaction source_type transfer_group",
        "payout",
    ),
    _list_of("/v1/transfers/{id}/reversals", "transfer_reversal", reversals.list_of_transfer),
    _post(
        "/v1/transfers/{id}/reversals",
        reversals.create,
        "amount description metadata refund_application_fee",
        "reverse",
    ),
    _get("/v1/transfers/{transfer}", "transfer"),
    _post("/v1/transfers/{transfer}", transfers.update, "description metadata"),
    Route("GET", "/v1/transfers/{transfer}/reversals/{id}", reversals.retrieve),
    _post("/v1/transfers/{transfer}/reversals/{id}", reversals.update, "metadata"),
    _list("/v1/webhook_endpoints", "webhook_endpoint"),
    _post(
        "/v1/webhook_endpoints",
        webhook_endpoints.create,
        "api_version connect description enabled_events metadata url",
    ),
    _get("/v1/webhook_endpoints/{webhook_endpoint}", "webhook_endpoint"),
    _post(
        "/v1/webhook_endpoints/{webhook_endpoint}",
        webhook_endpoints.update,
        "description disabled enabled_events metadata url",
    ),
    Route("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints.delete),
)

_PATTERNS: dict[tuple[str, int], list[tuple[Route, list[str]]]] = {}
for _route in ROUTES:
    _parts = _route.pattern.strip("/").split("/")
    _PATTERNS.setdefault((_route.method, len(_parts)), []).append((_route, _parts))
