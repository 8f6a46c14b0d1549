"""`manage.py payouts audit`: does every account pay out as it should, and can it be paid?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.admin.audit import Asker, AuditEntry, new_ticket
from instainstru.admin.rights import MOVE_MONEY
from payments.gateway.errors import GatewayRefused, GatewayUnavailable
from payments.gateway.schedules import usual_schedule
from payments.management.subcommands import Options, Subcommand, add_staff, asked_wrongly, staff_named
from payments.models import Payee
from payments.operations.payout_audit import Gap, accounts_to_audit, fix, gaps_of

BATCH = 200


class Audit(Subcommand):
    name = "audit"
    help = "Compare every instructor's account at Stripe with what it should be."
    details = (
        "The schedule of payouts: the usual one, or manual while payouts are held; whether Stripe pays the account "
        "out, whether it can be paid, and whether we know that. Each difference is told with its next step. Exits 0 "
        "if there is none left, 1 if there are, 2 if asked wrongly or if Stripe did not answer for an account: the "
        "others are looked at all the same."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="Set right what can be set right from here.")
        add_staff(parser, required=False)
        parser.add_argument("--dry-run", action="store_true", help="Only tell what --fix would set right.")

    def handle(self, options: Options) -> int:
        dry_run: bool = options["dry_run"]
        if options["fix"] and not (options["staff"] or dry_run):
            raise asked_wrongly("Say who sets it right: --as EMAIL. Or look first: --dry-run.")
        staff = staff_named(options["staff"], right=MOVE_MONEY) if options["staff"] else None
        asker = staff if options["fix"] and not dry_run else None
        accounts = accounts_to_audit()
        total, differences, silent = accounts.count(), [], []
        for number, payee in enumerate(accounts.iterator(chunk_size=BATCH), start=1):
            self.tell(f"{number} of {total} accounts")
            try:
                for gap in gaps_of(payee):  # what is told before a silence may be set right already, and stays told
                    told = self._tell_of(gap, asker, dry_run=dry_run)
                    differences.append(told)
            except GatewayUnavailable as silence:
                silent.append(self._tell_of_silence(payee, silence))
        left = sum(not one["fixed"] for one in differences)
        self.answer(
            {
                "dry_run": dry_run,
                "accounts": total,
                "usual_schedule": str(usual_schedule()),
                "differences": differences,
                "left": left,
                "not_answered": silent,
            }
        )
        unknown = f", {len(silent)} not answered" if silent else ""
        self.say(f"{total} accounts, {len(differences)} differences, {left} left{unknown}.", well=not (left or silent))
        return 2 if silent else 1 if left else 0

    def _tell_of_silence(self, payee: Payee, silence: GatewayUnavailable) -> dict[str, Any]:
        self.say(f"{payee.user.name}, {payee.account_id}: not answered: {silence}", well=False)
        return {"instructor": payee.user.email, "account": payee.account_id, "said": str(silence)}

    def _tell_of(self, gap: Gap, asker: Asker | None, *, dry_run: bool) -> dict[str, Any]:
        """Tell of a gap, set right by somebody if that is wanted and can be done."""
        is_fixed = asker is not None and _fixes(gap, asker)
        would_fix = dry_run and gap.can_be_fixed
        now = "Set right." if is_fixed else "Would be set right." if would_fix else gap.next_step
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
            "would_fix": would_fix,
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
