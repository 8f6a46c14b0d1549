"""Auditing connected accounts: do they pay out when they should, and can they be paid at all?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Max, Prefetch, QuerySet

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from payments.gateway.errors import GatewayRefused
from payments.gateway.schedules import PayoutState, payout_state
from payments.models import Payee, PayoutHold, ScheduleChange
from payments.operations.accounts import refresh_account
from payments.operations.payout_holds import correct_schedule, send, wanted_schedule


class GapKind(StrEnum):
    """What may be wrong with an account."""

    SCHEDULE_DIFFERS = "schedule_differs"
    UNANSWERED = "unanswered"
    NOT_PAID_OUT = "not_paid_out"
    CANNOT_BE_PAID = "cannot_be_paid"
    NOT_AS_KNOWN = "not_as_known"
    NOT_SEEN = "not_seen"


_NEXT_STEPS = {
    GapKind.SCHEDULE_DIFFERS: "Somebody changed it at Stripe: find out who, then `payouts audit --fix`.",
    GapKind.UNANSWERED: "Stripe has not answered: it is asked again every few minutes, and by `payouts audit --fix`.",
    GapKind.NOT_PAID_OUT: "Stripe keeps the money: the instructor gives it what it asks for, on their payouts page.",
    GapKind.CANNOT_BE_PAID: "Stripe lets nothing be paid to it: look at the account in Stripe's dashboard.",
    GapKind.NOT_AS_KNOWN: "We have missed an event: `payouts audit --fix` takes in how it stands.",
    GapKind.NOT_SEEN: "Our key does not reach it: was the account closed, or disconnected from the platform?",
}
FIXED = frozenset({GapKind.SCHEDULE_DIFFERS, GapKind.UNANSWERED, GapKind.NOT_AS_KNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing that is not as it should be with one account."""

    payee: Payee
    kind: GapKind
    found: str
    expected: str

    @property
    def next_step(self) -> str:
        return _NEXT_STEPS[self.kind]

    @property
    def can_be_fixed(self) -> bool:
        return self.kind in FIXED


def accounts_to_audit() -> QuerySet[Payee]:
    """Return every connected account with what is wanted of it; three statements, however many there are."""
    return (
        Payee.objects.select_related("user")
        .prefetch_related(
            Prefetch("payout_holds", PayoutHold.objects.in_force(), to_attr="holds_in_force"),
            Prefetch("schedule_changes", ScheduleChange.objects.unanswered(), to_attr="unanswered_changes"),
        )
        .annotate(last_change=Max("schedule_changes__pk"))
        .order_by("id")
    )


def gaps_of(payee: Payee) -> Iterator[Gap]:
    """Ask Stripe how one of `accounts_to_audit` stands and yield what is not as it should be.

    An account whose onboarding is not finished, and is known as such, is nobody's gap. No transaction may be open.
    Raises GatewayUnavailable.
    """
    for change in payee.unanswered_changes:  # type: ignore[attr-defined]  # prefetched
        yield Gap(payee=payee, kind=GapKind.UNANSWERED, found=change.unknown_because, expected=change.schedule)
    try:
        state = payout_state(payee.account_id)
    except GatewayRefused as no:
        yield Gap(payee=payee, kind=GapKind.NOT_SEEN, found=f"{no.code}: {no}", expected="an account of ours")
        return
    if state.is_onboarded or payee.is_payable:
        yield from _differences(payee, state)


def fix(gap: Gap, *, actor: User, now: datetime, receipt: Receipt | None = None) -> bool:
    """Set right what can be, and return whether Stripe has said yes. No transaction may be open.

    Raises GatewayRefused, GatewayUnavailable.
    """
    match gap.kind:
        case GapKind.SCHEDULE_DIFFERS:
            ordered = correct_schedule(
                payee=gap.payee,
                last_change=gap.payee.last_change,  # type: ignore[attr-defined]  # annotated
                actor=actor,
                reason=f"It was {gap.found} at Stripe.",
                now=now,
                receipt=receipt,
            )
            return ordered.change is not None and ordered.change.is_done
        case GapKind.UNANSWERED:
            unanswered = gap.payee.schedule_changes.unanswered().select_related("payee")
            return all(send(change, now=now).is_done for change in unanswered)
        case GapKind.NOT_AS_KNOWN:
            refresh_account(payee=gap.payee, now=now)
            return True
    return False


def _differences(payee: Payee, state: PayoutState) -> Iterator[Gap]:
    wanted = wanted_schedule(next(iter(payee.holds_in_force), None))  # type: ignore[attr-defined]  # prefetched
    wants = ", ".join(state.requirements) or "nothing that it tells us"
    is_payable = state.transfers == "active"
    if state.schedule != wanted and not payee.unanswered_changes:  # type: ignore[attr-defined]  # prefetched
        yield Gap(payee=payee, kind=GapKind.SCHEDULE_DIFFERS, found=str(state.schedule), expected=str(wanted))
    if not state.is_paid_out:
        yield Gap(payee=payee, kind=GapKind.NOT_PAID_OUT, found=f"Stripe wants: {wants}", expected="payouts enabled")
    if not is_payable:
        found = f"transfers {state.transfers or 'not asked for'}; Stripe wants: {wants}"
        yield Gap(payee=payee, kind=GapKind.CANNOT_BE_PAID, found=found, expected="transfers active")
    if is_payable != payee.is_payable:
        known = ("can't be paid", "can be paid")
        yield Gap(payee=payee, kind=GapKind.NOT_AS_KNOWN, found=known[is_payable], expected=known[payee.is_payable])
