"""One call to /v1, from its form fields to its JSON answer.

Order: key and version, route, parameters; then, for a POST, the memory of its idempotency key and the faults on order;
then the call itself, with its answer kept under the key in the same commit as its effect.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass, field
from typing import Any

from payments.simulator.core import Core, Request, faults, idempotency, request_log
from payments.simulator.core.errors import StripeError
from payments.simulator.core.events import API_VERSION
from payments.simulator.core.faults import Fault
from payments.simulator.core.idempotency import StoredAnswer
from payments.simulator.core.lookup import fetch_account
from payments.simulator.core.objects import Body
from payments.simulator.schema import parameters
from payments.simulator.wire import validation
from payments.simulator.wire.expansion import expand
from payments.simulator.wire.forms import decode
from payments.simulator.wire.routes import Route, find_route

_FAMILY = API_VERSION.rpartition(".")[2]
_INTENTS = "/v1/payment_intents"


class AnswerLost(Exception):
    """The connection breaks instead of an answer."""


@dataclass(slots=True)
class HttpRequest:
    """What came in. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    base_url: str


@dataclass(slots=True)
class HttpAnswer:
    """What goes out."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Call:
    """A call that was understood: what to do, with which parameters, for whom."""

    route: Route
    ids: list[str]
    params: dict[str, Any]
    path: str
    request: Request
    kinds: tuple[str, ...]  # by which faults know it, the narrowest last


@dataclass(slots=True)
class _Outcome:
    """What a call came to."""

    answer: HttpAnswer
    effect: bool
    stored: bool  # under its key


def handle(core: Core, http: HttpRequest) -> HttpAnswer:
    """Answer one request. Raises AnswerLost when a fault breaks the connection instead."""
    with core.lock:
        request_id = core.ids.new("req_", 14)
    headers = {"Request-Id": request_id, "Stripe-Version": http.headers.get("stripe-version", API_VERSION)}
    if key := http.headers.get("idempotency-key"):
        headers["Idempotency-Key"] = key
    try:
        call = _understand(core, http, request_id)
        answer = _post(core, call) if http.method == "POST" else _read(core, call)
    except StripeError as error:
        answer = _answer_error(error, request_id)
    answer.headers = headers | answer.headers
    return answer


def _understand(core: Core, http: HttpRequest, request_id: str) -> _Call:
    _authenticate(http)
    found = find_route(http.method, http.path)
    if found is None:
        raise StripeError(
            404,
            "invalid_request_error",
            f"Unrecognized request URL ({http.method}: {http.path}). Please see https://stripe.com/docs or we can help"
            " at https://support.stripe.com/.",
        )
    route, ids = found
    request = Request(
        account=http.headers.get("stripe-account") or core.platform,
        id=request_id,
        idempotency_key=http.headers.get("idempotency-key") or None,
        base_url=http.base_url,
    )
    known = parameters()[f"{route.method} {route.pattern}"]
    where, text = ("body", http.body) if http.method == "POST" else ("query", http.query)
    try:
        params = validation.coerce(known[where], decode(text))
        validation.require_honoured(route.honours, params)
        call = _Call(route, ids, params, http.path, request, _kinds(core, route, ids, params))
    except StripeError as error:
        if http.method == "POST":
            _log(core, _Call(route, ids, {}, http.path, request, ()), status=error.status)
        raise
    return call


def _authenticate(http: HttpRequest) -> None:
    scheme, _, credentials = http.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        try:
            credentials = base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            credentials = ""
    if not credentials:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer"
            " auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for"
            " details, or we can help at https://support.stripe.com/."
        )
        raise StripeError(401, "invalid_request_error", message)
    if not credentials.startswith(("sk_test_", "rk_test_")):
        shown = f"{credentials[:7]}{'*' * 8}{credentials[-4:]}"
        raise StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")
    version = http.headers.get("stripe-version", API_VERSION)
    if version.rpartition(".")[2] != _FAMILY:
        message = f"This simulator speaks {API_VERSION} and its family, not {version}."
        raise StripeError(400, "invalid_request_error", message)


def _kinds(core: Core, route: Route, ids: list[str], params: dict[str, Any]) -> tuple[str, ...]:
    if route.method != "POST":
        return ("read",)
    confirming = route.pattern == f"{_INTENTS}/{{intent}}/confirm"
    if not confirming and not (route.pattern == _INTENTS and params.get("confirm")):
        return (route.call,) if route.call else ()
    method = params.get("capture_method")
    if confirming and method is None:
        with core.lock:
            method = (core.objects.peek(ids[0]) or {}).get("capture_method")
    return ("authorize",) if method == "manual" else ("authorize", "charge")


def _read(core: Core, call: _Call) -> HttpAnswer:
    """Carry out a GET or a DELETE, for which Stripe keeps no keys."""
    _strike_before(_take_fault(core, call, faults.BEFORE))
    _wait(_take_fault(core, call, faults.DELAYS))
    with core.unit(call.request):
        return _attempt(core, call).answer


def _post(core: Core, call: _Call) -> HttpAnswer:
    """Carry a POST out once for its key; replay the first answer to whoever asks again."""
    request, digest = call.request, idempotency.fingerprint(call.params)
    key, claim = request.idempotency_key, (request.account, request.idempotency_key or "")
    fault = delay = None
    try:
        with core.lock:
            known = key and idempotency.recall(core, account=request.account, key=key, path=call.path, digest=digest)
            fault = _take_fault(core, call, faults.STRIKE_REPLAYS if known else faults.STRIKE_ONCE)
            _strike_before(fault)
            delay = None if known else _take_fault(core, call, faults.DELAYS)
            if key and not known:
                core.keys_in_use.add(claim)
    except (StripeError, AnswerLost) as refusal:
        status = refusal.status if isinstance(refusal, StripeError) else None
        _log(core, call, status=status, fault=fault)
        raise
    if known:
        return _replay(core, call, known, fault)
    try:
        _wait(delay)  # outside the lock: others go on, and this key is in use
        return _carry_out(core, call, digest, fault)
    finally:
        core.keys_in_use.discard(claim)


def _replay(core: Core, call: _Call, known: StoredAnswer, fault: Fault | None) -> HttpAnswer:
    _log(core, call, status=None if fault else known.status, replayed=True, fault=fault)
    if fault:
        raise AnswerLost
    headers = {"Idempotent-Replayed": "true", "Original-Request": known.request}
    if known.status >= 500:
        headers["Stripe-Should-Retry"] = "false"
    return HttpAnswer(known.status, known.body, headers)


def _carry_out(core: Core, call: _Call, digest: str, fault: Fault | None) -> HttpAnswer:
    request = call.request
    request.fault = fault
    with core.unit(request):
        outcome = _attempt(core, call)
        if fault and not _struck(request, fault, outcome):
            core.faults.give_back(fault)
            fault = None
        lost = fault is not None and fault.kind == "lost_answer"
        answer = outcome.answer
        if request.idempotency_key and outcome.stored:
            idempotency.remember(
                core,
                account=request.account,
                key=request.idempotency_key,
                path=call.path,
                digest=digest,
                answer=StoredAnswer(answer.status, answer.body, request.id or ""),
            )
        _log(core, call, status=None if lost else answer.status, effect=outcome.effect, fault=fault)
    if lost:
        raise AnswerLost
    return answer


def _attempt(core: Core, call: _Call) -> _Outcome:
    """Carry the call out; a refusal undoes what it had begun, unless it is of the kind that leaves something."""
    writes = core.objects.writes
    try:
        with core.database.savepoint():
            try:
                if call.request.account != core.platform:
                    fetch_account(core, call.request.account)
                body = call.route.handler(core, call.params, *call.ids)
                answer = _answer(expand(core, body, call.params.get("expand", [])))
            except StripeError as error:
                if not error.keeps_effects:
                    raise
                answer = _answer_error(error, call.request.id or "")
    except StripeError as error:
        return _Outcome(_answer_error(error, call.request.id or ""), effect=False, stored=error.stored)
    return _Outcome(answer, effect=core.objects.writes > writes, stored=True)


def _take_fault(core: Core, call: _Call, kinds: tuple[str, ...]) -> Fault | None:
    if not core.faults.outstanding():
        return None
    subjects = [call.params]
    with core.lock:
        for object_id in (*call.ids, call.params.get("payment_intent"), call.params.get("charge")):
            body = core.objects.peek(object_id) if object_id else None
            if body:
                subjects.append(body)
    return core.faults.take(call.kinds, subjects, kinds)


def _strike_before(fault: Fault | None) -> None:
    """Raise what strikes before the call is looked at."""
    match fault and fault.kind:
        case "timeout_before":
            raise AnswerLost
        case "error_500":
            raise faults.server_error(stored=False)
        case "error_429":
            raise faults.rate_limited()


def _wait(delay: Fault | None) -> None:
    if delay:
        time.sleep(delay.latency_ms / 1000)


def _struck(request: Request, fault: Fault, outcome: _Outcome) -> bool:
    """Whether a fault had its turn. Invalid requests use none up."""
    return outcome.stored if fault.kind == "lost_answer" else request.fault_struck


def _log(
    core: Core,
    call: _Call,
    *,
    status: int | None,
    replayed: bool = False,
    effect: bool = False,
    fault: Fault | None = None,
) -> None:
    with core.lock:
        request_log.record(
            core.database,
            request_log.Entry(
                at=core.clock.now(),
                method=call.route.method,
                path=call.path,
                account=call.request.account,
                idempotency_key=call.request.idempotency_key,
                call=call.kinds[-1] if call.kinds else None,
                status=status,
                replayed=replayed,
                effect=effect,
                fault=fault.kind if fault else None,
                request=call.request.id or "",
            ),
        )


def _answer(body: Body) -> HttpAnswer:
    return HttpAnswer(200, json.dumps(body).encode())


def _answer_error(error: StripeError, request_id: str) -> HttpAnswer:
    log = {"request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}
    return HttpAnswer(error.status, json.dumps({"error": error.error | log}).encode(), dict(error.headers))
