"""The address that Stripe delivers events to: verify, keep, answer; the work comes later (design 6)."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from payments import inbox, tasks
from payments.gateway.events import NotFromStripe, verified_event
from payments.models import StripeEvent

logger = logging.getLogger(__name__)


@csrf_exempt  # Stripe has no session; its signature is what counts
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """POST /stripe/webhook: 200 once the event is kept, 400 for what is not Stripe's or not of now."""
    signature = request.headers.get("Stripe-Signature", "")
    try:
        event = verified_event(request.body, signature=signature, secrets=settings.STRIPE_WEBHOOK_SECRETS)
    except NotFromStripe:
        return HttpResponseBadRequest("Not an event of Stripe's, or not of now.\n")
    if inbox.take_in(event):
        _start_applying(event["id"])
    return HttpResponse("Kept.\n")


def _start_applying(event_id: str) -> None:
    try:
        tasks.apply_event.delay(event_pk=StripeEvent.objects.values_list("pk", flat=True).get(event_id=event_id))
    except OperationalError:  # the broker is down; the event is kept, and the sweep applies it
        logger.warning("The broker is down: event %s waits for the sweep.", event_id)
