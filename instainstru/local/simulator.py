"""Running the Stripe simulator as a process of its own, and steering it through its control API."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

Json = dict[str, Any]
ANNOUNCEMENT = "simulator listening on "


class SimulatorControl:
    """What tests and demos may do to the simulator, beside what Stripe itself would let them do."""

    def __init__(self, url: str) -> None:
        self.url = url

    def stand_at(self, instant: datetime) -> None:
        """Let the simulator's clock stand at an instant; holds that lapse on the way lapse now."""
        self._ask("POST", "/_control/clock", {"standing_at": instant.timestamp()})

    def be_ahead_by(self, seconds: float) -> None:
        """Let the simulator's clock run ahead of the wall."""
        self._ask("POST", "/_control/clock", {"offset_seconds": seconds})

    def let_keys_travel(self) -> None:
        """Let idempotency keys age by the simulator's clock, as when our machines' clocks travel with it."""
        self._ask("POST", "/_control/settings", {"idempotency_keys_travel": 1})

    def fund_platform(self, cents: int) -> str:
        """Put money into the platform's balance and return the top-up's id."""
        return self._ask("POST", "/_control/platform/fund", {"cents": cents})["id"]

    def make_payable(self, account_id: str) -> None:
        """Do for an instructor what Stripe's onboarding page does."""
        self._ask("POST", f"/_control/accounts/{account_id}", {"transfers": "active", "onboarded": True})

    def make_unpayable(self, account_id: str) -> None:
        """Do to an instructor's account what Stripe does when it distrusts it."""
        self._ask("POST", f"/_control/accounts/{account_id}", {"transfers": "inactive"})

    def change_account(self, account_id: str, *, transfers: str) -> None:
        """Give or take an account the right to receive transfers: `active`, `inactive`, `pending`."""
        self._ask("POST", f"/_control/accounts/{account_id}", {"transfers": transfers})

    def reject_account(self, account_id: str) -> None:
        """Undo an account's onboarding: it can neither receive transfers nor be paid out."""
        self._ask("POST", f"/_control/accounts/{account_id}", {"onboarded": False})

    def finish_3ds(self, intent_id: str, *, succeed: bool = True) -> None:
        """Be the student at the bank's page."""
        self._ask("POST", f"/_control/payment_intents/{intent_id}/authenticate", {"succeed": succeed})

    def dispute(self, intent_id: str, *, amount: int | None = None) -> Json:
        """Be the cardholder's bank, and take back what an intent has charged."""
        return self._bank(intent_id, "opened", {} if amount is None else {"amount": amount})

    def decide_dispute(self, intent_id: str, *, won: bool) -> Json:
        """Be the bank, and decide."""
        return self._bank(intent_id, "won" if won else "lost", {})

    def _bank(self, intent_id: str, phase: str, more: Json) -> Json:
        return self._ask("POST", "/_control/disputes", {"payment_intent": intent_id, "phase": phase} | more)

    def order_fault(
        self, call: str, fault: str, *, times: int | str = 1, match: Json | None = None, latency_ms: int = 0
    ) -> None:
        """Let the next calls of a kind fail, of those alone that match; `none` ends that call's faults."""
        order = {"call": call, "fault": fault, "times": times, "match": match or {}, "latency_ms": latency_ms}
        self._ask("POST", "/_control/faults", order)

    def moved(self, transfer_group: str) -> Json:
        """Return what moved for one booking, in cents: `captured`, `refunded`, `transferred`, `reversed`, …"""
        return self._ask("GET", f"/_control/summary?transfer_group={transfer_group}")["totals"]

    def live_holds(self) -> list[Json]:
        """Return what is held on cards now."""
        return self._ask("GET", "/_control/live_holds")

    def summary(self) -> Json:
        """Return what Stripe's books say: per transfer group what was moved, and all balances. Cents."""
        return self._ask("GET", "/_control/summary")

    def requests(self) -> list[Json]:
        """Return the log of POST calls."""
        return self._ask("GET", "/_control/requests")

    def forget_requests(self) -> None:
        self._ask("DELETE", "/_control/requests")

    def refund_in_dashboard(self, intent_id: str, *, cents: int | None = None, reverse_transfer: bool = False) -> str:
        """Be one of us who refunds in Stripe's own dashboard; return the refund's id."""
        asked = {"payment_intent": intent_id, "reverse_transfer": reverse_transfer}
        return self._ask("POST", "/_control/dashboard/refund", asked if cents is None else asked | {"amount": cents})[
            "id"
        ]

    def reverse_in_dashboard(self, transfer_id: str, *, cents: int | None = None) -> str:
        """Be one of us who takes a transfer back in Stripe's own dashboard; return the reversal's id."""
        asked: Json = {"transfer": transfer_id} if cents is None else {"transfer": transfer_id, "amount": cents}
        return self._ask("POST", "/_control/dashboard/reversal", asked)["id"]

    def run_payouts(self) -> list[str]:
        """Let a day of payouts pass at Stripe; return the payouts' ids."""
        return [payout["id"] for payout in self._ask("POST", "/_control/payouts/run", {})]

    def fail_refund(self, refund_id: str) -> None:
        """Be the bank that sends a refund back."""
        self._ask("POST", f"/_control/refunds/{refund_id}/fail", {})

    def fail_payout(self, payout_id: str) -> None:
        """Be the bank that sends a payout back."""
        self._ask("POST", f"/_control/payouts/{payout_id}/fail", {})

    def keep_webhooks(self) -> None:
        """Queue webhooks until they are taken."""
        self._ask("POST", "/_control/webhooks", {"mode": "queue"})

    def push_webhooks_to(self, url: str) -> None:
        """Deliver webhooks there from now on."""
        self._ask("POST", "/_control/webhooks", {"mode": "push", "url": url})

    def take_webhooks(self) -> list[Json]:
        """Return what is to be delivered, in order: `payload` and `headers` of each; it counts as delivered."""
        return self._ask("POST", "/_control/webhooks/deliver", {"hand_over": True})

    def reset(self) -> None:
        """Forget everything."""
        self._ask("POST", "/_control/reset", {})

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is the simulator's, on loopback
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read() or b"{}")


@contextlib.contextmanager
def own_simulator() -> Iterator[SimulatorControl]:
    """Run a simulator of one's own in memory, without webhooks, and point this process's Stripe calls at it."""
    command = [sys.executable, "-m", "payments.simulator", "--port", "0", "--webhooks", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(ANNOUNCEMENT):
                raise RuntimeError(f"The simulator did not start: {line!r}")
            url = line.removeprefix(ANNOUNCEMENT).strip()
            with override_settings(STRIPE_API_BASE=url, STRIPE_CALLS_PER_SECOND=100_000):
                yield SimulatorControl(url)
        finally:
            process.terminate()
