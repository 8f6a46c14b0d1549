"""`manage.py payouts retry`: ask Stripe once more for what it refused, and go on from there."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.admin.audit import Asker, AuditEntry, new_ticket
from instainstru.admin.rights import MOVE_MONEY
from instainstru.money import dollars
from instainstru.refusals import Refused
from payments.management.subcommands import (
    Options,
    Subcommand,
    add_instructor,
    add_staff,
    asked_wrongly,
    payee_named,
    staff_named,
)
from payments.models import Payment
from payments.operations.retrying import RETRIED, plan_of_retry, retry_as_planned, stopped_payouts
from payments.operations.settling import Result
from payments.policy.plan import Plan
from payments.policy.states import PaymentStatus, ReviewReason

NOTE = "Retried by manage.py payouts retry."


class Retry(Subcommand):
    name = "retry"
    help = "Retry the payouts and reversals that Stripe has refused."
    details = (
        "Each waits in manual review; its plan is shown before it is retried, and exactly that is done. It is written "
        "down as what this member of staff did. Exits 0 if all went through, 1 if one was refused again or is "
        "unanswered, 2 if asked wrongly."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("--reason", choices=[reason.value for reason in RETRIED], help="Only what stopped for it.")
        add_instructor(parser)
        parser.add_argument("--payment", nargs="+", metavar="REF", default=[], help="Only these bookings (bk_…).")
        add_staff(parser, required=False)
        parser.add_argument("--note", default=NOTE, help="Why, for whoever reads the story later.")
        parser.add_argument("--dry-run", action="store_true", help="Only show the plans.")

    def handle(self, options: Options) -> int:
        asker = staff_named(options["staff"], right=MOVE_MONEY) if options["staff"] else None
        if asker is None and not options["dry_run"]:
            raise asked_wrongly("Say who does it: --as EMAIL. Or look first: --dry-run.")
        stopped = list(
            stopped_payouts(
                reasons=[ReviewReason(options["reason"])] if options["reason"] else RETRIED,
                payee=payee_named(options["instructor"]) if options["instructor"] else None,
                references=options["payment"],
            )
        )
        if missing := set(options["payment"]) - {payment.reference for payment in stopped}:
            self._require_that_nothing_waits(missing)
        told = []
        for number, payment in enumerate(stopped, start=1):
            self.tell(f"{number} of {len(stopped)}")
            told.append(self._retry(payment, None if options["dry_run"] else asker, note=options["note"]))
        failed = sum(one["result"] not in (None, Result.SETTLED, "gone_on") for one in told)
        self.answer({"dry_run": options["dry_run"], "payments": told, "failed": failed})
        if options["dry_run"]:
            self.say(f"{len(told) - failed} would be retried.")
        else:
            self.say(f"{len(told)} retried, {failed} not gone through.", well=not failed)
        return 1 if failed else 0

    def _retry(self, payment: Payment, asker: Asker | None, *, note: str) -> dict[str, Any]:
        """Show what retrying one payment does, and unless nobody does it, do exactly that."""
        told: dict[str, Any] = {"reference": payment.reference, "reason": payment.review_reason, "result": None}
        try:
            plan = plan_of_retry(payment.pk)
            told["steps"] = [{"call": step.call, "amount_cents": step.amount} for step in plan.steps]
            calls = ", ".join(f"{step.call.replace('_', ' ')} {dollars(step.amount)}" for step in plan.steps)
            self.say(f"{payment.reference}: {payment.review_error}")
            self.say(f"  {plan.rule}, {plan.action.replace('_', ' ')}: {calls or 'nothing to ask Stripe for'}")
            if asker is not None:
                entry = _entry(payment, plan, asker, note=note)
                stands = retry_as_planned(payment.pk, plan, actor=asker.actor, receipt=entry, now=clock.now())
                # What is neither settled nor stopped goes on as before: a late move is locked, say.
                gone_on = stands.result == Result.NOT_DUE
                told |= {"result": "gone_on" if gone_on else stands.result, "said": stands.said}
                well = gone_on or stands.result == Result.SETTLED
                said = f": {stands.said}" if stands.said else ""
                self.say(f"  {str(told['result']).replace('_', ' ')}{said}", well=well)
        except Refused as refusal:
            told |= {"result": refusal.code, "said": refusal.message}
            self.say(f"  {refusal.message} {refusal.what_can_be_done}", well=False)
        return told

    def _require_that_nothing_waits(self, references: set[str]) -> None:
        """Let those named that were retried before be: asking twice is no mistake; a stranger's reference is one."""
        known = Payment.objects.filter(reference__in=references)
        frozen = known.filter(status=PaymentStatus.MANUAL_REVIEW).values_list("reference", flat=True)
        if unknown := references - set(known.values_list("reference", flat=True)):
            raise asked_wrongly(f"There is no such payment: {', '.join(sorted(unknown))}. Nothing was done.")
        if frozen:
            names = ", ".join(sorted(frozen))
            raise asked_wrongly(f"No payout or reversal stopped these, or not for this reason: {names}.")
        for reference in sorted(references):
            self.say(f"{reference}: nothing waits for staff any more.")


def _entry(payment: Payment, plan: Plan, asker: Asker, *, note: str) -> AuditEntry:
    def state() -> dict[str, Any]:
        fresh = Payment.objects.get(pk=payment.pk)
        return {"payment": fresh.status, "reason": fresh.review_reason, "error": fresh.review_error}

    return AuditEntry(
        asker=asker,
        ticket=new_ticket(),
        action="retry",
        subject=payment.reference,
        reason=note,
        now=clock.now(),
        before=state(),
        shown=plan.as_json(),
        look_after=state,
    )
