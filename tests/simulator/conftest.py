"""A simulator for each test, the official SDK pointed at it, and a marketplace's usual cast on it.

Every answer that the SDK gets is compared with Stripe's own description on its way, and so is every event at the end.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import stripe

from payments.simulator import Server, start
from tests.simulator import openapi

API_KEY = "sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc"
API_VERSION = "2026-05-27.dahlia"


class CheckedHttpClient(stripe.RequestsClient):
    """The SDK's own HTTP client, which fails a test whose answer is not of Stripe's shape."""

    def __init__(self) -> None:
        super().__init__(timeout=10)
        self.last_headers: dict[str, str] = {}

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[bytes, int, Any]:
        body, status, answer_headers = super().request(method, url, headers, post_data)
        self.last_headers = {name.lower(): value for name, value in answer_headers.items()}
        path = urlsplit(url).path
        if status != 404 or "Unrecognized request URL" not in str(body):
            assert openapi.faults_of_answer(method, path, status, json.loads(body)) == []
        return body, status, answer_headers


class Control:
    """The control API, raising for errors."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_control/"
        self._session = requests.Session()

    def get(self, path: str, **query: Any) -> Any:
        return self._read(self._session.get(self._url + path, params=query, timeout=10))

    def post(self, path: str, **body: Any) -> Any:
        return self._read(self._session.post(self._url + path, json=body, timeout=10))

    def delete(self, path: str) -> Any:
        return self._read(self._session.delete(self._url + path, timeout=10))

    def close(self) -> None:
        self._session.close()

    @staticmethod
    def _read(response: requests.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()


@dataclass
class Stage:
    """A simulator with its clients, and what tests need most, in one line each."""

    server: Server
    api: Any  # the client's v1 services
    control: Control
    http: CheckedHttpClient
    keys: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    @property
    def url(self) -> str:
        return self.server.url

    def customer(self, card: str = "pm_card_visa") -> tuple[str, str]:
        """A customer and the saved card: (customer id, payment method id)."""
        customer = self.api.customers.create({"email": "student@example.com"})
        intent = self.api.setup_intents.create(
            {
                "customer": customer.id,
                "payment_method": card,
                "confirm": True,
                "payment_method_types": ["card"],
            }
        )
        if intent.status == "requires_action":
            self.control.post(f"setup_intents/{intent.id}/authenticate", succeed=True)
        return customer.id, intent.payment_method

    def instructor(self) -> str:
        """A connected account that may be paid."""
        account = self.api.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
        self.control.post(f"accounts/{account.id}", onboarded=True)
        return account.id

    def authorize(self, card: str = "pm_card_visa", key: str | None = None, **changes: Any) -> stripe.PaymentIntent:
        """Hold 134.40 for a lesson, 105.60 of it for an instructor, unless told otherwise."""
        if "customer" not in changes:
            changes["customer"], changes["payment_method"] = self.customer(card)
        params = {
            "amount": 13_440,
            "currency": "usd",
            "capture_method": "manual",
            "confirm": True,
            "off_session": True,
        } | changes
        return self.api.payment_intents.create(params, {"idempotency_key": key or f"auth-{next(self.keys)}"})

    def capture(self, intent: str, key: str | None = None, **params: Any) -> stripe.PaymentIntent:
        return self.api.payment_intents.capture(
            intent, params, {"idempotency_key": key or f"capture-{next(self.keys)}"}
        )

    def lesson_paid(self, share: int = 10_560) -> tuple[stripe.PaymentIntent, str]:
        """A captured destination charge: (intent, the instructor's account)."""
        account = self.instructor()
        intent = self.authorize(transfer_data={"destination": account, "amount": share})
        return self.capture(intent.id), account

    def balance(self, account: str | None = None) -> int:
        """Available cents, by the API."""
        options = {"stripe_account": account} if account else {}
        return self.api.balance.retrieve({}, options).available[0].amount

    def events(self, account: str | None = None) -> list[str]:
        """Types of all events, oldest first."""
        options = {"stripe_account": account} if account else {}
        found = self.api.events.list({"limit": 100}, options)
        return [event.type for event in reversed(found.data)]


@pytest.fixture
def make_client() -> Iterator[Callable[..., tuple[stripe.StripeClient, CheckedHttpClient]]]:
    """Make SDK clients for a simulator's address; their connections end with the test."""
    made = []

    def client(url: str, **options: Any) -> tuple[stripe.StripeClient, CheckedHttpClient]:
        http = CheckedHttpClient()
        made.append(http)
        settings = {
            "base_addresses": {"api": url, "connect": url, "files": url},
            "stripe_version": API_VERSION,
            "max_network_retries": 0,
            "http_client": http,
        } | options
        return stripe.StripeClient(API_KEY, **settings), http

    yield client
    for http in made:
        http.close()


@pytest.fixture
def stage(make_client: Callable[..., tuple[stripe.StripeClient, CheckedHttpClient]]) -> Iterator[Stage]:
    """A running simulator whose platform has 1,000.00, and everything pointed at it."""
    server = start(seed="stage")
    client, http = make_client(server.url)
    control = Control(server.url)
    control.post("platform/fund", cents=100_000)
    yield Stage(server, client.v1, control, http)
    _check_events(server)
    control.close()
    server.stop()


def _check_events(server: Server) -> None:
    with server.core.unit():
        for event in server.core.objects.find("event"):
            assert openapi.faults_of_object({name: part for name, part in event.items() if name != "_"}) == []
            assert openapi.faults_of_object(event["data"]["object"]) == [], event["type"]
