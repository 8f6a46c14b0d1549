"""What runs during a benchmark, each as a process of its own and the way a production runs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from instainstru.local.processes import Program
from instainstru.local.servers.server import free_port
from tests.benchmarks.place import Scale

PRODUCTION = "tests.benchmarks.web.settings"  # with DEBUG on, every statement would be kept and written out
UNPACED = 100_000  # Stripe calls a second: what is measured is ours, not the limit's


def web_server(scale: Scale, *, stripe: str) -> Program:
    """Gunicorn with threads, at a free port."""
    port = free_port(None)
    options = [
        f"--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        f"--workers={scale.web_processes}",
        f"--threads={scale.web_threads}",
        "--keep-alive=75",  # as in the image: longer than anybody keeps a connection who thinks, or a proxy in between
        "--no-control-socket",
    ]
    return Program(
        name="web server",
        command=[sys.executable, "-m", "gunicorn", *options, "instainstru.wsgi:application"],
        environment={
            "DJANGO_SETTINGS_MODULE": PRODUCTION,
            "STRIPE_API_BASE": stripe,
            "STRIPE_CALLS_PER_SECOND": str(UNPACED),
        },
        port=port,
        ready_url=f"http://127.0.0.1:{port}/healthz",
    )


def workers(scale: Scale, *, processes: int, stripe: str, limit: int) -> Iterator[Program]:
    """So many Celery workers with threads: a settlement waits for Stripe most of its time, and needs no core then."""
    for number in range(1, processes + 1):
        name = f"worker-{number}"
        options = [
            "--queues=clockwork,money",
            "--pool=threads",
            f"--concurrency={scale.worker_threads}",
            f"--hostname={name}@bench",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=INFO",
        ]
        yield Program(
            name=name,
            command=[sys.executable, "-m", "celery", "--app", "instainstru", "worker", *options],
            environment={
                "DJANGO_SETTINGS_MODULE": PRODUCTION,
                "STRIPE_API_BASE": stripe,
                "STRIPE_CALLS_PER_SECOND": str(limit),
                "LOG_LEVEL": "WARNING",
            },
            ready_line=rf"{name}@bench ready",
            patience=90.0,
            grace=30.0,  # what is asked of Stripe is answered within that
        )
