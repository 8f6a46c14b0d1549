"""What staff may do with a booking, each through the confirmation page."""

from bookings.admin.actions.cancellations import CancelWithoutRefund, CancelWithRefund
from bookings.admin.actions.refunds import RefundCard
from bookings.admin.actions.stops import ResolveStopped, RetryStopped
from instainstru.admin.confirmation import ConfirmedAction
from payments.admin.changes import SeeChange

# In the order in which a booking's page offers those that are possible.
ACTIONS: list[ConfirmedAction] = [
    SeeChange(),
    RetryStopped(),
    ResolveStopped(),
    CancelWithRefund(),
    CancelWithoutRefund(),
    RefundCard(),
]


def register_actions(*actions: ConfirmedAction) -> None:
    """Let an app above offer its own on every booking's page; called once, from `AppConfig.ready`."""
    ACTIONS.extend(actions)


__all__ = ["ACTIONS", "register_actions"]
