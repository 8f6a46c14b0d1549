"""Finding out what became of a call whose key can't tell any more: its effect, or the proof that it had none."""

from collections.abc import Callable
from typing import Any

import pytest

from payments import gateway
from payments.policy.states import Call, Fault, Verdict
from tests.payments.till import Till

Json = dict[str, Any]
KEY = "asked-for"


def parameters(till: Till, call: Call) -> Json:
    """What a call is sent with, on whatever it needs to stand on."""
    on: dict[Call, Callable[[], Json]] = {
        Call.AUTHORIZE: lambda: till.intent(key=KEY),
        Call.CHARGE: lambda: till.intent(key=KEY, hold=False),
        Call.CAPTURE: lambda: till.capture(till.authorize().object_id),
        Call.VOID: lambda: till.void(till.authorize().object_id),
        Call.PAY: lambda: till.pay(key=KEY),
        Call.REVERSE: lambda: till.take_back(till.captured().details["transfer"], key=KEY),
        Call.TAKE_BACK: lambda: till.take_back(
            gateway.send(Call.PAY, till.pay(key="paid"), key="paid").object_id, key=KEY
        ),
        Call.REFUND: lambda: till.refund(till.captured().object_id, key=KEY),
    }
    return on[call]()


FAULTS = {  # how the simulator knows the calls
    Call.AUTHORIZE: "authorize",
    Call.CHARGE: "charge",
    Call.CAPTURE: "capture",
    Call.VOID: "void",
    Call.PAY: "payout",
    Call.REVERSE: "reverse",
    Call.TAKE_BACK: "reverse",
    Call.REFUND: "refund",
}
every_call = pytest.mark.parametrize("call", list(FAULTS))


@pytest.fixture(autouse=True)
def funded(till: Till) -> None:
    till.control.fund_platform(100_000)


@pytest.mark.rule("P10.4")
@every_call
def test_an_effect_without_an_answer_is_found(till: Till, call: Call) -> None:
    sent = parameters(till, call)
    till.fault(FAULTS[call], "lost_answer")
    assert gateway.send(call, sent, key=KEY).is_unknown

    found = gateway.look_up(call, sent, key=KEY)

    assert found is not None
    assert found == gateway.send(call, sent, key=KEY)  # what the key itself would have said
    assert found.verdict == Verdict.SUCCEEDED


@pytest.mark.rule("P10.4")
@every_call
@pytest.mark.parametrize("fault", ["timeout_before", "stored_500"])
def test_no_effect_is_proven(till: Till, call: Call, fault: str) -> None:
    sent = parameters(till, call)
    till.fault(FAULTS[call], fault)
    assert gateway.send(call, sent, key=KEY).is_unknown

    assert gateway.look_up(call, sent, key=KEY) is None


def test_another_calls_effect_is_not_taken_for_this_ones(till: Till) -> None:
    captured = till.captured("first")
    transfer = captured.details["transfer"]
    gateway.send(Call.REVERSE, till.take_back(transfer, key="one", amount=1_000), key="one")
    gateway.send(Call.REFUND, till.refund(captured.object_id, key="two"), key="two")
    gateway.send(Call.PAY, till.pay(key="three"), key="three")

    assert gateway.look_up(Call.REVERSE, till.take_back(transfer, key=KEY), key=KEY) is None
    assert gateway.look_up(Call.REFUND, till.refund(captured.object_id, key=KEY), key=KEY) is None
    assert gateway.look_up(Call.PAY, till.pay(key=KEY), key=KEY) is None
    assert gateway.look_up(Call.AUTHORIZE, till.intent(key=KEY), key=KEY) is None


def test_a_refused_card_left_an_intent_that_says_so(till: Till) -> None:
    till.use_card("pm_card_chargeCustomerFailInsufficientFunds")
    sent = till.intent(key=KEY)
    refused = gateway.send(Call.AUTHORIZE, sent, key=KEY)

    found = gateway.look_up(Call.AUTHORIZE, sent, key=KEY)

    assert found is not None
    assert (found.verdict, found.fault, found.code) == (Verdict.REFUSED, Fault.CARD, "insufficient_funds")
    assert found.object_id == refused.object_id


def test_an_intent_that_waits_for_the_student_is_found_with_the_banks_page(till: Till) -> None:
    till.use_card("pm_card_authenticationRequired")
    sent = till.intent(key=KEY, on_session=True)
    waiting = gateway.send(Call.AUTHORIZE, sent, key=KEY)

    found = gateway.look_up(Call.AUTHORIZE, sent, key=KEY)

    assert found is not None
    assert (found.verdict, found.object_id) == (Verdict.ACTION_REQUIRED, waiting.object_id)
    assert found.details["url"]


def test_a_look_up_may_get_no_answer_either(till: Till) -> None:
    sent = till.capture(till.authorize().object_id)
    till.fault("read", "error_500")

    found = gateway.look_up(Call.CAPTURE, sent, key=KEY)

    assert found is not None
    assert found.is_unknown
