"""One run of the demo, from nothing to everything running, and back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test.utils import override_settings
from rich.console import Console
from rich.table import Table

from instainstru.local import gate, journey
from instainstru.local.demo import data, people, programs, report
from instainstru.local.demo.programs import Places
from instainstru.local.demo.story import STORY
from instainstru.local.demo.telling import tell
from instainstru.local.filelocks import FileLock
from instainstru.local.processes import CannotRun, Supervisor, only_one
from instainstru.local.servers.profile import Profile
from instainstru.local.simulator import SimulatorControl

PATIENCE = 10  # seconds for a reset that is under way
CLEAR_BOTH = "Clear both with `make demo-reset`, and a database of your own (DATABASE_URL) yourself; then start anew."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run is to do beside running."""

    once: bool  # tell the story and end
    again: bool  # tell it although it was told here before
    report: Path | None  # where to write what became of it


def run(places: Places, wish: Wish, *, console: Console) -> bool:
    """Start everything, tell the story, prove the books, and stay until Ctrl-C unless it is for once.

    Returns whether all came out right. Whatever ends it, everything that was started is ended. Raises CannotRun,
    gate.CannotTravel, and KeyboardInterrupt for a Ctrl-C or SIGTERM before the story's end.
    """
    with _alone(places), Supervisor(places.logs) as supervisor, _pointing_at(places):
        try:
            simulator = _start(places, supervisor, console)
            right = _tell(places, wish, simulator=simulator, supervisor=supervisor, console=console)
            if not wish.once:
                _show_around(places, console)
                _stay(supervisor)
        finally:
            console.print("\nEnding what was started …")
    return right


def _stay(supervisor: Supervisor) -> None:
    with suppress(KeyboardInterrupt):  # the way in which a demo ends
        supervisor.watch()


def _start(places: Places, supervisor: Supervisor, console: Console) -> SimulatorControl:
    with console.status("Migrating the database"):
        call_command("migrate", verbosity=0, interactive=False)
        call_command("sync_clockwork", stdout=StringIO())
        call_command("sync_groups", stdout=StringIO())
    with console.status("Starting the Stripe simulator"):
        supervisor.start(programs.simulator(places))
        simulator = SimulatorControl(places.stripe)
        try:
            data.require_in_step()
        except data.OutOfStep as error:
            raise CannotRun(f"{error} {CLEAR_BOTH}") from error
        journey.keep_in_step(simulator)
    with console.status("Starting web server, worker and beat"):
        supervisor.start(programs.web_server(places), programs.worker(places), programs.beat(places))
    with console.status("Bringing the people in"):
        data.load(simulator)
    console.print(f"Everything is running: {places.site}\n")
    return simulator


def _tell(places: Places, wish: Wish, *, simulator: SimulatorControl, supervisor: Supervisor, console: Console) -> bool:
    """Tell the story, or show what became of it when it was told here before; then prove the books."""
    told_before = places.folder / "story.json"
    is_told = wish.once or wish.again or not told_before.exists()
    if is_told:
        told_before.unlink(missing_ok=True)
        rows = tell(STORY, site=places.site, simulator=simulator, say=console.print, look_around=supervisor.check)
    else:
        console.print("The story was told here before, and this is what became of it. --again tells it once more.")
        rows = report.read(told_before)
    console.print()
    console.print(report.as_table(rows, width=console.width))
    books, balance = _verify_books()
    console.print(f"verify_books: {books}", style="green" if balance else "bold red")
    for path in filter(None, (told_before if is_told else None, wish.report)):
        report.write(path, rows, books=books)
    wrong = sum(bool(row.problems) for row in rows)
    if is_told:
        console.print(f"{len(rows) - wrong} of {len(rows)} lines of the story came out as the policy says.")
    return balance and not wrong


def _verify_books() -> tuple[str, bool]:
    """Run `verify_books --stripe` while no task changes anything; return what it says and whether all is right."""
    said = StringIO()
    with gate.shut():
        try:
            call_command("verify_books", stripe=True, stdout=said, no_color=True)
        except SystemExit:
            return said.getvalue().strip(), False
    return said.getvalue().strip(), True


@contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Be the only demo on this data, and keep it from being cleared meanwhile. Raises CannotRun."""
    with only_one(places.folder / "demo.lock", what="demo", address=places.site):
        used = FileLock(Profile.named(places.folder.name).users_lock)
        if not used.shared_within(PATIENCE):
            raise CannotRun(f"{places.folder} is being cleared.")
        try:
            yield
        finally:
            used.release()


@contextmanager
def _pointing_at(places: Places) -> Iterator[None]:
    """Let this process mean the same simulator and site as those that it starts, and log beside them."""
    log = logging.FileHandler(places.logs / "demo.log", mode="w")
    root = logging.getLogger()
    former = root.handlers
    for handler in former:
        log.setFormatter(handler.formatter)
        log.filters = handler.filters
    root.handlers = [log]
    try:
        with override_settings(STRIPE_API_BASE=places.stripe, SITE_URL=places.site):
            yield
    finally:
        root.handlers = former
        log.close()


def _show_around(places: Places, console: Console) -> None:
    site = places.site
    look = Table.grid(padding=(0, 2))
    for what, where in {
        "Pages": f"{site}/",
        "Back office": f"{site}/admin/",
        "  to be ruled on": f"{site}/admin/disputes/noshowreport/",
        "  a refund, a chargeback": f"{site}/admin/bookings/booking/?payment__settlement_outcome=admin_refund",
        "API": f"{site}/api/docs",
        "Health, metrics": f"{site}/readyz  {site}/metrics",
        "Stripe simulator": f"{places.stripe}/_control/summary",
        "Mail": f"files in {settings.EMAIL_FILE_PATH}",
        "Logs": f"files in {places.logs}",
        "Time": ".venv/bin/python manage.py clock advance 24h",
    }.items():
        look.add_row(what, where)
    logins = Table.grid(padding=(0, 2))
    for login, who in {
        "student": "a student with a card and credits",
        "declined": "a student whose card is refused whenever it is charged",
        "3ds": "a student whose bank wants to confirm each payment",
        "instructor": "an instructor",
        people.STAFF_LOGIN: "staff, for the back office",
    }.items():
        logins.add_row(people.address(login), who)
    console.print(
        "\n[bold]Where to look[/bold]", look, f"\n[bold]Who to be[/bold], password: {people.PASSWORD}", logins
    )
    if places.stripe != f"http://127.0.0.1:{programs.SIMULATOR_PORT}":
        console.print(f"\nFor other commands of manage.py: export STRIPE_API_BASE={places.stripe}")
    console.print("\nCtrl-C ends it all. The data stays: `make demo` goes on from here, `make demo-reset` clears it.")
