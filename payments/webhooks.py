"""The address that Stripe delivers events to: verify, keep, answer; the work comes later (design 6)."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import inbox, tasks
from payments.gateway.events import NotFromStripe, verified_event
from payments.models import StripeEvent


@csrf_exempt  # Stripe has no session; its signature is what counts
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """POST /stripe/webhook: 200 once the event is kept, 400 for what is not Stripe's or not of now."""
    signature = request.headers.get("Stripe-Signature", "")
    try:
        event = verified_event(request.body, signature=signature, secret=settings.STRIPE_WEBHOOK_SECRET)
    except NotFromStripe:
        return HttpResponseBadRequest("Not an event of Stripe's, or not of now.\n")
    if inbox.take_in(event):
        tasks.apply_event.delay(event_pk=StripeEvent.objects.values_list("pk", flat=True).get(event_id=event["id"]))
    return HttpResponse("Kept.\n")
