"""Run a simulator by itself until it is told to end."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import threading

from payments.simulator.server import start


def main() -> None:
    """Start, say where, and wait for SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m payments.simulator", description="A simulated Stripe.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0 takes a free one")
    parser.add_argument("--state", metavar="PATH", help="keep everything in this SQLite file")
    parser.add_argument("--seed", help="make the same ids every time")
    parser.add_argument("--webhooks", choices=("push", "queue", "off"), help="default: off, or as the state has it")
    parser.add_argument("--webhook-url", metavar="URL")
    parser.add_argument("--webhook-secret", metavar="S")
    parser.add_argument("--public-url", metavar="URL", help="where a browser finds this, if not where the SDK does")
    given = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        server = start(
            host=given.host,
            port=given.port,
            state=given.state,
            seed=given.seed,
            webhooks=given.webhooks or ("push" if given.webhook_url else None),
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret,
            public_url=given.public_url,
        )
    except OSError as error:
        parser.exit(1, f"cannot listen on {given.host}:{given.port}: {error.strerror}\n")
    except sqlite3.OperationalError as error:
        parser.exit(1, f"cannot use {given.state}: {error}\n")
    print(f"simulator listening on {server.url}", flush=True)
    ended.wait()
    server.stop()


if __name__ == "__main__":
    main()
