"""`manage.py run_scenarios PATH…`: play the policy's worked cases through the real thing."""

import json
import time
import traceback
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from instainstru.local.databases.scratch import scratch
from instainstru.local.scenarios.runner import Result, play_case
from instainstru.local.simulator import own_simulator

Json = dict[str, Any]


class Command(BaseCommand):
    help = (
        "Play scenario files in a database and a Stripe simulator of their own, beside whatever else is running. "
        "Prints a line for each case and each difference; exits 1 if any case fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="A scenario file, or a folder of them.")
        parser.add_argument("--only", metavar="ID", action="append", help="Play this case alone; may be repeated.")
        parser.add_argument("--json", action="store_true", help="End with one JSON object: passed, failed, failed_ids.")

    def handle(self, *args: Any, paths: list[Path], only: list[str] | None, json: bool, **options: Any) -> None:
        cases = [case for path in paths for case in _read(path) if not only or case["id"] in only]
        if not cases:
            raise CommandError("No case to play.")
        started = time.monotonic()
        results = []
        with own_simulator() as simulator, scratch() as start_over:
            for case in cases:
                try:
                    result = play_case(case, simulator=simulator, start_over=start_over)
                except Exception as error:  # noqa: BLE001 - the case fails with its words, the others are still played
                    last = traceback.extract_tb(error.__traceback__)[-1]
                    words = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
                    result = Result(id=case["id"], rule=case.get("rule", ""), differences=(words,))
                    if options["traceback"]:
                        traceback.print_exc()
                self._tell(result)
                results.append(result)
        self._sum_up(results, seconds=time.monotonic() - started, as_json=json)

    def _tell(self, result: Result) -> None:
        mark = self.style.SUCCESS("pass") if result.passed else self.style.ERROR("FAIL")
        self.stdout.write(f"{mark}  {result.rule:6} {result.id}")
        for line in result.differences:
            self.stdout.write(f"      {line}")

    def _sum_up(self, results: list[Result], *, seconds: float, as_json: bool) -> None:
        failed = [result.id for result in results if not result.passed]
        passed = len(results) - len(failed)
        self.stdout.write(f"{passed} passed, {len(failed)} failed in {seconds:.1f} s")
        if as_json:
            self.stdout.write(json.dumps({"passed": passed, "failed": len(failed), "failed_ids": failed}))
        if failed:
            raise SystemExit(1)


def _read(path: Path) -> list[Json]:
    if path.is_dir():
        return [case for file in sorted(path.glob("*.json")) for case in _read(file)]
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no scenario file: {error}") from error
