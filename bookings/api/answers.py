"""How every action on a booking is asked for once, and answered."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.urls import reverse
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_202_ACCEPTED

from bookings import queries
from bookings.models import Booking
from bookings.serializers.bookings import BookingDetailOut, OperationOut
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.api.idempotency import IdempotencyKey
from instainstru.locks import booking_mutex
from instainstru.refusals import RefusalCode, Refused
from payments.models import Operation
from payments.policy.plan import Plan
from payments.queries import State, Undertaking, operation_named, undertaking_of, undertakings_on, undertakings_with
from payments.serializers.plans import Preview, PreviewOut
from payments.serializers.sides import sides_of

LOOK_AGAIN_IN = 2  # seconds; most operations are three calls to Stripe
# The card's no is no error of the request: the booking is there, and says in `action_required` what helps.
NOT_DONE = frozenset({RefusalCode.SLOT_UNAVAILABLE})


def begun_once(key: IdempotencyKey | None, begin: Callable[[], Operation]) -> Operation:
    """Return the operation that this request began when it came first, or begin it now."""
    earlier = _begun_by(key)
    if earlier is not None:
        return earlier
    try:
        return begin()
    except Refused:
        # The same request, sent twice at once: what this one lacks now, such as the time, the other one took.
        if (earlier := _begun_by(key)) is None:
            raise
        return earlier


def answer_with_operation(undertaking: Undertaking, request: SignedInApiRequest) -> Response:
    """Answer with what was begun as it stands now: 200 if it has ended, 202 and where to look if not."""
    body = OperationOut(undertaking, context=as_seen_by(request.user)).data
    if undertaking.state != State.UNDER_WAY:
        return Response(body, status=HTTP_200_OK)
    headers = {
        "Location": reverse("api:operation", args=[undertaking.first.reference]),
        "Retry-After": str(LOOK_AGAIN_IN),
    }
    return Response(body, status=HTTP_202_ACCEPTED, headers=headers)


def answer_with_booking(
    operation: Operation,
    request: SignedInApiRequest,
    *,
    status: int = HTTP_200_OK,
    not_done: frozenset[RefusalCode] = NOT_DONE,
) -> Response:
    """Answer with the booking that an operation changed, or as `answer_with_operation` while it is under way.

    Raises Refused if it came to nothing, for a reason that is among those in `not_done`.
    """
    history = undertakings_with(operation)
    undertaking = next(known for known in history if operation in known.operations)
    if undertaking.refusal_code in not_done:
        raise Refused(undertaking.refusal_code)
    if undertaking.state == State.UNDER_WAY:
        return answer_with_operation(undertaking_of(operation), request)
    ref = operation.payment.reference
    headers = {"Location": reverse("api:booking", args=[ref])} if status != HTTP_200_OK else {}
    return Response(booking_shown(request, ref=ref, history=history), status=status, headers=headers)


def booking_shown(request: SignedInApiRequest, *, ref: str, history: list[Undertaking] | None = None) -> dict[str, Any]:
    """Return a booking as its reader sees it, with its history if that was read already; raises Http404."""
    booking = queries.booking_visible_to(request.user, ref=ref)
    history = undertakings_on(booking.payment_id) if history is None else history
    return BookingDetailOut(booking, context=as_seen_by(request.user) | {"history": history}).data


def as_seen_by(user: User) -> dict[str, Any]:
    """Return the context in which whatever concerns a booking is shown."""
    return {"reader": user, "sides": sides_of(user), "now": clock.now()}


@contextlib.contextmanager
def fresh_preview_for(request: SignedInApiRequest) -> Iterator[None]:
    """Let the refusal of a stale preview bring the fresh one, as its reader may see it."""
    try:
        yield
    except Refused as refusal:
        plan = refusal.context.get("fresh")
        if not isinstance(plan, Plan):
            raise
        fresh = PreviewOut(Preview(plan), context=as_seen_by(request.user)).data
        raise Refused(refusal.code, fresh=fresh) from refusal


@contextlib.contextmanager
def alone_with(booking: Booking) -> Iterator[None]:
    """Be the only request at a booking, or be told at once; not for what waits its turn or answers twice (P7.11)."""
    with booking_mutex(booking.ref) as ours:
        if not ours:
            raise Refused("operation_in_progress", retry_after=LOOK_AGAIN_IN)
        yield


def _begun_by(key: IdempotencyKey | None) -> Operation | None:
    subject = key.replayed_subject() if key else None
    return operation_named(subject.removeprefix("operation:")) if subject else None
