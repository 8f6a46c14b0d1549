"""What a case's own operation changes beside its calls: credits, the negative balance, the account (P8.4, section 11).

Every function works inside the transaction that begins or ends the operation, its payment locked.
"""

from __future__ import annotations

from datetime import datetime

from credits import operations as credits
from credits.operations.wallet import lock_wallet
from payments.ledger import journal
from payments.models import AccountLock, Operation, Payment
from payments.operations.instructors_cost import taken_so_far
from payments.operations.negative_balance import lift_negative_balance
from payments.policy.accounts import Account, Line, balanced
from payments.policy.facts import Books
from payments.policy.plan import Ending, Plan
from payments.policy.states import Action, Bearer, PaymentStatus
from payments.policy.undoing import no_longer_earned

_REVOKED_AS = {  # what was given for the booking is undone with it; what a lost chargeback takes back lessens the loss
    Action.RULE_DISPUTE: Account.FEE_INCOME,
    Action.LOSE_CHARGEBACK: Account.LOSSES,
}


def hold_wallet_still(payment: Payment) -> None:
    """Lock the wallet before a ruling looks at it, so that what is decided of its credits is what is taken."""
    lock_wallet(payment.payer.user_id)


def take_credits(payment: Payment, plan: Plan, operation: Operation, *, now: datetime) -> None:
    """Revoke what a ruling revokes, before any money moves (P9.2), and book it."""
    if not plan.revokes:
        return
    revoke = credits.revoke_frozen if plan.action == Action.LOSE_CHARGEBACK else _revoke_issued
    revoked = revoke(student_id=payment.payer.user_id, reference=payment.reference, now=now)
    if revoked != plan.revokes:
        raise RuntimeError(f"{payment.reference}: {revoked} cents were revoked, {plan.revokes} were planned.")
    journal.write_for_payment(
        payment,
        (Line(Account.CREDITS, revoked), Line(_REVOKED_AS[plan.action], -revoked)),
        cause=f"operation:{operation.pk}:revoked",
        rule=plan.rule,
        description="Credit revoked",
        now=now,
        operation=operation,
    )


def end_case(payment: Payment, operation: Operation, ending: Ending, *, now: datetime) -> None:
    """Give back what an open chargeback froze, or lock the account for good, as the bank has decided.

    A dispute ruled for the student cancels what they owe for the booking in credit, once nothing was refused (P8.4).
    """
    match operation.kind:
        case Action.RULE_DISPUTE if ending.payment_status == PaymentStatus.SETTLED:
            lift_negative_balance(payment, operation, gives_back=False, now=now)
        case Action.WIN_CHARGEBACK:
            credits.unfreeze(student_id=payment.payer.user_id, reference=payment.reference, now=now)
            lift_negative_balance(payment, operation, gives_back=True, now=now)
        case Action.LOSE_CHARGEBACK:
            AccountLock.objects.get_or_create(
                payer=payment.payer,
                reason=AccountLock.Reason.CHARGEBACK_LOST,
                reference=payment.reference,
                defaults={"locked_at": now},
            )


def count_what_was_taken(payment: Payment, operation: Operation, books: Books, *, now: datetime) -> None:
    """Count and book what a halted staff refund has taken from the instructor, now that it is decided anew (P8.6)."""
    if operation.kind != Action.STAFF_REFUND or operation.inputs["staff"]["bearer"] != Bearer.INSTRUCTOR:
        return
    taken = taken_so_far(operation)
    payment.taken_back_cents += taken
    unearned = no_longer_earned(taken, earnings_balance=books.earnings_balance, reversal_waits=books.reversal_waits)
    journal.write_for_payment(
        payment,
        balanced(Line(Account.EARNINGS, unearned), Line(Account.LOSSES, -unearned)),
        cause=f"operation:{operation.pk}:taken-back",
        rule=operation.rule,
        description="Taken back for a refund",
        now=now,
        operation=operation,
    )


def _revoke_issued(*, student_id: int, reference: str, now: datetime) -> int:
    return credits.revoke_issued(student_id=student_id, reference=reference, now=now).revoked
