"""`manage.py payouts hold` and `release`: an instructor's money stays at Stripe, or goes to the bank again."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.admin.audit import Asker, AuditEntry, new_ticket
from instainstru.admin.rights import MOVE_MONEY
from instainstru.api.idempotency import Receipt
from payments import operations
from payments.management.subcommands import (
    Options,
    Subcommand,
    add_staff,
    asked_wrongly,
    in_utc,
    payee_named,
    staff_named,
)
from payments.models import Payee
from payments.operations.payout_holds import Ordered

WHAT_A_HOLD_IS = (
    "A hold changes nothing of what a lesson earns: lessons settle and the instructor is paid, but what is paid stays "
    "on their account at Stripe instead of going to the bank. Doing it twice is doing it once. Exits 0 if it is so "
    "now, 1 if Stripe said no or has not answered (then it is asked again by itself), 2 if asked wrongly."
)


class _Order(Subcommand):
    """One of the two: what is asked for is the same."""

    details = WHAT_A_HOLD_IS
    would: ClassVar[str]
    done: ClassVar[str]

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument("instructor", help="By e-mail address, or account at Stripe (acct_…).")
        parser.add_argument("--reason", required=True, help="Why; it is kept and shown to staff.")
        add_staff(parser)
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would be done.")

    def handle(self, options: Options) -> int:
        if not options["reason"].strip():
            raise asked_wrongly("Say why: --reason.")
        asker, payee = staff_named(options["staff"], right=MOVE_MONEY), payee_named(options["instructor"])
        if options["dry_run"]:
            return self._show(payee)
        receipt = _entry(self.name, payee, asker, reason=options["reason"])
        ordered = self.order(payee=payee, actor=asker.actor, reason=options["reason"], receipt=receipt)
        result = _result(ordered)
        self.answer(_as_json(payee, ordered, result))
        self._say(payee, ordered, result)
        return 0 if result in ("done", "already") else 1

    @abstractmethod
    def order(self, *, payee: Payee, actor: User, reason: str, receipt: Receipt) -> Ordered: ...

    @abstractmethod
    def is_so(self, payee: Payee) -> bool:
        """Whether there is nothing to do."""

    def _show(self, payee: Payee) -> int:
        is_so = self.is_so(payee)
        self.answer({"dry_run": True, "instructor": payee.user.email, "result": "already" if is_so else "would_change"})
        self.say(f"{payee.user.name}, {payee.account_id}: {f'{self.done} already' if is_so else self.would}.")
        return 0

    def _say(self, payee: Payee, ordered: Ordered, result: str) -> None:
        who, change, hold = f"{payee.user.name}, {payee.account_id}", ordered.change, ordered.hold
        match result:
            case "done":
                self.say(f"{who}: {self.done}.", well=True)
            case "already" if hold is not None and hold.released_at is None:
                since = f"since {in_utc(hold.held_at)}, by {hold.held_by.name}: {hold.reason}"
                self.say(f"{who}: {self.done} already, {since}", well=True)
            case "already":
                self.say(f"{who}: {self.done} already.", well=True)
            case "refused":
                self.say(f"{who}: Stripe refused it. {change.refusal if change else ''}", well=False)
            case _:
                self.say(f"{who}: Stripe has not answered; it is asked again by itself.", well=False)


class Hold(_Order):
    name = "hold"
    help = "Hold an instructor's payouts: what they have at Stripe stays there."
    would = "would be held"
    done = "held"

    def order(self, *, payee: Payee, actor: User, reason: str, receipt: Receipt) -> Ordered:
        return operations.hold_payouts(payee=payee, actor=actor, reason=reason, receipt=receipt, now=clock.now())

    def is_so(self, payee: Payee) -> bool:
        return payee.payout_holds.in_force().exists()


class Release(_Order):
    name = "release"
    help = "Release an instructor's payouts: what they have at Stripe goes to the bank by the usual schedule."
    would = "would be released"
    done = "not held"

    def order(self, *, payee: Payee, actor: User, reason: str, receipt: Receipt) -> Ordered:
        return operations.release_payouts(payee=payee, actor=actor, reason=reason, receipt=receipt, now=clock.now())

    def is_so(self, payee: Payee) -> bool:
        return not payee.payout_holds.in_force().exists()


def _result(ordered: Ordered) -> str:
    change = ordered.change
    if change is None:
        return "already"
    if change.refusal:
        return "refused"
    if not change.is_done:
        return "unanswered"
    return "done" if ordered.is_new else "already"


def _as_json(payee: Payee, ordered: Ordered, result: str) -> dict[str, Any]:
    hold, change = ordered.hold, ordered.change
    return {
        "dry_run": False,
        "instructor": payee.user.email,
        "account": payee.account_id,
        "result": result,
        "schedule": change.schedule if change else None,
        "refusal": (change.refusal or None) if change else None,
        "hold": hold
        and {
            "since": hold.held_at,
            "by": hold.held_by.email,
            "reason": hold.reason,
            "released_at": hold.released_at,
        },
    }


def _entry(action: str, payee: Payee, asker: Asker, *, reason: str) -> AuditEntry:
    def state() -> dict[str, Any]:
        hold = payee.payout_holds.in_force().first()
        return {"held_since": hold.held_at.isoformat() if hold else None}

    return AuditEntry(
        asker=asker,
        ticket=new_ticket(),
        action=f"{action}-payouts",
        subject=payee.account_id,
        reason=reason,
        now=clock.now(),
        before=state(),
        look_after=state,
    )
