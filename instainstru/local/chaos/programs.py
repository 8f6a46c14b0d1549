"""What runs under chaos: the demo's programs, several of each, with chaos's settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from instainstru.local.demo import programs
from instainstru.local.demo.programs import Places
from instainstru.local.processes import Program
from instainstru.local.servers.profile import Urls

SETTINGS = "instainstru.local.chaos.settings"
WEB_PROCESSES = 2
CALLS_PER_SECOND = 100  # of each of Stripe's endpoints; two cores don't reach it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Every program of a run."""

    simulator: Program
    webs: tuple[Program, ...]
    workers: tuple[Program, ...]
    beat: Program

    @property
    def ours(self) -> tuple[Program, ...]:
        """All but Stripe."""
        return (*self.webs, *self.workers, self.beat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What every program is told: where the others are."""

    places: Places
    urls: Urls
    more: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": self.urls.database_url,
            "REDIS_URL": self.urls.redis_url,
            "STRIPE_CALLS_PER_SECOND": str(CALLS_PER_SECOND),
            "TRUSTED_PROXIES": "1",  # people say where they come from, as a load balancer would of them
            "LOG_LEVEL": "INFO",
            **self.more,
            **more,
        }


def cast(wiring: Wiring, *, workers: int) -> Cast:
    """Return one web server with two processes, so many workers, beat, and Stripe."""
    places = wiring.places
    return Cast(
        simulator=programs.simulator(places),
        webs=(with_settings(programs.web_server(places, processes=WEB_PROCESSES), wiring),),
        workers=tuple(
            with_settings(programs.worker(places, name=f"worker-{number}", host="chaos"), wiring)
            for number in range(1, workers + 1)
        ),
        beat=with_settings(programs.beat(places), wiring),
    )


def with_settings(program: Program, wiring: Wiring, *, diary: Path | None = None) -> Program:
    """Return a program that runs with chaos's settings."""
    more = {"CHAOS_DIARY": str(diary)} if diary else {}
    return replace(program, environment={**program.environment, **wiring.environment(**more)})


def with_clock_off_by(program: Program, seconds: float) -> Program:
    """Return a program whose machine's clock is wrong."""
    return replace(program, environment={**program.environment, "CHAOS_CLOCK_OFF_BY": str(seconds)})
