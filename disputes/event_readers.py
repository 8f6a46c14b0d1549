"""What Stripe tells of the bank's disputes (section 11): each event only says which dispute to look at."""

from datetime import datetime

from disputes.operations import take_in_from_bank
from payments.models import StripeEvent

TYPES = (
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
)


def read_dispute(event: StripeEvent, *, now: datetime) -> None:
    take_in_from_bank(dispute_id=event.object_id, event=event, now=now)
