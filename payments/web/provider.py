"""What a page says when Stripe says no, or nothing, to something that moves no money."""

from django.contrib import messages
from django.http import HttpRequest

from payments.gateway.errors import GatewayRefused, GatewayUnavailable


def tell(request: HttpRequest, trouble: GatewayRefused | GatewayUnavailable) -> int:
    """Show Stripe's own sentence, which is written for the person who asked, and return the page's status."""
    if isinstance(trouble, GatewayRefused):
        messages.error(request, str(trouble))
        return 402
    messages.warning(request, "Stripe does not answer right now. Nothing was done; try again in a moment.")
    return 503
