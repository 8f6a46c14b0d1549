"""What runs during a benchmark, each as a process of its own and the way a production runs it."""

from __future__ import annotations

import sys

from instainstru.local.processes import Program
from instainstru.local.servers.server import free_port
from tests.benchmarks.place import Scale

UNPACED = 100_000  # Stripe calls a second: what is measured is ours, not the limit's


def web_server(scale: Scale, *, stripe: str) -> Program:
    """Gunicorn with threads, at a free port."""
    port = free_port(None)
    options = [
        f"--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        f"--workers={scale.web_processes}",
        f"--threads={scale.web_threads}",
        "--no-control-socket",
    ]
    return Program(
        name="web server",
        command=[sys.executable, "-m", "gunicorn", *options, "instainstru.wsgi:application"],
        environment={
            "DJANGO_SETTINGS_MODULE": "tests.benchmarks.web.settings",
            "STRIPE_API_BASE": stripe,
            "STRIPE_CALLS_PER_SECOND": str(UNPACED),
        },
        port=port,
        ready_url=f"http://127.0.0.1:{port}/healthz",
    )
