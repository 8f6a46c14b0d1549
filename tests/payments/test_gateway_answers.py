"""What Stripe's answers mean: yes, a definite no and whose fault it is, the student must act, or nothing known."""

from collections.abc import Callable
from typing import Any

import pytest
import stripe as sdk

from payments import gateway
from payments.gateway import Answer
from payments.gateway.answers import HOLD_GONE_CODES, PAYEE_CODES, answer_of_error
from payments.gateway.errors import GatewayUnavailable, said, said_of
from payments.policy.states import Call, Fault, Verdict
from tests.payments.till import PRICE, SHARE, Till


def pay(till: Till, *, key: str = "pay", **how: Any) -> Answer:
    return gateway.send(Call.PAY, till.pay(key=key, **how), key=key)


# --- Yes ----------------------------------------------------------------------------------------------------------


def test_a_hold_says_its_charge_and_when_it_lapses(till: Till) -> None:
    held = till.authorize()

    assert held.verdict == Verdict.SUCCEEDED
    assert held.object_id.startswith("pi_")
    assert held.details["charge"].startswith("ch_")
    assert held.details["capture_before"] > till.server.core.clock.now()


def test_a_capture_says_what_came_in_what_stripe_took_and_what_went_on(till: Till) -> None:
    captured = till.captured()

    assert captured.verdict == Verdict.SUCCEEDED
    assert captured.details["received"] == PRICE
    assert captured.details["fee"] == 420
    assert captured.details["transferred"] == SHARE
    assert captured.details["transfer"].startswith("tr_")


def test_a_plain_charge_knows_its_fee_at_once(till: Till) -> None:
    charged = gateway.send(Call.CHARGE, till.intent(key="debt", hold=False), key="debt")

    assert charged.verdict == Verdict.SUCCEEDED
    assert (charged.details["received"], charged.details["fee"]) == (PRICE, 420)
    assert (charged.details["transfer"], charged.details["transferred"]) == ("", 0)


def test_the_same_key_says_the_same_and_moves_nothing_twice(till: Till) -> None:
    till.control.fund_platform(10_000)

    first, again = pay(till), pay(till)

    assert first == again
    assert till.control.moved("bk_till")["transferred"] == 5_000


# --- A definite no ------------------------------------------------------------------------------------------------

CARDS = {
    "pm_card_chargeCustomerFail": "generic_decline",
    "pm_card_chargeCustomerFailInsufficientFunds": "insufficient_funds",
}


@pytest.mark.rule("P10.1")
@pytest.mark.parametrize(("card", "code"), CARDS.items(), ids=CARDS.values())
@pytest.mark.parametrize("on_session", [False, True])
def test_a_refused_card_is_the_cards_fault(till: Till, card: str, code: str, on_session: bool) -> None:
    till.use_card(card)

    answer = till.authorize(on_session=on_session)

    assert (answer.verdict, answer.fault, answer.code) == (Verdict.REFUSED, Fault.CARD, code)
    assert answer.message
    assert answer.object_id.startswith("pi_")  # it stays at Stripe and wants another card


@pytest.mark.rule("P2.5")
def test_a_card_that_wants_its_owner_off_session_is_no_refusal(till: Till) -> None:
    till.use_card("pm_card_authenticationRequired")

    answer = till.authorize()

    assert (answer.verdict, answer.code) == (Verdict.ACTION_REQUIRED, "authentication_required")
    assert answer.details == {"url": ""}


def test_on_session_it_says_where_the_bank_waits(till: Till) -> None:
    till.use_card("pm_card_authenticationRequired")

    answer = till.authorize(on_session=True)

    assert answer.verdict == Verdict.ACTION_REQUIRED
    assert answer.details["url"].startswith("http")
    till.control.finish_3ds(answer.object_id)
    inspected = gateway.send(Call.INSPECT, {"of": answer.object_id, "body": {"expand": ["latest_charge"]}}, key="")
    assert inspected.verdict == Verdict.SUCCEEDED


def test_the_bank_may_say_no_in_the_end(till: Till) -> None:
    till.use_card("pm_card_authenticationRequired")
    waiting = till.authorize(on_session=True)
    till.control.finish_3ds(waiting.object_id, succeed=False)

    inspected = gateway.send(Call.INSPECT, {"of": waiting.object_id, "body": {"expand": ["latest_charge"]}}, key="")

    assert (inspected.verdict, inspected.fault) == (Verdict.REFUSED, Fault.CARD)


