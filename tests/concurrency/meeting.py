"""Threads that really meet, each with a connection of its own to PostgreSQL, open before any of them may begin."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db import connection, connections

from bookings.models import Booking, Service
from bookings.operations import checkout
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import save_card
from instainstru.local.simulator import SimulatorControl
from instainstru.refusals import Refused
from payments import gateway
from payments.gateway import Answer
from payments.models import Operation
from payments.policy.states import Call
from tests.factories import UserFactory

PATIENCE = 60  # seconds until those who wait for somebody who never comes give up; nobody waits so long otherwise

Result = TypeVar("Result")


def at_once(acts: Sequence[Callable[[], Result]]) -> list[Result | str]:
    """Do things in as many threads that begin together; return in order what each gave, or its refusal's code.

    Any other exception leaked out, which is a bug, and is raised.
    """
    gate = threading.Barrier(len(acts), timeout=PATIENCE)

    def begin_together(act: Callable[[], Result]) -> Result:
        connection.ensure_connection()
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        threads = [pool.submit(as_a_request, lambda act=act: begin_together(act)) for act in acts]
        return [thread.result() for thread in threads]


def as_a_request(act: Callable[[], Result]) -> Result | str:
    """Do something in a thread that leaves no connection behind; return what it gave, or its refusal's code."""
    try:
        return act()
    except Refused as refusal:
        return str(refusal.code)
    finally:
        connections.close_all()


def meet_at_stripe(monkeypatch: pytest.MonkeyPatch, call: Call, *, parties: int) -> None:
    """Let no call of a kind reach Stripe before that many have come to it, so that none of them knows an answer."""
    gate, send = threading.Barrier(parties, timeout=PATIENCE), gateway.send

    def send_together(asked: Call, parameters: dict[str, Any], *, key: str) -> Answer:
        if asked == call:
            gate.wait()
        return send(asked, parameters, key=key)

    monkeypatch.setattr(gateway, "send", send_together)


def students_with_a_card(how_many: int) -> list[User]:
    students = [UserFactory() for _ in range(how_many)]
    for student in students:
        save_card(student, card="ok")
    return students


def wish(
    service: Service, *, student: User, hours_ahead: float, minutes: int = 60, credits: int = 0
) -> Callable[[], Operation]:
    """Return a student's checkout of a lesson, ready to be sent."""
    starts_at = clock.now() + timedelta(hours=hours_ahead)
    return lambda: checkout(
        student=student, service=service, starts_at=starts_at, minutes=minutes, credits=credits, now=clock.now()
    )


def effects_at_stripe(simulator: SimulatorControl, booking: Booking) -> Counter[str]:
    """Return how many calls of each kind had an effect for a booking."""
    return Counter(
        request["call"]
        for request in simulator.requests()
        if request["effect"] and booking.ref in (request["idempotency_key"] or "")
    )
