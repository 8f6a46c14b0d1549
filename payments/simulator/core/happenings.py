"""What each scheduled happening does."""

from __future__ import annotations

from payments.simulator.core import cancellations, captures, ledger, payouts, refunds
from payments.simulator.core.schedule import Happening

HAPPENINGS: dict[str, Happening] = {
    "charge_booked": captures.book_later,
    "funds_available": ledger.release,
    "hold_lapses": cancellations.lapse,
    "payout_arrives": payouts.arrive,
    "refund_fails": refunds.fail,
}
