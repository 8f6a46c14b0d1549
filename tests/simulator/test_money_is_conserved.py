"""Whatever is done in whatever order: no cent comes from nowhere, and nobody's balance is below what they owe."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from payments.simulator.application import Application
from payments.simulator.core import Core
from payments.simulator.wire.api import HttpRequest
from tests.simulator.conftest import API_KEY

PART = st.sampled_from([10, 50, 90, 100, 100, 100, 110])  # percent of what is there: mostly possible, and all of it
CARDS = st.sampled_from(["pm_card_visa", "pm_card_visa", "pm_card_createDispute", "pm_card_refundFail"])


def _flat(params: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat = {}
    for name, value in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            flat |= _flat(value, path)
        else:
            flat[path] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


class Marketplace(RuleBasedStateMachine):
    """Random calls, most of them possible, through the wire layer without sockets."""

    intents = Bundle("intents")

    @initialize(delay=st.sampled_from([0, 86_400]))
    def found(self, delay: int) -> None:
        self.core = Core(seed="money")
        self.now = 1_770_000_000
        self.control("clock", standing_at=self.now)
        self.control("settings", funds_delay_seconds=delay)
        self.control("platform/fund", cents=50_000)
        self.accounts = []
        for _ in range(2):
            account = self.call("accounts", type="express", capabilities={"transfers": {"requested": True}})["id"]
            self.control(f"accounts/{account}", onboarded=True)
            self.accounts.append(account)

    def teardown(self) -> None:
        if hasattr(self, "core"):
            self.core.close()

    def call(self, path: str, account: str | None = None, **params: Any) -> dict[str, Any]:
        body = "&".join(f"{name}={value}" for name, value in _flat(params).items())
        headers = {"authorization": f"Bearer {API_KEY}"} | ({"stripe-account": account} if account else {})
        return self.answer(f"/v1/{path}", body, headers)

    def control(self, path: str, **given: Any) -> Any:
        return self.answer(f"/_control/{path}", json.dumps(given), {})

    def answer(self, path: str, body: str, headers: dict[str, str]) -> Any:
        return json.loads(Application(self.core).answer(HttpRequest("POST", path, "", headers, body, "")).body)

    # --- What can be done

    @rule(target=intents, amount=st.integers(50, 20_000), share=st.integers(0, 100), to=st.integers(0, 2), card=CARDS,
          method=st.sampled_from(["manual", "manual", "automatic", "automatic_async"]))  # fmt: skip
    def authorize(self, amount: int, share: int, to: int, card: str, method: str) -> str:
        part = amount * share // 100
        more: dict[str, Any] = {}
        if to < 2 and part:
            more = {"transfer_data": {"destination": self.accounts[to], "amount": part}}
        intent = self.call(
            "payment_intents", amount=amount, currency="usd", payment_method=card, confirm=True, off_session=True,
            capture_method=method, **more,
        )  # fmt: skip
        return intent["id"]

    @rule(intent=intents, part=PART)
    def capture(self, intent: str, part: int) -> None:
        held = self.core.objects.peek(intent)["amount_capturable"]
        self.call(f"payment_intents/{intent}/capture", amount_to_capture=held * part // 100)

    @rule(intent=intents)
    def capture_all(self, intent: str) -> None:
        self.call(f"payment_intents/{intent}/capture")

    @rule(intent=intents)
    def cancel(self, intent: str) -> None:
        self.call(f"payment_intents/{intent}/cancel")

    @rule(intent=intents, part=PART, back=st.booleans())
    def refund(self, intent: str, part: int, back: bool) -> None:
        amount = self.core.objects.peek(intent)["amount_received"] * part // 100
        self.call("refunds", payment_intent=intent, reverse_transfer=back, amount=amount)

    @rule(amount=st.integers(1, 20_000), to=st.integers(0, 1))
    def pay(self, amount: int, to: int) -> None:
        self.call("transfers", amount=amount, currency="usd", destination=self.accounts[to])

    @rule(which=st.integers(0, 5), part=PART)
    def reverse(self, which: int, part: int) -> None:
        if transfer := self.one_of("transfer", which):
            amount = (transfer["amount"] - transfer["amount_reversed"]) * part // 100
            self.call(f"transfers/{transfer['id']}/reversals", amount=amount)

    @rule(part=PART, of=st.integers(0, 2))
    def pay_out(self, part: int, of: int) -> None:
        account = [*self.accounts, self.core.platform][of]
        amount = self.balances().get(account, (0, 0))[0] * part // 100
        self.call("payouts", account=account, amount=amount, currency="usd")

    @rule(intent=intents, phase=st.sampled_from(["opened", "opened", "won", "lost"]))
    def dispute(self, intent: str, phase: str) -> None:
        self.control("disputes", payment_intent=intent, phase=phase)

    @rule(which=st.integers(0, 5))
    def fail_a_refund(self, which: int) -> None:
        if refund := self.one_of("refund", which):
            self.control(f"refunds/{refund['id']}/fail")

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        self.now += hours * 3_600
        self.control("clock", standing_at=self.now)

    # --- What always holds

    def all(self, kind: str) -> list[dict[str, Any]]:
        with self.core.unit():
            return list(self.core.objects.find(kind))

    def one_of(self, kind: str, which: int) -> dict[str, Any] | None:
        """One of the platform's objects of a kind, counted from the newest."""
        ours = [body for body in self.all(kind) if body["_"]["account"] == self.core.platform]
        return ours[which % len(ours)] if ours else None

    def balances(self) -> dict[str, tuple[int, int]]:
        rows = self.core.database.execute("SELECT account, available, pending FROM balances").fetchall()
        return {account: (available, pending) for account, available, pending in rows}

    @invariant()
    def balances_are_the_sum_of_their_transactions(self) -> None:
        sums: dict[str, list[int]] = {}
        for transaction in self.all("balance_transaction"):
            place = sums.setdefault(transaction["_"]["account"], [0, 0])
            place[0 if transaction["status"] == "available" else 1] += transaction["net"]
            assert transaction["net"] == transaction["amount"] - transaction["fee"]
        assert self.balances() == {account: tuple(sum_) for account, sum_ in sums.items()}

    @invariant()
    def all_money_came_from_somewhere_and_went_somewhere(self) -> None:
        moved: dict[str, int] = {}
        for transaction in self.all("balance_transaction"):
            moved[transaction["type"]] = moved.get(transaction["type"], 0) + transaction["net"]
        between = sum(moved.get(kind, 0) for kind in ("transfer", "payment", "transfer_refund", "payment_refund"))
        assert between == 0  # what leaves the platform arrives at an account, and back
        assert sum(sum(pair) for pair in self.balances().values()) == sum(moved.values())

    @invariant()
    def no_connected_balance_is_negative(self) -> None:
        balances = self.balances()
        assert all(min(balances.get(account, (0, 0))) >= 0 for account in self.accounts)

    @invariant()
    def an_intent_holds_or_took_at_most_its_amount_once(self) -> None:
        charges = {charge["id"]: charge for charge in self.all("charge")}
        for intent in self.all("payment_intent"):
            charge = charges[intent["latest_charge"]]
            assert intent["amount_capturable"] + intent["amount_received"] <= intent["amount"]
            assert (intent["amount_capturable"] > 0) == (intent["status"] == "requires_capture")
            assert charge["amount_captured"] == intent["amount_received"]
            assert not charge["captured"] or charge["amount_refunded"] <= charge["amount_captured"]

    @invariant()
    def no_transfer_is_reversed_beyond_itself(self) -> None:
        reversed_ = {transfer["id"]: 0 for transfer in self.all("transfer")}
        for reversal in self.all("transfer_reversal"):
            reversed_[reversal["transfer"]] += reversal["amount"]
        for transfer in self.all("transfer"):
            assert reversed_[transfer["id"]] == transfer["amount_reversed"] <= transfer["amount"]
            assert transfer["reversed"] == (transfer["amount_reversed"] == transfer["amount"])


TestMoneyIsConserved = Marketplace.TestCase
TestMoneyIsConserved.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
