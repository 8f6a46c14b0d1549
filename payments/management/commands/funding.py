"""`manage.py funding forecast`: is there enough on the platform's balance at Stripe for the next days?"""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import Any

from django.core.management.base import CommandParser

from instainstru import clock
from instainstru.money import dollars
from payments.gateway import balance
from payments.management.subcommands import CommandOfSubcommands, Options, Subcommand, a_positive_number, asked_wrongly
from payments.policy.funding import Cause, Day, Forecast, Movement, forecast
from payments.queries.funding import end_of, outflows

MOST_DAYS = 90


class ForecastOfFunds(Subcommand):
    name = "forecast"
    help = "Will our balance at Stripe cover the transfers and refunds of the next days?"
    details = (
        "What leaves: top-ups and locked lessons' payouts on the day that settles them, payouts advanced where a card "
        "has not paid for 72 hours, what is under way or stopped (today), and for a case under review the ruling that "
        "costs more. What arrives: what Stripe keeps pending, on its day. Lessons still to be charged bring in nothing "
        "here, nor do late cancellations that nobody has made yet cost anything. Exits 0 if it suffices, 1 if it does "
        "not (and says when, and how much to top up), 2 if Stripe does not answer."
    )

    @classmethod
    def add_arguments(cls, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=a_positive_number, default=7, metavar="N", help="So many, with today: 7 by default."
        )

    def handle(self, options: Options) -> int:
        if (days := options["days"]) > MOST_DAYS:
            raise asked_wrongly(f"Nobody knows so much ahead: at most {MOST_DAYS} days.")
        now = clock.now()
        first = now.astimezone(UTC).date()
        funds = balance.funds(now=now, tell=lambda read: self.tell(f"{read} balance transactions of Stripe's"))
        arriving = [
            Movement(on=at.astimezone(UTC).date(), cents=cents, cause=Cause.AVAILABLE) for at, cents in funds.pending
        ]
        leaving = outflows(now=now, until=end_of(first, days=days))
        found = forecast(available=funds.available, movements=[*arriving, *leaving], first=first, days=days)
        self.answer(_as_json(found, pending=sum(cents for _, cents in funds.pending)))
        self._say(found)
        return 1 if found.short_on else 0

    def _say(self, found: Forecast) -> None:
        self.say(f"Available now {dollars(found.opening)}")
        for day in found.days:
            why = ", ".join(f"{cause.replace('_', ' ')} {dollars(cents)}" for cause, cents in _causes(day).items())
            self.say(
                f"  {day.day}  + {dollars(day.arrives):>12}  - {dollars(day.leaves):>12}  = {dollars(day.closing):>12}"
                + (f"  ({why})" if why else "")
            )
        if short := found.short_on:
            self.say(
                f"Short on {short.day}, by {dollars(-short.closing)}: top up {dollars(found.top_up)} before that day.",
                well=False,
            )
        else:
            self.say("It suffices.", well=True)


def _causes(day: Day) -> dict[Cause, int]:
    sums: Counter[Cause] = Counter()
    for movement in day.movements:
        sums[movement.cause] += abs(movement.cents)
    return {cause: sums[cause] for cause in Cause if sums[cause]}


def _as_json(found: Forecast, *, pending: int) -> dict[str, Any]:
    return {
        "available_cents": found.opening,
        "pending_cents": pending,
        "days": [
            {
                "day": day.day,
                "arrives_cents": day.arrives,
                "leaves_cents": day.leaves,
                "closing_cents": day.closing,
                "movements": [
                    {"cause": each.cause, "reference": each.reference or None, "cents": each.cents}
                    for each in day.movements
                ],
            }
            for day in found.days
        ],
        "short_on": found.short_on.day if found.short_on else None,
        "top_up_cents": found.top_up,
    }


class Command(CommandOfSubcommands):
    help = "What the company has to keep on its balance at Stripe."
    subcommands = (ForecastOfFunds,)
