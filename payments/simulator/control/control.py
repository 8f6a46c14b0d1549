"""The control API. JSON in, JSON out, no key; amounts in cents, instants in seconds since 1970.

GET /_control/health
    `{"status": "ok", "platform": "acct_…", "now": …}`
POST /_control/reset
    Forgets everything, clock, settings and faults too, but for where webhooks go. The platform gets a new account id.
GET, POST /_control/clock
    `{"offset_seconds": n}` follows the wall so far ahead, `{"standing_at": instant}` stands still. What falls due
    on the way happens in order, each as of its own instant.
GET, POST /_control/settings
    Fees, life of holds, delay of funds, life of idempotency keys: see `core.settings`.
GET, POST, DELETE /_control/faults
    `{"call", "fault", "times": n or "always", "code", "decline_code", "error_type", "latency_ms", "match"}`, see
    `core.faults`. `match` holds fields of the parameters or of the object that the call is about, such as
    `{"customer": "cus_…"}`, `{"id": "pi_…"}` or `{"metadata": {"booking": "7"}}`.
GET, DELETE /_control/requests
    The log of POST requests, oldest first: path, key, status (null if the connection broke), `replayed`, `effect`,
    `call`, `fault`. `?key=` and `?call=` filter.
GET /_control/summary
    Per transfer group what was held, captured, refunded, transferred, reversed and disputed, and all balances.
    `?transfer_group=` or `?metadata[name]=` filter.
GET /_control/live_holds
    Intents that hold money now.
POST /_control/payment_intents/{id}/authenticate, POST /_control/setup_intents/{id}/authenticate
    `{"succeed": true or false}`: the cardholder ends 3-D Secure.
POST /_control/accounts/{id}
    `{"onboarded": true or false, "transfers": "active" or "inactive" or "pending"}`, or another capability by name.
POST /_control/platform/fund
    `{"cents": n}`: a top-up.
POST /_control/disputes
    `{"payment_intent", "phase": "opened" or "won" or "lost", "amount", "reason"}`
POST /_control/dashboard/refund
    `{"payment_intent", "amount", "reason", "reverse_transfer"}`: a refund made in Stripe's dashboard, without a request
    of the platform's.
POST /_control/dashboard/reversal
    `{"transfer", "amount"}`: a transfer taken back in Stripe's dashboard, in part or without `amount` whole.
POST /_control/refunds/{id}/fail
    The bank sends a refund back.
POST /_control/payouts/run
    A day of payouts: what accounts have goes to their banks, but for manual schedules. It never happens unasked.
POST /_control/payouts/{id}/fail
    The bank sends a payout back.
POST /_control/webhooks
    `{"mode": "push" or "queue" or "off", "url", "secret"}`
GET /_control/webhooks/queue
    What is still to be delivered, oldest first.
POST /_control/webhooks/deliver
    `{"limit": n, "shuffle_seed": n, "duplicate": n, "drop": n or [types], "hand_over": true}`, see `Delivery.deliver`.

Errors: 400 or 404 with `{"error": {"message": …}}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from payments.simulator.control import summary
from payments.simulator.core import (
    Core,
    authorization,
    capabilities,
    disputes,
    onboarding,
    payout_schedules,
    payouts,
    refunds,
    request_log,
    reversals,
    setup_intents,
    topups,
)
from payments.simulator.core.errors import StripeError, invalid_request
from payments.simulator.core.faults import CALLS, KINDS, Fault
from payments.simulator.core.lookup import fetch, fetch_account
from payments.simulator.core.objects import Body, public
from payments.simulator.delivery import Delivery
from payments.simulator.wire.api import HttpAnswer, HttpRequest
from payments.simulator.wire.forms import decode

Given = dict[str, Any]


def handle(core: Core, delivery: Delivery, http: HttpRequest) -> HttpAnswer:
    """Answer one request to /_control."""
    parts = http.path.strip("/").split("/")[1:]
    for (method, pattern), handler in _ROUTES.items():
        wanted = pattern.split("/")
        if method == http.method and len(wanted) == len(parts):
            ids = [part for part, name in zip(parts, wanted, strict=True) if name == "{}"]
            if all(name in ("{}", part) for part, name in zip(parts, wanted, strict=True)):
                return _carry_out(handler, core, delivery, http, ids)
    return _answer(404, {"error": {"message": f"There is no {http.method} {http.path}."}})


def _carry_out(
    handler: Callable[..., Any], core: Core, delivery: Delivery, http: HttpRequest, ids: list[str]
) -> HttpAnswer:
    try:
        given = json.loads(http.body or "{}") if http.method == "POST" else decode(http.query)
        if handler in _OUTSIDE_A_UNIT:
            return _answer(200, handler(core, delivery, given, *ids))
        with core.unit():
            return _answer(200, handler(core, given, *ids))
    except StripeError as error:
        return _answer(error.status, {"error": error.error})
    except (KeyError, TypeError, ValueError) as error:
        return _answer(400, {"error": {"message": f"{type(error).__name__}: {error}"}})


def _answer(status: int, body: Any) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(body).encode())


def _health(core: Core, given: Given) -> Body:
    return {"status": "ok", "platform": core.platform, "now": core.clock.now()}


def _reset(core: Core, delivery: Delivery, given: Given) -> Body:
    core.reset()
    return {"platform": core.platform}


def _clock(core: Core, given: Given) -> Body:
    return core.clock.setting | {"now": core.clock.now()}


def _set_clock(core: Core, given: Given) -> Body:
    if "standing_at" in given:
        core.clock.stand(at=float(given["standing_at"]))
    else:
        core.clock.follow(offset_seconds=float(given["offset_seconds"]))
    core.schedule.catch_up()
    return _clock(core, given)


def _settings(core: Core, given: Given) -> Body:
    return core.settings.all()


def _set_settings(core: Core, given: Given) -> Body:
    core.settings.change(given)
    return core.settings.all()


def _faults(core: Core, given: Given) -> list[Body]:
    return [
        {"call": fault.call, "fault": fault.kind, "times": fault.times or "always", "match": fault.match}
        for fault in core.faults.outstanding()
    ]


def _order_fault(core: Core, given: Given) -> list[Body]:
    call, kind, times = given["call"], given["fault"], given.get("times", 1)
    if call not in CALLS or kind not in KINDS:
        raise ValueError(f"call is one of {', '.join(CALLS)}; fault is one of {', '.join(KINDS)}")
    details = {
        name: given[name] for name in ("code", "decline_code", "error_type", "latency_ms", "match") if name in given
    }
    core.faults.order(Fault(call, kind, times=None if times == "always" else int(times), **details))
    return _faults(core, given)


def _clear_faults(core: Core, given: Given) -> list[Body]:
    core.faults.clear()
    return []


def _requests(core: Core, given: Given) -> list[Body]:
    wanted = {field: given[name] for name, field in (("key", "idempotency_key"), ("call", "call")) if name in given}
    return [
        entry
        for entry in request_log.entries(core.database)
        if all(entry[field] == value for field, value in wanted.items())
    ]


def _clear_requests(core: Core, given: Given) -> list[Body]:
    request_log.clear(core.database)
    return []


def _authenticate_payment(core: Core, given: Given, object_id: str) -> Body:
    intent = fetch(core, "payment_intent", object_id, param="intent")
    return public(authorization.authenticate(core, intent, succeeds=given.get("succeed", True)))


def _authenticate_setup(core: Core, given: Given, object_id: str) -> Body:
    intent = fetch(core, "setup_intent", object_id, param="intent")
    return public(setup_intents.authenticate(core, intent, succeeds=given.get("succeed", True)))


def _change_account(core: Core, given: Given, object_id: str) -> Body:
    account = fetch_account(core, object_id)
    if "onboarded" in given:
        onboarding.onboard(core, account, done=given.pop("onboarded"))
    for capability, status in given.items():
        if status not in ("active", "inactive", "pending"):
            raise ValueError(f"{capability} is active, inactive or pending")
        capabilities.set_capability(core, account, capability, status)
    return public(account)


def _fund(core: Core, given: Given) -> Body:
    return public(topups.create(core, {"amount": given["cents"], "currency": "usd", "description": "Funding"}))


def _dispute(core: Core, given: Given) -> Body:
    intent = fetch(core, "payment_intent", given["payment_intent"], param="payment_intent")
    charge_id = intent["latest_charge"]
    if charge_id is None:
        raise invalid_request(f"{intent['id']} has no charge.")
    if given["phase"] == "opened":
        charge = core.objects.must_get(charge_id)
        dispute = disputes.begin(core, charge, reason=given.get("reason", "fraudulent"), amount=given.get("amount"))
        return public(dispute)
    if given["phase"] not in ("won", "lost"):
        raise ValueError("phase is opened, won or lost")
    for dispute in core.objects.find("dispute", charge=charge_id):
        return public(disputes.decide(core, dispute, won=given["phase"] == "won"))
    raise invalid_request(f"{charge_id} is not disputed.")


def _refund(core: Core, given: Given) -> Body:
    return public(refunds.create(core, given))


def _reverse(core: Core, given: Given) -> Body:
    return public(reversals.create(core, given, given.pop("transfer")))


def _fail_refund(core: Core, given: Given, object_id: str) -> Body:
    fetch(core, "refund", object_id, param="refund")
    refunds.fail(core, object_id)
    return public(core.objects.must_get(object_id))


def _run_payouts(core: Core, given: Given) -> list[Body]:
    return [public(payout) for payout in payout_schedules.pay_out(core)]


def _fail_payout(core: Core, given: Given, object_id: str) -> Body:
    payouts.fail(core, object_id)
    return public(core.objects.must_get(object_id))


def _configure_webhooks(core: Core, given: Given) -> Body:
    if given.get("mode", "off") not in ("push", "queue", "off"):
        raise ValueError("mode is push, queue or off")
    core.webhooks.configure(mode=given.get("mode"), url=given.get("url"), secret=given.get("secret"))
    return {"mode": core.webhooks.mode, "url": core.webhooks.url}


def _webhook_queue(core: Core, delivery: Delivery, given: Given) -> list[Body]:
    return [
        {"event": json.loads(parcel.payload), "endpoint": parcel.endpoint, "attempts": parcel.attempts}
        for parcel in delivery.queue()
    ]


def _deliver(core: Core, delivery: Delivery, given: Given) -> list[Body]:
    return delivery.deliver(**given)


_OUTSIDE_A_UNIT = (_reset, _webhook_queue, _deliver)  # they open their own, or must not hold one while they send

_ROUTES: dict[tuple[str, str], Callable[..., Any]] = {
    ("GET", "health"): _health,
    ("POST", "reset"): _reset,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _set_clock,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _set_settings,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _order_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "summary"): summary.summary,
    ("GET", "live_holds"): summary.live_holds,
    ("POST", "payment_intents/{}/authenticate"): _authenticate_payment,
    ("POST", "setup_intents/{}/authenticate"): _authenticate_setup,
    ("POST", "accounts/{}"): _change_account,
    ("POST", "platform/fund"): _fund,
    ("POST", "disputes"): _dispute,
    ("POST", "dashboard/refund"): _refund,
    ("POST", "dashboard/reversal"): _reverse,
    ("POST", "refunds/{}/fail"): _fail_refund,
    ("POST", "payouts/run"): _run_payouts,
    ("POST", "payouts/{}/fail"): _fail_payout,
    ("POST", "webhooks"): _configure_webhooks,
    ("GET", "webhooks/queue"): _webhook_queue,
    ("POST", "webhooks/deliver"): _deliver,
}
