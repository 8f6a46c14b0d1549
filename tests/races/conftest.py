"""Whoever won, no cent is lost and no call strikes twice."""

from tests.concurrency.conftest import _no_cent_is_lost_and_no_call_strikes_twice as _no_cent_is_lost

__all__ = ["_no_cent_is_lost"]
