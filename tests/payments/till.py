"""The gateway without bookings: a customer with a card, an instructor who can be paid, and the calls between them."""

from typing import Any

from instainstru.local.simulator import SimulatorControl
from payments import gateway
from payments.gateway import Answer, client
from payments.policy.states import Call
from payments.simulator import Server
from payments.simulator.core.faults import Fault

Json = dict[str, Any]
PRICE, SHARE = 13_440, 10_560  # cents
GROUP = "bk_till"


class Till:
    """What each call is sent with, as the engine's handlers write it; every call by default under a key of its own."""

    def __init__(self, server: Server, control: SimulatorControl) -> None:
        self.server = server
        self.control = control
        self.customer = client.post("/v1/customers", {"email": "student@example.com"}, key="customer")["id"]
        account = {"type": "express", "country": "US", "capabilities": {"transfers": {"requested": True}}}
        self.account = client.post("/v1/accounts", account, key="account")["id"]
        control.make_payable(self.account)
        self.use_card("pm_card_visa")

    def use_card(self, payment_method: str) -> None:
        attach = f"/v1/payment_methods/{payment_method}/attach"
        self.card = client.post(attach, {"customer": self.customer}, key=f"attach-{payment_method}")["id"]

    def fault(self, call: str, kind: str, **details: Any) -> None:
        """Order a fault, with the code that Stripe gives for it, if a particular one is wanted."""
        self.server.core.faults.order(Fault(call, kind, **details))

    def intent(self, *, key: str, on_session: bool = False, hold: bool = True, amount: int = PRICE) -> Json:
        """The parameters of `Call.AUTHORIZE`, or of `Call.CHARGE`."""
        there = {"return_url": "http://127.0.0.1/paid"} if on_session or not hold else {"off_session": True}
        shares = {"transfer_data": {"destination": self.account, "amount": SHARE}} if hold else {}
        return {
            "body": {
                "amount": amount,
                "currency": "usd",
                "customer": self.customer,
                "payment_method": self.card,
                "payment_method_types": ["card"],
                "capture_method": "manual" if hold else "automatic",
                "confirm": True,
                "transfer_group": GROUP,
                "metadata": {"key": key},
                "expand": ["latest_charge.balance_transaction"],
                **shares,
                **there,
            }
        }

    def capture(self, intent_id: str) -> Json:
        return {"of": intent_id, "body": {"expand": ["latest_charge.balance_transaction", "latest_charge.transfer"]}}

    def void(self, intent_id: str) -> Json:
        return {"of": intent_id, "body": {"cancellation_reason": "abandoned"}}

    def pay(self, *, key: str, amount: int = 5_000) -> Json:
        body = {"amount": amount, "currency": "usd", "destination": self.account, "transfer_group": GROUP}
        return {"body": body | {"metadata": {"key": key}}}

    def take_back(self, transfer_id: str, *, key: str, amount: int = 5_000) -> Json:
        return {"of": transfer_id, "body": {"amount": amount, "metadata": {"key": key}}}

    def refund(self, intent_id: str, *, key: str, amount: int = 1_000) -> Json:
        return {"body": {"payment_intent": intent_id, "amount": amount, "metadata": {"key": key}}}

    def authorize(self, key: str = "hold", **how: Any) -> Answer:
        return gateway.send(Call.AUTHORIZE, self.intent(key=key, **how), key=key)

    def captured(self, key: str = "hold") -> Answer:
        """Hold and capture; the answer has the charge's own transfer."""
        held = self.authorize(key)
        return gateway.send(Call.CAPTURE, self.capture(held.object_id), key=f"{key}-capture")
