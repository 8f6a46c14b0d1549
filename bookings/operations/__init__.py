"""Use cases: the only code that changes what the marketplace's calendar knows."""

from bookings.operations.available import available_actions_on, facts_as_asked
from bookings.operations.cancel import cancel_booking, party_of, preview_cancellation
from bookings.operations.checkout import Quote, checkout, quote
from bookings.operations.complete import mark_complete
from bookings.operations.pay import confirm_payment, pay_now
from bookings.operations.reschedule import preview_reschedule, reschedule_booking

__all__ = [
    "Quote",
    "available_actions_on",
    "cancel_booking",
    "checkout",
    "confirm_payment",
    "facts_as_asked",
    "mark_complete",
    "party_of",
    "pay_now",
    "preview_cancellation",
    "preview_reschedule",
    "quote",
    "reschedule_booking",
]
