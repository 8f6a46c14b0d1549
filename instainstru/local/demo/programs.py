"""What runs in a demo, each as a process of its own and the way a production runs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from instainstru.local.processes import Program

WEB_PORT = 8000
SIMULATOR_PORT = 12111
APPLICATION = "instainstru.wsgi:application"
THREADS = 8  # requests at a time; each waits for Stripe most of its time
TASKS = 2  # at a time
STARTUP = 90.0  # seconds; each takes two or three, on a busy machine several times that


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything of one demo answers, and where it keeps what the database doesn't."""

    host: str
    web_port: int
    simulator_port: int
    folder: Path

    @property
    def site(self) -> str:
        return f"http://{self.host}:{self.web_port}"

    @property
    def stripe(self) -> str:
        return f"http://{self.host}:{self.simulator_port}"

    @property
    def simulator_state(self) -> Path:
        return self.folder / "stripe-simulator.sqlite"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        """What settings have to know of these places."""
        return {
            "PYTHONPATH": str(settings.BASE_DIR),
            "SITE_URL": self.site,
            "STRIPE_API_BASE": self.stripe,
            "DJANGO_ALLOWED_HOSTS": ",".join({*settings.ALLOWED_HOSTS, self.host}),
            "LOG_LEVEL": "INFO",
        }


def simulator(places: Places) -> Program:
    options = {
        "--host": places.host,
        "--port": places.simulator_port,
        "--state": places.simulator_state,
        "--webhook-url": f"{places.site}{reverse('stripe-webhook')}",
        "--webhook-secret": settings.STRIPE_WEBHOOK_SECRETS[0],
    }
    return Program(
        name="Stripe simulator",
        command=[sys.executable, "-m", "payments.simulator", *_written(options)],
        environment={"PYTHONPATH": str(settings.BASE_DIR)},
        port=places.simulator_port,
        port_setting="make demo ARGS=--simulator-port",
        ready_url=f"{places.stripe}/_control/health",
    )


def web_server(places: Places, *, processes: int = 1) -> Program:
    options = {
        "--bind": f"{places.host}:{places.web_port}",
        "--worker-class": "gthread",
        "--workers": processes,
        "--threads": THREADS,
    }
    return Program(
        name="web server",
        command=[sys.executable, "-m", "gunicorn", "--no-control-socket", *_written(options), APPLICATION],
        environment=places.environment,
        port=places.web_port,
        port_setting="make demo ARGS=--web-port",
        ready_url=f"{places.site}/healthz",
        patience=STARTUP,
    )


def worker(places: Places, *, name: str = "worker", host: str = "demo") -> Program:
    options = {"--queues": "clockwork,money,messages,mirror", "--concurrency": TASKS, "--hostname": f"{name}@{host}"}
    return Program(
        name=name,
        command=[*_celery("worker"), *_written(options)],
        environment=places.environment,
        ready_line=rf"{name}@{host} ready",
        patience=STARTUP,
        grace=30.0,  # what is asked of Stripe is answered within that
    )


def beat(places: Places) -> Program:
    options = {"--scheduler": "django_celery_beat.schedulers:DatabaseScheduler", "--pidfile": ""}
    return Program(
        name="beat",
        command=[*_celery("beat"), *_written(options)],
        environment=places.environment,
        ready_line=r"beat: Starting",
        patience=STARTUP,
    )


def _celery(program: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "instainstru", program, "--loglevel", "INFO"]


def _written(options: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items()]
