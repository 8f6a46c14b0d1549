"""Production's settings as far as this machine's Stripe simulator allows, without a limit to how often one may ask."""

from instainstru.settings import *  # noqa: F403
from instainstru.settings import REST_FRAMEWORK as _REST_FRAMEWORK

DEBUG = False  # the simulator stays: it was chosen when the settings were read
CLOCK_TRAVELS = False  # time is the machine's, not asked of the database
ROOT_URLCONF = "tests.benchmarks.web.urls"
UNLIMITED = "1000000/min"  # counted all the same, as in production
REST_FRAMEWORK = _REST_FRAMEWORK | {
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(_REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], UNLIMITED)
}
