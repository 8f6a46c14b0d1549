"""Settings of the programs that chaos runs: those of one machine, with waits that fit into two minutes.

Only the waits differ: how long a dead one's work is left alone, how long Stripe is waited for, how often sweeps run.
"""

import os
from datetime import timedelta

from instainstru import settings as usual
from instainstru.settings import *  # noqa: F403 - that is how Django's settings are built upon

assert usual.USES_SIMULATOR, "Chaos is for the simulator alone: unset STRIPE_SECRET_KEY."

INSTALLED_APPS = [*usual.INSTALLED_APPS, "instainstru.local.chaos"]

STRIPE_CONNECT_TIMEOUT = 2
STRIPE_READ_TIMEOUT = 4
OPERATION_LEASE = timedelta(seconds=6)  # as long as a call may take
CLAIM = timedelta(seconds=15)  # of a sweep on a payment
MUTEX = timedelta(seconds=6)  # of a request on a booking
CLOCKWORK = {
    name: entry | {"every": min(entry["every"], timedelta(seconds=2))} if "every" in entry else entry
    for name, entry in usual.CLOCKWORK.items()
}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

CLOCK_OFF_BY = timedelta(seconds=float(os.environ.get("CHAOS_CLOCK_OFF_BY", "0")))
DIARY = os.environ.get("CHAOS_DIARY", "")  # the file in which a worker's tasks are noted
