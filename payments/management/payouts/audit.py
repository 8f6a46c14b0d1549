"""`manage.py payouts audit`: does every account pay out as it should, and can it be paid?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.admin.audit import Asker, AuditEntry, new_ticket
from instainstru.admin.rights import MOVE_MONEY
from payments.gateway.parties import GatewayRefused, GatewayUnavailable
from payments.gateway.schedules import usual_schedule
from payments.management.subcommands import Options, Subcommand, add_staff, asked_wrongly, staff_named
from payments.operations.payout_audit import Gap, accounts_to_audit, fix, gaps_of

BATCH = 200


class Audit(Subcommand):
    name = "audit"
    help = "Compare every instructor's account at Stripe with what it should be."
    details = (
        "The schedule of payouts: the usual one, or manual while payouts are held; whether Stripe pays the account "
        "out, whether it can be paid, and whether we know that. Each difference is told with its next step. Exits 0 "
        "if there is none left, 1 if there are, 2 if Stripe does not answer."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="Set right what can be set right from here.")
        add_staff(parser, required=False)

    def handle(self, options: Options) -> int:
        if options["fix"] and not options["staff"]:
            raise asked_wrongly("Say who sets it right: --as EMAIL.")
        asker = staff_named(options["staff"], right=MOVE_MONEY) if options["fix"] else None
        accounts = accounts_to_audit()
        total, told = accounts.count(), []
        for number, payee in enumerate(accounts.iterator(chunk_size=BATCH), start=1):
            self.tell(f"{number} of {total} accounts")
            told += [self._tell_of(gap, asker) for gap in gaps_of(payee)]
        left = sum(not one["fixed"] for one in told)
        self.answer({"accounts": total, "usual_schedule": str(usual_schedule()), "differences": told, "left": left})
        self.say(f"{total} accounts, {len(told)} differences, {left} left.", well=not left)
        return 1 if left else 0

    def _tell_of(self, gap: Gap, asker: Asker | None) -> dict[str, Any]:
        """Tell of a gap, set right by somebody if that is wanted and can be done."""
        is_fixed = asker is not None and _fixes(gap, asker)
        now = "Set right." if is_fixed else gap.next_step
        self.say(
            f"{gap.payee.user.name}, {gap.payee.account_id}: {gap.kind.replace('_', ' ')}: {gap.found}, should be "
            f"{gap.expected}. {now}",
            well=is_fixed,
        )
        return {
            "instructor": gap.payee.user.email,
            "account": gap.payee.account_id,
            "kind": gap.kind,
            "found": gap.found,
            "expected": gap.expected,
            "fixed": is_fixed,
            "next_step": None if is_fixed else gap.next_step,
        }


def _fixes(gap: Gap, asker: Asker) -> bool:
    """Set a gap right, if it can be; what Stripe says no to, or does not answer, stays a gap."""
    if not gap.can_be_fixed:
        return False
    entry = AuditEntry(
        asker=asker,
        ticket=new_ticket(),
        action="correct-payout-schedule",
        subject=gap.payee.account_id,
        reason=f"payouts audit --fix: {gap.kind.replace('_', ' ')}",
        now=clock.now(),
        before={"found": gap.found, "expected": gap.expected},
    )
    try:
        return fix(gap, actor=asker.actor, now=clock.now(), receipt=entry)
    except (GatewayRefused, GatewayUnavailable):
        return False
