"""The HTTP client that every Stripe call of this process goes through, dj-stripe's too."""

from collections.abc import Mapping
from typing import Any

import stripe
import urllib3
from django.conf import settings
from django.db import connections

from payments.gateway import pace


class StripeCallInTransaction(RuntimeError):
    """A Stripe call was about to be made inside a database transaction. That is a bug, in production too."""


class GuardedClient(stripe.HTTPClient):
    """Refuse to call inside a transaction, keep Stripe's rate limit, never retry, always time out."""

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(
            maxsize=32,
            retries=False,  # an unanswered call is the engine's to repeat, with its own key (P10.4)
            timeout=urllib3.Timeout(connect=settings.STRIPE_CONNECT_TIMEOUT, read=settings.STRIPE_READ_TIMEOUT),
        )

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Send one request. Raises StripeCallInTransaction, or stripe.APIConnectionError where no answer came."""
        _require_no_transaction(method, url)
        pace.wait_for_turn(method, url)
        try:
            response = self._pool.request(method.upper(), url, headers=dict(headers or {}), body=post_data)
        except urllib3.exceptions.HTTPError as error:
            raise stripe.APIConnectionError(f"No answer from Stripe: {error}", should_retry=False) from error
        return response.data.decode(), response.status, response.headers

    def close(self) -> None:
        self._pool.clear()


def _require_no_transaction(method: str, url: str) -> None:
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise StripeCallInTransaction(f"{method} {url} inside a transaction on {connection.alias!r}")
