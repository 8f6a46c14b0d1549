"""Instructors present themselves and offer services. A change binds what is booked later, never a booking (P1.2)."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from bookings.models import Instructor, Service
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.api.idempotency import IdempotencyKey
from payments.policy.pricing import require_price_floor
from payments.rules import rules_in_force

HOUR = 60  # minutes; a floor kept for these is kept for every length, both being pro rata (P1.4)


def change_profile(*, user: User, changes: Mapping[str, Any]) -> Instructor:
    """Change an instructor's profile; the first change opens it, with a calendar in the user's own time zone.

    If the time zone changes, the hours stay as they are written and are read off a clock there from now on.
    """
    with transaction.atomic():
        Instructor.objects.get_or_create(user=user, defaults={"time_zone": user.time_zone})
        instructor = Instructor.objects.select_for_update().get(user=user)
        _apply(instructor, changes)
    return instructor


def offer_service(*, instructor_id: int, idempotency_key: IdempotencyKey | None = None, **fields: Any) -> Service:
    """Put a new service on offer. Raises Refused("below_price_floor") (P1.4)."""
    service = Service(instructor_id=instructor_id, **fields)
    _require_price_floor(service)
    with transaction.atomic():
        service.save()
        if idempotency_key:
            idempotency_key.record(f"service:{service.ref}")
    return service


def change_service(*, service_id: int, changes: Mapping[str, Any]) -> Service:
    """Change a service. Raises Refused("below_price_floor") if the change touches its price or where it is given."""
    with transaction.atomic():
        service = Service.objects.select_for_update().get(id=service_id)
        _apply(service, changes)
        if changes.keys() & {"hourly_price_cents", "modality"}:
            _require_price_floor(service)
    return service


def retire_service(*, service_id: int) -> None:
    """Take a service off the offer. It stays, because bookings point to it."""
    Service.objects.filter(id=service_id).update(is_active=False)


def _apply(record: Instructor | Service, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(record, name, value)
    record.save(update_fields=list(changes))


def _require_price_floor(service: Service) -> None:
    require_price_floor(
        price=service.hourly_price_cents, modality=service.modality, minutes=HOUR, rules=rules_in_force(at=clock.now())
    )
