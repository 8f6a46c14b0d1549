"""A simulated Stripe: the part that a marketplace uses, spoken over HTTP to the official SDK.

    server = start(port=0)
    addresses = {"api": server.url, "connect": server.url, "files": server.url}
    client = stripe.StripeClient("sk_test_…", base_addresses=addresses, stripe_version="2026-05-27.dahlia")
    server.stop()

`core` is Stripe without HTTP, `wire` the API, `control` what tests and demos steer it with, `delivery` its webhooks;
`application` is all of that without sockets, `server` with them. It stands alone: it imports nothing of the platform,
nor the SDK. To run it by itself: `python -m payments.simulator`.
"""

from payments.simulator.server import Server, start

__all__ = ["Server", "start"]