@pytest.mark.rule("P2.6")
def test_a_hold_that_is_gone_needs_a_new_one(till: Till) -> None:
    held = till.authorize()
    gateway.send(Call.VOID, till.void(held.object_id), key="void")

    answer = gateway.send(Call.CAPTURE, till.capture(held.object_id), key="capture")

    assert (answer.verdict, answer.fault) == (Verdict.REFUSED, Fault.HOLD_GONE)


@pytest.mark.parametrize("code", sorted(HOLD_GONE_CODES))
def test_stripe_has_another_word_for_a_lapsed_hold(till: Till, code: str) -> None:
    held = till.authorize()
    till.fault("capture", "refuse", code=code)

    answer = gateway.send(Call.CAPTURE, till.capture(held.object_id), key="capture")

    assert (answer.verdict, answer.fault, answer.code) == (Verdict.REFUSED, Fault.HOLD_GONE, code)


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize("code", sorted(PAYEE_CODES))
def test_what_the_instructors_account_caused_is_never_the_cards_fault(till: Till, code: str) -> None:
    till.control.fund_platform(10_000)
    till.fault("payout", "refuse", code=code)

    answer = pay(till)

    assert (answer.verdict, answer.fault, answer.code) == (Verdict.REFUSED, Fault.PAYEE, code)


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize("call", [Call.AUTHORIZE, Call.CAPTURE, Call.PAY])
def test_an_account_without_the_right_to_be_paid_stops_every_call_that_pays(till: Till, call: Call) -> None:
    till.control.fund_platform(10_000)
    held = till.authorize()
    till.control.make_unpayable(till.account)
    sent = {
        Call.AUTHORIZE: lambda: till.authorize("another"),
        Call.CAPTURE: lambda: gateway.send(Call.CAPTURE, till.capture(held.object_id), key="capture"),
        Call.PAY: lambda: pay(till),
    }

    answer = sent[call]()

    assert (answer.verdict, answer.fault) == (Verdict.REFUSED, Fault.PAYEE)


@pytest.mark.rule("P10.3")
def test_an_empty_balance_is_nobodys_card(till: Till) -> None:
    answer = pay(till)

    assert (answer.verdict, answer.fault, answer.code) == (Verdict.REFUSED, Fault.OTHER, "balance_insufficient")


@pytest.mark.rule("P10.2")
def test_a_key_that_stripe_does_not_take_is_our_own_fault(till: Till, configured: Callable[..., None]) -> None:
    till.control.fund_platform(10_000)
    configured(STRIPE_SECRET_KEY="pk_test_not_a_secret_key")

    assert (pay(till).verdict, pay(till).fault) == (Verdict.REFUSED, Fault.PAYEE)


def test_a_permission_that_we_lack_is_our_own_fault_too() -> None:
    error = {"code": "account_invalid", "message": "This key may not do that."}
    answer = answer_of_error(
        sdk.PermissionError(error["message"], http_status=403, code=error["code"], json_body={"error": error})
    )

    assert (answer.verdict, answer.fault) == (Verdict.REFUSED, Fault.PAYEE)


@pytest.mark.rule("P10.2")
@pytest.mark.parametrize(
    ("param", "fault"),
    [
        ("transfer_data[destination]", Fault.PAYEE),
        ("destination", Fault.PAYEE),
        ("payment_method", Fault.CARD),
        ("amount", Fault.OTHER),
    ],
)
def test_what_a_parameter_names_says_whose_fault_it_is(param: str, fault: Fault) -> None:
    error = {"code": "resource_missing", "message": "No such thing.", "param": param}
    answer = answer_of_error(
        sdk.InvalidRequestError(
            error["message"], param, code=error["code"], http_status=400, json_body={"error": error}
        )
    )

    assert (answer.verdict, answer.fault) == (Verdict.REFUSED, fault)


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(sdk.APIError("Invalid response body", http_status=200), id="200 that is no JSON"),
        pytest.param(sdk.InvalidRequestError("Not found", None, http_status=404), id="404 of a proxy"),
        pytest.param(sdk.PermissionError("Blocked", http_status=403), id="403 of a proxy"),
        pytest.param(sdk.AuthenticationError("Who is it?", http_status=401), id="401 of a proxy"),
        pytest.param(
            sdk.IdempotencyError(
                "In use", http_status=409, json_body={"error": {"code": "idempotency_key_in_use", "message": "In use"}}
            ),
            id="409 while the key is in use",
        ),
        pytest.param(sdk.APIError("Odd", http_status=403, json_body={"detail": "blocked"}), id="403 of a firewall"),
        pytest.param(
            sdk.RateLimitError("Slow down", http_status=400, json_body={"error": {"code": "rate_limit"}}),
            id="400 that limits the rate",
        ),
    ],
)
def test_what_stripe_has_not_said_is_no_answer(error: sdk.StripeError) -> None:
    def ask() -> None:
        raise error

    assert answer_of_error(error).is_unknown
    with pytest.raises(GatewayUnavailable):
        said(ask)
    with pytest.raises(GatewayUnavailable):
        said_of("acct_1", ask)


