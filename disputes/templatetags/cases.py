"""What went wrong, on pages of the apps below, which know nothing of cases."""

from typing import Any

from django import template

from bookings.models import Booking
from disputes.web.told import trouble_with
from instainstru import clock

register = template.Library()


@register.inclusion_tag("disputes/_trouble.html", takes_context=True)
def trouble(context: template.Context, booking: Booking) -> dict[str, Any]:
    """Show what went wrong with a lesson and what its reader may do about it; nothing if there is nothing of either."""
    user = context["user"]
    return {"user": user, "trouble": trouble_with(booking, reader=user, now=clock.now())}
