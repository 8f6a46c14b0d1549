"""The memory of idempotency keys.

The first answer to a key is kept with the effect that it reports, in the same commit, and replayed to whoever asks
again with the same request. Keys belong to one account and age by real time, unless the settings say otherwise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from payments.simulator.core.errors import StripeError

if TYPE_CHECKING:
    from payments.simulator.core.core import Core


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A first answer, byte for byte."""

    status: int
    body: bytes
    request: str  # the id of the request that was answered


def fingerprint(params: dict[str, Any]) -> str:
    """What makes two requests with one key the same request, beside their path."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def recall(core: Core, *, account: str, key: str, path: str, digest: str) -> StoredAnswer | None:
    """The first answer to that key, if there was one.

    Raises StripeError if the key is being used at this moment, or was used for another request.
    """
    if (account, key) in core.keys_in_use:
        raise StripeError(
            409,
            "idempotency_error",
            "There is currently another in-progress request using this Idempotent Key (that probably means you"
            f" submitted twice, and the other request is still going through): {key}. Please try again later.",
            code="idempotency_key_in_use",
            stored=False,
            headers={"Stripe-Should-Retry": "true"},
        )
    oldest = _now(core) - core.settings.idempotency_key_seconds
    core.database.execute(
        "DELETE FROM idempotency WHERE account = ? AND key = ? AND stored_at < ?", account, key, oldest
    )
    row = core.database.execute(
        "SELECT path, fingerprint, status, body, request FROM idempotency WHERE account = ? AND key = ?", account, key
    ).fetchone()
    if row is None:
        return None
    if row[0] != path:
        raise _used_otherwise(f"for the same endpoint they were first used for ('{path}' vs '{row[0]}')", key)
    if row[1] != digest:
        raise _used_otherwise("with the same parameters they were first used with", key)
    return StoredAnswer(*row[2:])


def remember(core: Core, *, account: str, key: str, path: str, digest: str, answer: StoredAnswer) -> None:
    """Keep the first answer, to be replayed."""
    core.database.execute(
        "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        account, key, path, digest, answer.status, answer.body, answer.request, _now(core),
    )  # fmt: skip


def _now(core: Core) -> float:
    return core.clock.now() if core.settings.idempotency_keys_travel else core.clock.wall()


def _used_otherwise(rule: str, key: str) -> StripeError:
    message = (
        f"Keys for idempotent requests can only be used {rule}."
        f" Try using a key other than '{key}' if you meant to execute a different request."
    )
    return StripeError(400, "idempotency_error", message, stored=False)
