"""What staff may do with a booking, each through the confirmation page."""

from bookings.admin.actions.cancellations import CancelWithoutRefund, CancelWithRefund
from bookings.admin.actions.refunds import RefundCard
from bookings.admin.actions.stops import ResolveStopped, RetryStopped
from payments.admin.changes import SeeChange

# In the order in which a booking's page offers those that are possible.
ACTIONS = (SeeChange(), RetryStopped(), ResolveStopped(), CancelWithRefund(), CancelWithoutRefund(), RefundCard())

__all__ = ["ACTIONS"]
