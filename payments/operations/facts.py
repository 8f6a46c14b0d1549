"""Reading a payment and its subject as the facts that the policy decides by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Sum

from credits.queries import issued_for, paid_off_towards
from payments.endings import Subject
from payments.models import Payment, Step
from payments.operations import instructors_cost
from payments.policy.accounts import Account
from payments.policy.facts import Books, Case, Facts, Transfer, Wish
from payments.policy.states import (
    REVERSED_WHOLE,
    Action,
    Bearer,
    Call,
    NoShowRuling,
    Outcome,
    PaymentStatus,
    ReviewReason,
)
from payments.policy.undoing import no_longer_earned

# Inputs of what has to know how the money moved so far: staff's own, a ruling, what goes on after a case had halted it.
_MOVED_BEFORE = frozenset({"staff", "case", "halted"})

# What begins anew what was stopped: `manual_review` stays until it is answered (P10.4), and it is decided without it.
RETRIES_A_STOP = {"retries_a_stop": True}


def facts_of(subject: Subject, *, inputs: Mapping[str, Any] | None = None) -> Facts:
    """Return what is true of a payment and its subject, and what an action asks for beside it.

    Of a frozen payment that is the freeze; what a ruling is decided by is read while the freeze is lifted.
    """
    payment, inputs = subject.payment, inputs or {}
    wanted = inputs.get("new_starts_at")
    retried = retries_a_stop(payment, inputs)
    return Facts(
        terms=payment.terms,
        booking_status=subject.status,
        payment_status=PaymentStatus(payment.former_status if retried else payment.status),
        outcome=Outcome(payment.settlement_outcome) if payment.settlement_outcome else None,
        made_at=payment.made_at,
        starts_at=payment.starts_at,
        ends_at=payment.ends_at,
        hold=payment.authorized_cents,
        has_pending_intent=bool(payment.pending_intent_id),
        captured=payment.captured_cents,
        refunded=payment.refunded_to_card_cents,
        instructor_holds=payment.instructor_payout_cents,
        collection_refused_at=payment.collection_refused_at,
        owed=payment.owed_cents,
        student_is_there=inputs.get("student_is_there", False),
        late_reschedule_used=payment.late_reschedule_used,
        review_reason=ReviewReason(payment.review_reason) if payment.review_reason and not retried else None,
        credits_consumed=payment.credits_consumed_cents,
        credits_released=payment.credits_released_cents,
        wish=_wish(inputs.get("staff", {})),
        books=_books(payment) if looks_into_the_books(inputs) else Books(),
        case=_case(payment, inputs["case"]) if "case" in inputs else Case(),
        charged_back=payment.charged_back_cents,
        new_starts_at=datetime.fromisoformat(wanted) if wanted else None,
    )


def retries_a_stop(payment: Payment, inputs: Mapping[str, Any]) -> bool:
    """Return whether an action with these inputs is one that a payment was stopped for, begun anew (P10.3)."""
    return payment.is_stopped and RETRIES_A_STOP.items() <= inputs.items()


def booked_for(payment: Payment) -> dict[str, int]:
    """Return what stands in each account for a payment, debit positive."""
    return dict(payment.postings.values("account").annotate(sum=Sum("amount_cents")).values_list("account", "sum"))


def earned_of(taken: int, payment: Payment) -> int:
    """Return what of an amount taken from the instructor they had earned, by how the payment stands, in cents."""
    return no_longer_earned(
        taken,
        earnings_balance=booked_for(payment).get(Account.EARNINGS, 0),
        reversal_waits=any(_waits(step) for step in _stopped_reversals(payment)),
    )


def _stopped_reversals(payment: Payment) -> list[Step]:
    """The calls, made and refused, that take from the instructor for what waits for staff."""
    calls = Step.objects.filter(operation__in=payment.operations.stuck(), call__in=instructors_cost.TAKES)
    return list(calls.select_related("operation"))


def _waits(step: Step) -> bool:
    """Return whether a step is the reversal for a LOCK or a cancellation, refused."""
    is_refused = step.call == Call.REVERSE and step.state == Step.State.REFUSED
    return is_refused and step.operation.kind in REVERSED_WHOLE


def looks_into_the_books(inputs: Mapping[str, Any]) -> bool:
    """Return whether such an action is decided by what is booked for the payment, beside how its row stands."""
    return bool(_MOVED_BEFORE & inputs.keys())


def _wish(asked: Mapping[str, Any]) -> Wish:
    return Wish(
        with_refund=asked.get("with_refund", True),
        refund=asked.get("refund"),
        bearer=Bearer(asked.get("bearer", Bearer.PLATFORM)),
    )


def _books(payment: Payment) -> Books:
    """Read what is booked for a payment from its postings, and what the instructor holds of it transfer by transfer."""
    booked = booked_for(payment)
    transfers = payment.payout_transfers.order_by("-id")
    stopped = _stopped_reversals(payment)
    return Books(
        transfers=tuple(
            Transfer(id=transfer.transfer_id, left=transfer.amount_cents - transfer.reversed_cents)
            for transfer in transfers
        ),
        refunded_at_instructors_cost=payment.refunded_at_instructors_cost_cents,
        taken_back=payment.taken_back_cents + instructors_cost.taken_by(stopped),
        reversal_waits=any(_waits(step) for step in stopped),
        held_balance=booked.get(Account.HELD, 0),
        earnings_balance=booked.get(Account.EARNINGS, 0),
    )


def _case(payment: Payment, asked: Mapping[str, Any]) -> Case:
    """What a ruling or the bank says, beside the credits of the booking and what the bank has of its money."""
    used = payment.credits_released_cents + payment.credits_consumed_cents + payment.credits_forfeited_cents
    issued = issued_for(reference=payment.reference)
    in_dispute = payment.postings.filter(account=Account.IN_DISPUTE).aggregate(sum=Sum("amount_cents", default=0))
    return Case(
        no_show=NoShowRuling(asked["no_show"]) if "no_show" in asked else None,
        credits_reserved=payment.credits_cents - used,
        credits_forfeited=payment.credits_forfeited_cents,
        credits_given_back=payment.student_credit_cents - issued.in_all,
        issued_left=issued.left,
        issued_frozen=issued.frozen,
        issued_spent=issued.spent,
        in_dispute=in_dispute["sum"],
        to_pay_again=_taken_back_for(payment, asked["chargeback"]) if "chargeback" in asked else 0,
        comes_back=paid_off_towards(reference=payment.reference) if "chargeback" in asked else 0,
    )


def _taken_back_for(payment: Payment, chargeback: str) -> int:
    """What was taken back from the instructor when a chargeback was opened (section 11)."""
    steps = Step.objects.filter(
        operation__payment=payment,
        operation__kind=Action.ANSWER_CHARGEBACK,
        operation__inputs__case__chargeback=chargeback,
        state=Step.State.SUCCEEDED,
    )
    return steps.aggregate(sum=Sum("amount_cents", default=0))["sum"]