@pytest.mark.rule("P10.3")
def test_a_refund_that_the_bank_sent_back_is_looked_up_as_a_no(till: Till) -> None:
    till.use_card("pm_card_refundFail")
    captured = till.captured()

    refunded = gateway.send(Call.REFUND, till.refund(captured.object_id, key="refund"), key="refund")
    found = gateway.look_up(Call.REFUND, till.refund(captured.object_id, key="refund"), key="refund")

    assert refunded.verdict == Verdict.SUCCEEDED  # as far as Stripe knew then
    assert found is not None
    assert (found.verdict, found.code) == (Verdict.REFUSED, "lost_or_stolen_card")


# --- Already so ---------------------------------------------------------------------------------------------------


@pytest.mark.rule("P10.3")
def test_a_void_of_what_is_gone_is_a_success(till: Till) -> None:
    held = till.authorize()

    first = gateway.send(Call.VOID, till.void(held.object_id), key="void")
    again = gateway.send(Call.VOID, till.void(held.object_id), key="void again")

    assert first == again
    assert again.verdict == Verdict.SUCCEEDED


def test_a_void_of_what_was_charged_is_a_no(till: Till) -> None:
    captured = till.captured()

    answer = gateway.send(Call.VOID, till.void(captured.object_id), key="void")

    assert (answer.verdict, answer.fault) == (Verdict.REFUSED, Fault.OTHER)


def test_a_capture_done_elsewhere_is_a_success_with_all_that_it_says(till: Till) -> None:
    captured = till.captured()

    again = gateway.send(Call.CAPTURE, till.capture(captured.object_id), key="capture again")

    assert again == captured


# --- Nothing known ------------------------------------------------------------------------------------------------

SILENCES = {"error_500": "500", "stored_500": "500", "error_429": "429", "timeout_before": "no answer",
            "lost_answer": "no answer"}  # fmt: skip


@pytest.mark.rule("P10.4")
@pytest.mark.parametrize(("silence", "because"), SILENCES.items(), ids=SILENCES)
def test_no_answer_is_neither_yes_nor_no(till: Till, silence: str, because: str) -> None:
    till.control.fund_platform(10_000)
    till.fault("payout", silence)

    answer = pay(till)

    assert answer.is_unknown
    assert answer.unknown_because.startswith(because)
    assert not answer.is_replayed_failure


@pytest.mark.rule("P10.4")
def test_a_stored_500_is_told_from_a_new_one(till: Till) -> None:
    till.control.fund_platform(10_000)
    till.fault("payout", "stored_500")
    pay(till)

    again = pay(till)

    assert again.is_unknown
    assert again.is_replayed_failure


@pytest.mark.rule("P10.4")
def test_a_key_that_is_in_use_at_this_moment_is_asked_again_later(till: Till) -> None:
    core = till.server.core
    core.keys_in_use.add((core.platform, "pay"))
    try:
        answer = pay(till)
    finally:
        core.keys_in_use.clear()

    assert answer.is_unknown
    assert answer.unknown_because.startswith("409")


@pytest.mark.rule("P10.4")
def test_stripe_may_take_longer_than_we_wait(till: Till, configured: Callable[..., None]) -> None:
    till.control.fund_platform(10_000)
    till.fault("payout", "latency", latency_ms=600)
    configured(STRIPE_READ_TIMEOUT=0.2)

    answer = pay(till)

    assert answer.is_unknown
    assert "Read timed out" in answer.unknown_because


def test_one_key_with_two_sets_of_parameters_is_our_bug(till: Till) -> None:
    till.control.fund_platform(10_000)
    pay(till)

    with pytest.raises(sdk.IdempotencyError):
        pay(till, amount=5_001)
