"""What cases ask of the money: freeze it, carry a ruling out, let it go on (sections 8 and 11, design 4).

The apps above own the cases; they lock the payment's subject, change their own rows, and call these in the same
transaction. After the commit they carry out what has begun (`carry_on`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from credits import operations as credits
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments import freezes
from payments.endings import Subject
from payments.models import Operation
from payments.operations import waiting
from payments.operations.consequences import set_deadlines
from payments.operations.deciding import decide_beneath
from payments.operations.lifecycle import perform
from payments.operations.negative_balance import book_negative_balance
from payments.operations.succession import accept, go_on, settle_if_due
from payments.policy.plan import Plan
from payments.policy.states import Action, Party, ReviewReason

Inputs = dict[str, Any]


def take_in(subject: Subject, *, reason: ReviewReason, case: str, now: datetime) -> None:
    """Freeze a payment for a case, whether or not an operation is under way: what was sent finishes (P8.1)."""
    payment = subject.payment
    freezes.freeze(payment, reason=reason, case=case, now=now)
    set_deadlines(subject, now=now)
    payment.save_changes()


def freeze_credits(subject: Subject, *, now: datetime) -> int:
    """Freeze the credits issued for a booking; what was spent of them is owed (section 11). Return the cents frozen."""
    payment = subject.payment
    found = credits.freeze_issued(student_id=payment.payer.user_id, reference=payment.reference, now=now)
    book_negative_balance(payment, cents=found.spent, now=now)
    return found.frozen


def let_go_on(subject: Subject, *, case: str, now: datetime) -> None:
    """End a case that moves no money: the former state returns, and what it held up goes on, at once if due."""
    payment = subject.payment
    freezes.thaw(payment, case=case, now=now)
    set_deadlines(subject, now=now)
    payment.save_changes()
    if not payment.is_frozen:
        go_on(subject, now=now)
        settle_if_due(subject, now=now)


def end_with(subject: Subject, *, case: str, now: datetime) -> None:
    """End a case whose matter another one's ruling decides; that one's own freeze goes on until it is carried out."""
    freezes.thaw(subject.payment, case=case, now=now)
    subject.payment.save_changes()


def require_rulable(subject: Subject, kind: Action) -> None:
    """Raise Refused("under_review") for a ruling that has to wait for the bank's (section 11)."""
    if freezes.halts(subject.payment, kind):
        raise Refused("under_review")


def rule(
    subject: Subject,
    kind: Action,
    *,
    party: Party,
    now: datetime,
    inputs: Inputs,
    actor: User | None = None,
    preview: str | None = None,
) -> Operation:
    """Accept a case's own operation; it waits if something that was sent is not answered yet (design 4).

    Raises Refused: "under_review" under a chargeback, "already_settled", "preview_stale".
    """
    require_rulable(subject, kind)
    busy = subject.payment.operations.open().exists()
    take = waiting.wait_its_turn if busy else accept
    return take(subject, kind, party=party, actor=actor, preview=preview, inputs=inputs, now=now)


def preview_ruling(subject: Subject, kind: Action, *, inputs: Inputs, now: datetime) -> Plan:
    """Return what a ruling would do now, by the same decision; raises what it would raise."""
    require_rulable(subject, kind)
    return decide_beneath(subject, kind, now, inputs=inputs)


def preview_going_on(subject: Subject, *, now: datetime) -> Plan | None:
    """Return the settlement that begins at once when a subject's only case ends without moving money, if it is due.

    The subject was read for this alone: nothing of it may be saved.
    """
    payment = subject.payment
    with freezes.lifted(payment):
        set_deadlines(subject, now=now)
        due = payment.settle_at is not None and payment.settle_at <= now
    return decide_beneath(subject, Action.SETTLE, now) if due else None


def carry_on(payment_id: int) -> None:
    """Carry out whatever is open on a payment, as far as Stripe answers. No transaction may be open."""
    current = Operation.objects.open().filter(payment_id=payment_id).first()
    if current is not None:
        perform(current)
