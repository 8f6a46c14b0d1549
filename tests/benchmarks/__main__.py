"""Run the benchmarks: `python -m tests.benchmarks [--only NAME …] [--quick] [--json PATH]`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.benchmarks.findings import Findings, show
from tests.benchmarks.place import Scale, take_place

BENCHMARKS = {
    "api": "reads, quotes, checkouts and cancellations for 1, 32 and 150 clients",
    "settle": "the settlement sweep at Stripe's latencies of 0, 200 and 800 ms, with 1, 2 and 4 workers",
    "locks": "how long rows are locked while Stripe takes 800 ms for each call",
    "statements": "how many statements a request makes, for a newcomer and for somebody with fifty bookings",
    "sweeps": "what each sweep reads, with ten thousand and with a million bookings in the table",
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 0: a goal that is not met is said, not failed."""
    options = _options(arguments)
    scale = Scale(
        is_quick=options.quick,
        seconds=options.seconds or (0.3 if options.quick else 20),
        payments=options.payments or (60 if options.quick else 10_000),
        web_processes=1 if options.quick else options.web_processes,
        web_threads=options.web_threads,
        worker_threads=options.worker_threads,
    )
    console = Console(width=None if sys.stdout.isatty() else 160)
    found: dict[str, Findings] = {}
    started = time.monotonic()
    with take_place() as place:
        for name in options.only or BENCHMARKS:
            print(f"{name}: {BENCHMARKS[name]} …", file=sys.stderr, flush=True)
            place.start_over()
            found[name] = import_module(f"tests.benchmarks.{name}").measure(place, scale)
            show(console, found[name])
    if options.json:
        options.json.write_text(json.dumps(_as_json(found, scale, time.monotonic() - started), indent=2) + "\n")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    told = "\n".join(f"  {name:11} {text}" for name, text in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=BENCHMARKS, help="these alone")
    parser.add_argument("--quick", action="store_true", help="small, to see that it works; its figures mean nothing")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures there")
    parser.add_argument("--seconds", type=float, help="that each point of load may take; default 20")
    parser.add_argument("--payments", type=int, help="that are due in the settlement sweep; default 10,000")
    parser.add_argument("--web-processes", type=int, default=2, help="of gunicorn")
    parser.add_argument("--web-threads", type=int, default=4, help="of each of them")
    parser.add_argument("--worker-threads", type=int, default=12, help="of each Celery worker")
    return parser.parse_args(arguments)


def _as_json(found: dict[str, Findings], scale: Scale, seconds: float) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "is_quick": scale.is_quick,
        "seconds": round(seconds, 1),
        "goals_met": all(goal.is_met for findings in found.values() for goal in findings.goals),
        "benchmarks": {name: findings.as_json() for name, findings in found.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
