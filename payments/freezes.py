"""The freeze that an open case lays over a payment, whatever its state beneath (P4.3, P8.1, design 4).

While a case is open the payment is in `manual_review` for that case's reason, and what it was before is kept beside
it: status, and the reason of a stop. What is already under way may still end; it ends beneath the freeze. Every
function wants the payment's row locked, and leaves saving to its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

from payments.models import Freeze, Payment
from payments.policy.states import CASE_OF, ONLY_LOOKS, Action, PaymentStatus, ReviewReason

_KEPT = ("status", "former_status", "review_reason", "review_error", "review_since")
_KEPT_BENEATH = tuple(f"kept_{name}" for name in _KEPT)
ON_TOP = ReviewReason.CHARGEBACK_OPEN  # stands on top of every other case (section 11)


def freeze(payment: Payment, *, reason: ReviewReason, case: str, now: datetime) -> None:
    """Let a case stop everything that moves a payment's money, from now on (P8.1)."""
    Freeze.objects.create(payment=payment, reason=reason, case=case, since=now)
    _lift(payment)
    _lay(payment)


def thaw(payment: Payment, *, case: str, now: datetime) -> None:
    """End a case's freeze, if it is in force. What was kept returns unless another case is open."""
    Freeze.objects.in_force().filter(payment=payment, case=case).update(ended_at=now)
    if payment.is_frozen:
        _lift(payment)
        _lay(payment)


@contextmanager
def lifted(payment: Payment) -> Iterator[None]:
    """Show a payment as it stands beneath its freeze; what changes meanwhile is kept beneath it.

    A block that raises, as a refused decision does, leaves the freeze as it lay.
    """
    frozen = payment.is_frozen
    as_it_lay = {name: getattr(payment, name) for name in (*_KEPT, *_KEPT_BENEATH)}
    _lift(payment)
    try:
        yield
    except BaseException:
        for name, value in as_it_lay.items():
            setattr(payment, name, value)
        raise
    if frozen:
        _lay(payment)


def end_of(payment: Payment, cases: Collection[str], *, now: datetime) -> None:
    """End the freezes of cases whose ruling was carried out; inside `lifted`."""
    if cases:
        Freeze.objects.in_force().filter(payment=payment, case__in=cases).update(ended_at=now)


def halts(payment: Payment, kind: Action) -> bool:
    """Return whether an open case forbids an operation to send anything further (P8.1)."""
    if not payment.is_frozen or kind in ONLY_LOOKS:
        return False
    reasons = set(payment.freezes.in_force().values_list("reason", flat=True))
    own = CASE_OF.get(kind)
    if own is None or ON_TOP in reasons:
        return own != ON_TOP
    return False


def _lift(payment: Payment) -> None:
    if payment.is_frozen:
        for name, kept in zip(_KEPT, _KEPT_BENEATH, strict=True):
            setattr(payment, name, getattr(payment, kept))
            setattr(payment, kept, None if name == "review_since" else "")


def _lay(payment: Payment) -> None:
    open_cases = list(payment.freezes.in_force().order_by("id"))
    if not open_cases:
        return
    for name, kept in zip(_KEPT, _KEPT_BENEATH, strict=True):
        setattr(payment, kept, getattr(payment, name))
    shown = next((case for case in open_cases if case.reason == ON_TOP), open_cases[-1])
    payment.former_status = payment.kept_former_status or payment.status
    payment.status = PaymentStatus.MANUAL_REVIEW
    payment.review_reason, payment.review_error, payment.review_since = shown.reason, "", shown.since
