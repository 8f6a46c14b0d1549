"""`manage.py payouts due`: what instructors are going to be paid, and what is kept back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.money import dollars
from payments.management.subcommands import Options, Subcommand, add_instructor, an_instant, in_utc, payee_named
from payments.models import Payee, PayoutHold
from payments.queries.settlements import LeftOut, Settlement, left_out, settlements_ahead


class Due(Subcommand):
    name = "due"
    help = "List the settlements that are due, or will be until an instant, by instructor."
    details = (
        "Each lesson's payout is shown in whole and by its ways: with the card's charge, and by a transfer of ours. "
        "What a case has frozen, what waits for staff and what is being done right now is listed apart, with why."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "--until", type=an_instant, metavar="INSTANT", help="Now by default; 2026-11-05T09:00, or +2d."
        )
        add_instructor(parser)

    def handle(self, options: Options) -> int:
        now = clock.now()
        until = options["until"] or now
        payee = payee_named(options["instructor"]) if options["instructor"] else None
        settlements, others = settlements_ahead(until=until, payee=payee), left_out(until=until, payee=payee)
        held = set(PayoutHold.objects.in_force().values_list("payee_id", flat=True))
        self.answer(
            {
                "now": now,
                "until": until,
                "instructors": [
                    _of_instructor(whose, list(theirs), is_held=whose.pk in held, now=now)
                    for whose, theirs in groupby(settlements, key=lambda each: each.payment.payee)
                ],
                "totals": _totals(settlements),
                "left_out": [_kept_back(each) for each in others],
            }
        )
        for whose, theirs in groupby(settlements, key=lambda each: each.payment.payee):
            self._say_of(whose, list(theirs), is_held=whose.pk in held, now=now)
        if others:
            self.say("Left out:")
        for each in others:
            said = f" Stripe said: {each.said}." if each.said else ""
            self.say(f"  {each.payment.reference}  {each.what}, since {in_utc(each.since)}.{said}")
        sums = _totals(settlements)
        self.say(
            f"{sums['settlements']} settlements until {in_utc(until)}: {dollars(sums['payout_cents'])}, of it "
            f"{dollars(sums['by_transfer_cents'])} by transfers of ours. {len(others)} left out."
        )
        return 0

    def _say_of(self, payee: Payee, settlements: Sequence[Settlement], *, is_held: bool, now: datetime) -> None:
        stays = ", held: paid to the account at Stripe, not on to the bank" if is_held else ""
        self.say(f"{payee.user.name} <{payee.user.email}> {payee.account_id}{stays}")
        for each in settlements:
            due = "due" if each.due_at <= now else "coming"
            self.say(
                f"  {each.payment.reference}  lesson ended {in_utc(each.payment.ends_at)}, "
                f"{due} {in_utc(each.due_at)}: {dollars(each.payout.total)} = {dollars(each.payout.by_charge)} "
                f"with the charge + {dollars(each.payout.by_transfer)} by transfer"
            )
        self.say(f"  together {dollars(_totals(settlements)['payout_cents'])}")


def _of_instructor(payee: Payee, settlements: Sequence[Settlement], *, is_held: bool, now: datetime) -> dict[str, Any]:
    """Write one instructor's settlements as JSON."""
    return {
        "instructor": payee.user.email,
        "name": payee.user.name,
        "account": payee.account_id,
        "is_held": is_held,
        "settlements": [
            {
                "reference": each.payment.reference,
                "payment_status": each.payment.status,
                "lesson_ends_at": each.payment.ends_at,
                "due_at": each.due_at,
                "is_due": each.due_at <= now,
                "payout_cents": each.payout.total,
                "by_charge_cents": each.payout.by_charge,
                "by_transfer_cents": each.payout.by_transfer,
            }
            for each in settlements
        ],
        "totals": _totals(settlements),
    }


def _totals(settlements: Sequence[Settlement]) -> dict[str, int]:
    return {
        "settlements": len(settlements),
        "payout_cents": sum(each.payout.total for each in settlements),
        "by_charge_cents": sum(each.payout.by_charge for each in settlements),
        "by_transfer_cents": sum(each.payout.by_transfer for each in settlements),
    }


def _kept_back(each: LeftOut) -> dict[str, Any]:
    return {
        "reference": each.payment.reference,
        "instructor": each.payment.payee.user.email,
        "why": each.why,
        "what": each.what,
        "review_reason": each.payment.review_reason or None,
        "since": each.since,
        "said": each.said,
    }
