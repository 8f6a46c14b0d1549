"""`manage.py simulate`: a marketplace at random, with everything going wrong, and no cent lost."""

import json
import math
import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from instainstru.local.simulation.many import Report, play_many
from instainstru.local.simulation.play import Outcome
from instainstru.local.simulation.story import Faults
from payments.management.subcommands import a_number, a_positive_number, asked_wrongly, positive_numbers

INTERRUPTED = 130  # what a shell makes of Ctrl-C


class Command(BaseCommand):
    help = (
        "Play random weeks of a marketplace against the real operations, in databases and Stripe simulators of their "
        "own, and prove after every step that no cent is lost, doubled or stranded. Exits 1 if a seed fails, with how "
        "to replay it and a shortened story, or if one of its processes dies; 130 if it was interrupted. It tells what "
        "had been played by then in any case."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=a_number, default=1, help="The first seed; 1 by default.")
        parser.add_argument("--seeds", type=a_positive_number, default=1, help="How many seeds, one after another.")
        parser.add_argument(
            "--minutes", type=float, default=math.inf, help="Begin no further seed after so many; no limit by default."
        )
        parser.add_argument(
            "--bookings", type=a_positive_number, default=10, help="Bookings of each seed; 10 by default."
        )
        parser.add_argument(
            "--faults",
            choices=[level.value for level in Faults],
            default=Faults.HEAVY.value,
            help="How much goes wrong. none: only what people do, several at once among it. light: Stripe fails where "
            "several act at once, some cards fail, staff step in, and about every third lesson meets one more trouble: "
            "a lost answer, a killed worker, an outage. heavy, the default: one to four such troubles a lesson, acts "
            "in the middle of calls, outages of up to nine days, payouts that come back from the bank, and events that "
            "are lost, late and doubled.",
        )
        parser.add_argument(
            "--workers", type=a_positive_number, default=os.cpu_count() or 1, help="Processes; all cores."
        )
        parser.add_argument(
            "--only", type=positive_numbers, metavar="1,2,5", help="Play these steps of one seed alone."
        )
        parser.add_argument("--as-it-is", action="store_true", help="Don't shorten what fails.")
        parser.add_argument("--json", action="store_true", help="End with one JSON object.")

    def handle(self, *args: Any, seed: int, seeds: int, only: set[int] | None, **options: Any) -> None:
        if only and seeds > 1:
            raise asked_wrongly("--only belongs to one seed.")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the seeds' processes end as with Ctrl-C
        report = play_many(
            range(seed, seed + seeds),
            minutes=options["minutes"],
            bookings=options["bookings"],
            faults=Faults(options["faults"]),
            workers=min(options["workers"], seeds),
            only=only,
            shortens=not options["as_it_is"],
            tell_step=self.stdout.write if seeds == 1 and options["verbosity"] > 1 else None,
            tell_seed=lambda outcome, so_far: self._tell(outcome, so_far, of=seeds),
        )
        self._sum_up(report, as_json=options["json"])
        if report.failed or report.died:
            raise SystemExit(1)
        if report.interrupted:
            raise SystemExit(INTERRUPTED)

    def _tell(self, outcome: Outcome, so_far: Report, *, of: int) -> None:
        mark = self.style.ERROR("FAIL") if outcome.failure else self.style.SUCCESS("pass")
        self.stdout.write(
            f"{mark}  seed {outcome.story.seed}  {outcome.bookings} bookings, {outcome.steps} steps, "
            f"{outcome.seconds:.1f} s  ({so_far.seeds} of {of}, {len(so_far.failed)} failed)"
        )
        if outcome.failure:
            after = f"after step {outcome.failure.after}" if outcome.failure.after else "at the end"
            self.stdout.write(f"      {after}:")
            for line in outcome.failure.lines:
                self.stdout.write(f"      {line}")
            self.stdout.write("      the story, shortened:")
            for step in outcome.story.steps:
                self.stdout.write(f"      {step}")
            self.stdout.write(f"      replay: {outcome.story.replay}")
        self.stdout.flush()

    def _sum_up(self, report: Report, *, as_json: bool) -> None:
        bookings = max(1, report.bookings)
        rows = {
            "seeds": report.seeds,
            "failed": len(report.failed),
            "bookings": report.bookings,
            "steps": report.steps,
            "seconds": f"{report.seconds:.1f}",
            "seconds of one process per booking": f"{report.busy_seconds / bookings:.2f}",
            "of them its own work": f"{report.cpu_seconds / bookings:.2f}",
        }
        self.stdout.write("\ninterrupted" if report.interrupted else "")
        if report.died:
            self.stdout.write(self.style.ERROR(f"{report.died}; the others were ended"))
        for name, value in rows.items():
            self.stdout.write(f"{name:36}{value:>10}")
        for title, counts in (("steps went", report.words), ("payments ended", report.ends)):
            self.stdout.write(f"{title}")
            for name, count in counts.most_common():
                self.stdout.write(f"  {name or '-':34}{count:>10}")
        self.stdout.write("what occurred, the rarest first")
        for line in report.coverage.lines():
            self.stdout.write(f"  {line}")
        if as_json:
            self.stdout.write(json.dumps(report.as_json()))
