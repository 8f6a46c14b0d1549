"""`manage.py payouts run`: settle now what is due, instead of waiting for the sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.money import dollars
from payments.management.subcommands import (
    Options,
    Subcommand,
    a_positive_number,
    add_instructor,
    asked_wrongly,
    in_utc,
    payee_named,
)
from payments.models import Payee, Payment
from payments.operations.settling import Result, Settled, how_it_stands, settle_due
from payments.queries.settlements import payout_of

IN_WORDS = {
    Result.SETTLED: "settled",
    Result.CARD_REFUSED: "the card was refused; it is tried again by itself",
    Result.STOPPED: "stopped, waits for staff",
    Result.UNDER_WAY: "under way: another worker is at it, or Stripe is asked again by itself",
    Result.NOT_DUE: "not due any more",
}
ENDED = (Result.SETTLED, Result.STOPPED, Result.UNDER_WAY)


class Run(Subcommand):
    name = "run"
    help = "Settle now what is due: charge the card, pay the instructor."
    details = (
        "It is what the clockwork does by itself every half minute. Safe beside it, beside another run, and again: "
        "each payment is settled once. Exits 0 if all is settled, 1 if something failed or stopped, 2 if asked wrongly."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        add_instructor(parser)
        parser.add_argument("--payment", nargs="+", metavar="REF", default=[], help="Only these bookings (bk_…).")
        parser.add_argument("--limit", type=a_positive_number, metavar="N", help="At most so many.")
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would be settled.")

    def handle(self, options: Options) -> int:
        payee = payee_named(options["instructor"]) if options["instructor"] else None
        named: list[str] = options["payment"]
        done = self._ended_before(named, payee)
        due = Payment.objects.due_for_settlement(at=clock.now())
        if payee is not None:
            due = due.filter(payee=payee)
        if named:
            due = due.filter(reference__in=named)
        free = due.without_open_operation()
        if options["dry_run"]:
            return self._show(free.order_by("settle_at", "id")[: options["limit"]])
        total = free[: options["limit"]].count()
        for number, settled in enumerate(settle_due(due, limit=options["limit"]), start=1):
            done.append(settled)
            self._say(settled)
            self.tell(f"{number} of {total}")
        done += self._with_others(set(named) - {each.reference for each in done})
        counts = Counter(each.result for each in done)
        failed = sum(count for result, count in counts.items() if result not in (Result.SETTLED, Result.NOT_DUE))
        self.answer({"dry_run": False, "payments": [_as_json(each) for each in done], "failed": failed})
        self.say(f"{counts[Result.SETTLED]} settled, {failed} not.", well=not failed)
        return 1 if failed else 0

    def _show(self, due: Iterable[Payment]) -> int:
        payouts = {payment.reference: payout_of(payment).total for payment in due}
        self.answer(
            {
                "dry_run": True,
                "payments": [{"reference": reference, "payout_cents": cents} for reference, cents in payouts.items()],
            }
        )
        for reference, cents in payouts.items():
            self.say(f"{reference}: would be settled, {dollars(cents)} to the instructor")
        self.say(f"{len(payouts)} would be settled, {dollars(sum(payouts.values()))} to instructors.")
        return 0

    def _say(self, settled: Settled) -> None:
        said = f": {settled.said}" if settled.said else ""
        self.say(f"{settled.reference}: {IN_WORDS[settled.result]}, instructor has {dollars(settled.paid)}{said}")

    def _ended_before(self, references: list[str], payee: Payee | None) -> list[Settled]:
        """Return those of the named that are settled, stopped or under way already; say no to what is not due."""
        named = Payment.objects.filter(reference__in=references, **({"payee": payee} if payee else {}))
        found = {payment.reference: payment for payment in named}
        if unknown := [reference for reference in references if reference not in found]:
            raise asked_wrongly(f"There is no such payment: {', '.join(unknown)}. Nothing was done.")
        stands = [how_it_stands(payment) for payment in found.values()]
        ended = [each for each in stands if each.result in ENDED]
        for reference in found.keys() - {each.reference for each in ended}:
            due_at = found[reference].settle_at
            if due_at is None or due_at > clock.now():
                when = f"is due {in_utc(due_at)}" if due_at else "is not to be settled"
                raise asked_wrongly(f"{reference} {when}. Nothing was done.")
        for each in ended:
            self._say(each)
        return ended

    def _with_others(self, references: set[str]) -> list[Settled]:
        """Return those of the named that another worker had claimed, as they stand now."""
        stands = [how_it_stands(payment) for payment in Payment.objects.filter(reference__in=references)]
        others = [each if each.result == Result.SETTLED else replace(each, result=Result.UNDER_WAY) for each in stands]
        for each in others:
            self._say(each)
        return others


def _as_json(settled: Settled) -> dict[str, Any]:
    return {
        "reference": settled.reference,
        "result": settled.result,
        "instructor_has_cents": settled.paid,
        "said": settled.said,
    }
