"""The registry through which `payments` begins and ends what belongs to an app above it (design 2).

Each app above registers, in `AppConfig.ready`, how the subject of a payment is locked for each kind of operation. A
system check wants exactly one entry per kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime

from django.core.checks import CheckMessage, Error

from payments.models import Operation, Payment
from payments.policy.plan import Ending, Plan
from payments.policy.states import Action, BookingStatus


class Subject(ABC):
    """What a payment pays for, locked together with the payment for the length of a transaction."""

    payment: Payment

    @property
    @abstractmethod
    def status(self) -> BookingStatus: ...

    @abstractmethod
    def begin(self, plan: Plan, operation: Operation) -> None:
        """Apply what takes effect the moment that an operation is accepted: a cancelled lesson frees its time."""

    @abstractmethod
    def claim_time(self) -> bool:
        """Take the time that a pending booking wants; return False if somebody else has it meanwhile (P5.3)."""

    @abstractmethod
    def finish(self, ending: Ending, operation: Operation, *, now: datetime) -> None:
        """Apply an operation's end. The payment has its final state already."""

    @abstractmethod
    def warn(self, *, now: datetime) -> None:
        """Queue the final warning that the booking is about to be cancelled unpaid (P10.1)."""

    @abstractmethod
    def tell(self, ending: Ending, operation: Operation, *, now: datetime) -> None:
        """Queue the messages that tell of an operation's end, once every state and deadline is set."""


Lock = Callable[[int], Subject]

_LOCKS: dict[Action, list[Lock]] = {}


def register(kinds: Iterable[Action], lock: Lock) -> None:
    """Say how the subject of a payment, given by the payment's id, is locked for operations of these kinds."""
    for kind in kinds:
        _LOCKS.setdefault(kind, []).append(lock)


def lock_subject(kind: Action | str, payment_id: int) -> Subject:
    """Lock what a payment pays for, and the payment, in the order booking, payment; a transaction is open."""
    (lock,) = _LOCKS[Action(kind)]
    return lock(payment_id)


def check_every_kind_has_one_ending(**_: object) -> list[CheckMessage]:
    return [
        Error(f"Operations of kind {kind} have {len(_LOCKS.get(kind, []))} endings.", id="payments.E001")
        for kind in Action
        if len(_LOCKS.get(kind, [])) != 1
    ]
