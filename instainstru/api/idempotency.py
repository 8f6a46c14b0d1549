"""`Idempotency-Key`: the same request sent twice begins one thing (design 8).

    key = idempotency.claim(request)                      # None when the client sent none
    if key and (subject := key.replayed_subject()):
        return the present state of that subject          # such as "operation:4711"
    operation = operations.checkout(…, idempotency_key=key)

and inside the operation's begin transaction, so that the key is kept exactly if the operation is:

    if idempotency_key:
        idempotency_key.record(f"operation:{operation.id}")
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, connection
from django.http import QueryDict
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from instainstru import clock
from instainstru.models import IdempotentRequest

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_FOR = timedelta(days=30)  # a client that repeats a request after a month means a new one


class IdempotencyKeyReused(APIException):
    """The key came before with another request."""

    status_code = 422
    default_code = "idempotency_key_reused"
    default_detail = "This idempotency key was already used for another request."


class IdempotencyKeyInUse(APIException):
    """A request with this key committed while this one was under way."""

    status_code = 409
    default_code = "idempotency_key_in_use"
    default_detail = "A request with this idempotency key is being answered right now."
    wait = 1  # second; the other one has committed its begin already


class Receipt(Protocol):
    """What whoever asks for an operation wants kept with it: a client's key, a staff member's audit entry."""

    def record(self, subject: str) -> None:
        """Keep what was begun, such as "operation:bk_…-3"; called in the transaction that begins it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """One client's key for one request. An operation takes it as it is and calls `record`."""

    user_id: int
    key: str
    fingerprint: str  # SHA-256 of method, path and body

    def replayed_subject(self) -> str | None:
        """Return what this request began when it came first, or None. Raises IdempotencyKeyReused."""
        earlier = IdempotentRequest.objects.filter(user_id=self.user_id, key=self.key).first()
        if earlier is None:
            return None
        if earlier.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused
        return earlier.subject

    def record(self, subject: str) -> None:
        """Keep what this request begins, in the caller's transaction.

        Waits for another transaction that records the same key; raises IdempotencyKeyInUse if that one commits, so
        that the caller's rolls back. The client's next try is then a replay.
        """
        if not connection.in_atomic_block:
            raise RuntimeError("An idempotency key is recorded in the transaction of what it began.")
        try:
            IdempotentRequest.objects.create(
                user_id=self.user_id,
                key=self.key,
                fingerprint=self.fingerprint,
                subject=subject,
                created_at=clock.wall(),
            )
        except IntegrityError as error:  # no savepoint: the caller's transaction must end with it
            raise IdempotencyKeyInUse from error


def claim(request: Request) -> IdempotencyKey | None:
    """Return the key that a signed-in user's request came with, or None. Raises ValidationError for an unusable one."""
    key = request.headers.get(HEADER)
    if key is None or not request.user.is_authenticated:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise ValidationError({HEADER: f"Send 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID."})
    return IdempotencyKey(user_id=request.user.pk, key=key, fingerprint=_fingerprint(request))


def forget_old_keys() -> int:
    """Delete the keys that nobody repeats any more; return how many."""
    deleted, _ = IdempotentRequest.objects.filter(created_at__lt=clock.wall() - KEPT_FOR).delete()
    return deleted


def _fingerprint(request: Request) -> str:
    """Digest what is asked, not how it is written: the order of a JSON object's members means nothing."""
    body = request.data
    members = dict(body.lists()) if isinstance(body, QueryDict) else body
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"), default=_file_as_text)
    asked = "\n".join([str(request.method), request.get_full_path(), canonical])
    return hashlib.sha256(asked.encode()).hexdigest()


def _file_as_text(value: object) -> str:
    if not isinstance(value, UploadedFile):
        raise TypeError(f"A request body holds no {type(value).__name__}.")
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return f"{value.name}:{digest.hexdigest()}"
