"""Writing down what staff do, in the commit of what it tells of."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from django.db import IntegrityError, connection
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from instainstru.models import StaffAction

if TYPE_CHECKING:
    from instainstru.accounts.models import User

NOTE = "note"


class DoneAlready(Exception):
    """What this ticket was for has been done; the caller's transaction must end with this."""


def new_ticket() -> str:
    """Return what makes the sendings of one page the same sending."""
    return secrets.token_urlsafe(24)


def is_used(ticket: str) -> bool:
    return StaffAction.objects.filter(ticket=ticket).exists()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who does something, and from which address; a command has none."""

    actor: "User"
    address: str | None = None


def asker_of(request: HttpRequest) -> Asker:
    """Return who sends a request; it is behind a login."""
    return Asker(cast("User", request.user), _address_of(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry to be: an operation takes it as its receipt and calls `record` in its own transaction."""

    asker: Asker
    ticket: str
    action: str
    subject: str  # the reference of what it is done to
    reason: str
    now: datetime
    before: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    look_after: Callable[[], dict[str, Any]] = dict  # how it stands once it is done; asked in the same transaction

    @property
    def actor(self) -> "User":
        """Who does it."""
        return self.asker.actor

    def record(self, began: str) -> None:
        """Keep who did what, when, from where and why. Raises DoneAlready for a ticket that was used."""
        if not connection.in_atomic_block:
            raise RuntimeError("What staff do is written down in the transaction of what they did.")
        try:
            StaffAction.objects.create(
                ticket=self.ticket,
                actor=self.actor,
                address=self.asker.address,
                action=self.action,
                subject=self.subject,
                began=began,
                reason=self.reason,
                before=self.before,
                shown=self.shown,
                after=self.look_after(),
                done_at=self.now,
            )
        except IntegrityError as error:  # no savepoint: whatever was done beside it goes back too
            raise DoneAlready from error


def _address_of(request: HttpRequest) -> str | None:
    address = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads the headers alone
    try:
        return str(ip_address(address))
    except ValueError:
        return None
