"""Lessons that were given yesterday and are to be settled now, any number of them within seconds.

A few are booked through checkout, so that everything about them is real. The others are copies: each has an intent of
its own that holds the card, made by the gateway with the first one's own parameters, and its rows beside them.
"""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models

from bookings.models import Booking
from bookings.operations.checkout import checkout
from instainstru import clock
from instainstru.local.scenarios.stage import make_service, make_student
from instainstru.local.simulator import SimulatorControl
from payments import gateway
from payments import operations as payments
from payments.models import Payment, Step
from payments.policy.states import Call

COUPLES = 20  # students, each with an instructor
AT_ONCE = 4  # threads that ask the simulator, which answers one after the other
HOUR = timedelta(hours=1)
PLATFORM_FUNDS = 1_000_000_00  # cents


class HeldLessons:
    """Makes lessons whose card is held, and moves them into the past."""

    def __init__(self, simulator: SimulatorControl, *, couples: int = COUPLES) -> None:
        funds = simulator.fund_platform(PLATFORM_FUNDS)
        payments.record_funding(cents=PLATFORM_FUNDS, stripe_object_id=funds, now=clock.now())
        self._originals = [self._book(simulator) for _ in range(couples)]
        self._numbers = itertools.count(1)

    def make_due(self, number: int) -> None:
        """Add so many lessons whose settlement has been due for an hour."""
        copies = [
            (self._originals[copy % len(self._originals)], f"bk_held{copy}")
            for copy in itertools.islice(self._numbers, number)
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda copy: _hold(copy[0][1], copy[1]), copies))
        made = Payment.objects.bulk_create(
            [
                _copy(booking.payment, reference=ref, **_as_answered(answer), **_ended_yesterday(), settle_at=_due())
                for ((booking, _), ref), answer in zip(copies, answers, strict=True)
            ],
            batch_size=500,
        )
        Booking.objects.bulk_create(
            [
                _copy(booking, ref=ref, payment=payment, **_ended_yesterday(), remind_at=None)
                for ((booking, _), ref), payment in zip(copies, made, strict=True)
            ],
            batch_size=500,
        )

    def due(self) -> int:
        """Return how many are not settled yet."""
        return Payment.objects.due_for_settlement(at=clock.now()).count()

    def _book(self, simulator: SimulatorControl) -> tuple[Booking, Step]:
        """Book a lesson in 20 hours, for which the card is held at once, and return it with the call that holds it."""
        operation = checkout(
            student=make_student(card="ok"),
            service=make_service(simulator, lesson_price=12_000, minutes=60, modality="online", tier="growth"),
            starts_at=clock.now() + 20 * HOUR,
            minutes=60,
            credits=0,
            now=clock.now(),
        )
        booking = Booking.objects.select_related("payment").get(payment_id=operation.payment_id)
        return booking, operation.steps.get(call=Call.AUTHORIZE)


def _hold(step: Step, reference: str) -> gateway.Answer:
    """Hold the card once more, for another lesson, as that step did."""
    was = step.operation.payment.reference
    parameters = json.loads(json.dumps(step.parameters).replace(was, reference))
    return gateway.send(Call.AUTHORIZE, parameters, key=step.idempotency_key.replace(was, reference))


def _as_answered(answer: gateway.Answer) -> dict[str, Any]:
    return {
        "intent_id": answer.object_id,
        "charge_id": answer.details["charge"],
        "capture_before": datetime.fromtimestamp(answer.details["capture_before"], UTC),
    }


def _ended_yesterday() -> dict[str, Any]:
    ended = _due() - 24 * HOUR
    return {"made_at": ended - 25 * HOUR, "starts_at": ended - HOUR, "ends_at": ended}


def _due() -> datetime:
    return clock.now().replace(minute=0, second=0, microsecond=0) - HOUR


def _copy(row: models.Model, **changes: Any) -> Any:
    values = {field.name: getattr(row, field.name) for field in row._meta.concrete_fields if not field.primary_key}
    return type(row)(**values | changes)
