"""How an operation's calls are made: under which keys, with what, in which order, and written down in which commit."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.db import IntegrityError

from bookings.models import Booking
from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.refusals import Refused
from payments import engine
from payments.gateway.answers import succeeded
from payments.gateway.http import GuardedClient
from payments.ledger import books
from payments.models import JournalEntry, Operation, Payment, Step
from payments.operations import lifecycle, succession
from payments.policy.accounts import Account
from payments.policy.states import Action, Call, Fault, Party
from payments.simulator.wire.forms import decode
from tests.money import assert_balances
from tests.stage import Stage

HOUR = timedelta(hours=1)


class Sent(NamedTuple):
    """One POST as it went over the wire."""

    path: str
    key: str
    version: str
    form: dict[str, Any]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Every POST from now on, as it is sent."""
    sent: list[Sent] = []
    request = GuardedClient.request

    def noted(self: GuardedClient, method: str, url: str, headers: Any, post_data: Any = None, **kw: Any) -> Any:
        if method.upper() == "POST":
            path = urlsplit(url).path
            sent.append(Sent(path, headers["Idempotency-Key"], headers["Stripe-Version"], decode(post_data or "")))
        return request(self, method, url, headers, post_data, **kw)

    monkeypatch.setattr(GuardedClient, "request", noted)
    return sent


def late_cancel(stage: Stage, booking: Booking) -> Operation:
    stage.travel_to(booking.starts_at - 6 * HOUR)
    return cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def settlement(stage: Stage, booking: Booking) -> Operation:
    stage.travel_to(booking.ends_at + 24 * HOUR, run_what_is_due_then=True)
    return Operation.objects.get(payment_id=booking.payment_id, kind=Action.SETTLE)


class Died(BaseException):
    """The process ends here; nothing may catch it."""


# --- Keys and parameters ------------------------------------------------------------------------------------------


@pytest.mark.rule("P2.3")
@pytest.mark.parametrize("story", [late_cancel, settlement])
def test_keys_name_payment_operation_step_and_attempt_and_nothing_else(
    stage: Stage, story: Callable[[Stage, Booking], Operation]
) -> None:
    stage.give_credit(10_000)
    bookings = [stage.book(hours_ahead=72, credits=5_000), stage.book(hours_ahead=73, credits=5_000)]
    for booking in bookings:
        story(stage, booking)

    steps = list(Step.objects.select_related("operation__payment").order_by("pk"))
    for step in steps:
        operation = step.operation
        assert step.idempotency_key == (
            f"{operation.payment.reference}/{operation.number}-{operation.kind}/{step.ordinal}-{step.call}/1"
        )
    assert len({step.idempotency_key for step in steps}) == len(steps)
    first, second = ([s.idempotency_key for s in steps if s.operation.payment_id == b.payment_id] for b in bookings)
    references = [booking.payment.reference for booking in bookings]
    assert [key.replace(*references) for key in first] == second  # the same story makes the same keys


@pytest.mark.rule("P2.3")
def test_a_steps_parameters_are_kept_exactly_as_they_are_sent(stage: Stage, wire: list[Sent], settings) -> None:
    stage.give_credit(5_000)
    booking = stage.book(hours_ahead=72, credits=5_000)
    wire.clear()

    late_cancel(stage, booking)

    steps = list(Step.objects.filter(operation__payment_id=booking.payment_id).order_by("operation__number", "ordinal"))
    assert [step.call for step in steps] == [Call.AUTHORIZE, Call.CAPTURE, Call.REVERSE, Call.PAY]
    assert [sent.key for sent in wire] == [step.idempotency_key for step in steps]
    for sent, step in zip(wire, steps, strict=True):
        assert sent.form == _as_form(step.parameters["body"])
        assert step.parameters.get("of", "") in sent.path
        assert sent.version == step.api_version == settings.STRIPE_API_VERSION
    assert [(entry["idempotency_key"], entry["effect"]) for entry in stage.simulator.requests()[-4:]] == [
        (sent.key, True) for sent in wire
    ]


def test_ids_of_earlier_answers_are_filled_in_when_a_step_is_sent(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    operation = late_cancel(stage, booking)

    capture, reverse, _ = operation.steps.order_by("ordinal")
    payment = Payment.objects.get(pk=booking.payment_id)
    assert capture.parameters["of"] == payment.intent_id
    assert reverse.parameters["of"] == payment.transfer_id == capture.answer["transfer"]


@pytest.mark.rule("P2.4")
def test_every_id_that_stripe_gave_is_kept(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    operation = late_cancel(stage, booking)

    prefixes = [step.object_id.split("_")[0] for step in operation.steps.order_by("ordinal")]
    assert prefixes == ["pi", "trr", "tr"]
    transfer = operation.payment.payout_transfers.get()
    assert transfer.transfer_id == operation.steps.get(call=Call.PAY).object_id
    entries = JournalEntry.objects.filter(operation=operation, cause__startswith="step:").order_by("id")
    assert [entry.stripe_object_id for entry in entries] == list(
        operation.steps.order_by("ordinal").values_list("object_id", flat=True)
    )


def _as_form(value: Any) -> Any:
    """A body as a form says it: text, and `true` for True."""
    if isinstance(value, dict):
        return {name: _as_form(part) for name, part in value.items()}
    if isinstance(value, list):
        return {str(place): _as_form(part) for place, part in enumerate(value)}
    return value if isinstance(value, str) else json.dumps(value)


# --- Answers ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P10.4")
def test_recording_an_answer_twice_is_recording_it_once(stage: Stage) -> None:
    stage.give_credit(5_000)
    operation = settlement(stage, stage.book(hours_ahead=72, credits=5_000))
    step = operation.steps.get(call=Call.PAY)
    entries, before = JournalEntry.objects.count(), Payment.objects.values().get(pk=operation.payment_id)

    engine.record(step, succeeded(step.object_id), now=clock.now())

    assert JournalEntry.objects.count() == entries
    assert Payment.objects.values().get(pk=operation.payment_id) == before
    assert stage.disorder() == []


@pytest.mark.rule("P7.9")
def test_a_refused_step_what_it_skips_and_the_end_are_one_commit(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    stage.simulator.order_fault("capture", "refuse")
    monkeypatch.setattr(succession, "apply_end", _die)

    with pytest.raises(Died):
        cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    operation = Operation.objects.open().get()
    steps = operation.steps.order_by("ordinal").values_list("call", "state")
    assert list(steps) == [("capture", "sent"), ("reverse", "planned"), ("pay", "planned")]
    monkeypatch.undo()
    _let_leases_end()
    stage.travel(minutes=1)
    assert list(steps.all()) == [("capture", "refused"), ("reverse", "skipped"), ("pay", "skipped")]
    assert operation.steps.get(call=Call.CAPTURE).fault == Fault.CARD
    payment = Payment.objects.get(pk=booking.payment_id)
    assert (payment.status, payment.review_reason) == ("manual_review", "capture_refused")
    assert stage.simulator.moved(payment.reference)["reversed"] == 0


def test_a_runner_that_dies_between_a_steps_commit_and_the_next_call_is_followed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    record = engine.record

    def record_and_die(*args: Any, **kwargs: Any) -> None:
        record(*args, **kwargs)
        raise Died

    monkeypatch.setattr(engine, "record", record_and_die)
    with pytest.raises(Died):
        cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    states = Step.objects.filter(operation__kind=Action.STUDENT_CANCEL).order_by("ordinal")
    assert list(states.values_list("state", flat=True)) == ["succeeded", "sent", "planned"]
    monkeypatch.undo()

    stage.travel(minutes=1)
    assert Operation.objects.open().exists()  # its lease holds: the runner might live
    _let_leases_end()
    stage.travel(minutes=1)

    assert_balances(stage, card=13_440, student_credit=6_000, instructor=5_280, platform=7_740, fees=420)
    assert len([entry for entry in stage.simulator.requests() if entry["call"] == "capture"]) == 1


# --- One at a time ------------------------------------------------------------------------------------------------


def test_a_payment_has_one_open_operation(stage: Stage) -> None:
    stage.simulator.order_fault("authorize", "timeout_before")
    operation = Operation.objects.get(payment_id=stage.book(hours_ahead=18).payment_id)
    twin = {field.attname: getattr(operation, field.attname) for field in Operation._meta.fields if field.name != "id"}

    with pytest.raises(IntegrityError, match="payment_has_one_open_operation"):
        Operation.objects.create(**twin | {"number": 2})
    with pytest.raises(IntegrityError, match="operation_number_is_unique_per_payment"):
        Operation.objects.create(**twin | {"state": "waiting"})


def test_operations_of_a_payment_are_numbered_from_one(stage: Stage) -> None:
    first, second = stage.book(hours_ahead=72), stage.book(hours_ahead=80)
    for booking in (first, second):
        settlement(stage, booking)

    for booking in (first, second):
        numbered = Operation.objects.filter(payment_id=booking.payment_id).order_by("number")
        assert list(numbered.values_list("number", "kind")) == [(1, "checkout"), (2, "authorize"), (3, "settle")]


def test_asking_for_what_is_under_way_returns_it(stage: Stage) -> None:
    booking = stage.book(hours_ahead=72)
    stage.stand_at(booking.starts_at - 24 * HOUR)
    stage.simulator.order_fault("authorize", "timeout_before")
    ask = {"kind": Action.AUTHORIZE, "payment_id": booking.payment_id, "party": Party.SYSTEM, "now": clock.now()}
    first = lifecycle.perform(lifecycle.begin(**ask))

    assert lifecycle.begin(**ask) == first
    with pytest.raises(Refused, match="operation_in_progress"):
        lifecycle.begin(**ask | {"kind": Action.SETTLE})


def test_a_second_runner_leaves_a_leased_operation_alone(stage: Stage) -> None:
    stage.simulator.order_fault("authorize", "timeout_before")
    operation = Operation.objects.get(payment_id=stage.book(hours_ahead=18).payment_id)
    calls = len(stage.simulator.requests())

    with engine.lease(operation) as ours, engine.lease(operation) as theirs:
        assert (ours, theirs) == (True, False)
        lifecycle.perform(operation)

    assert len(stage.simulator.requests()) == calls
    lifecycle.perform(operation)
    assert not Operation.objects.open().exists()


# --- The budget ---------------------------------------------------------------------------------------------------


def test_a_request_that_has_spent_its_budget_gives_the_lease_back_between_two_steps(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    _take_eleven_seconds_for_each_call(monkeypatch)

    operation = cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    assert operation.state == "open"
    assert (operation.leased_until, operation.lease_token, operation.resume_at) == (None, "", None)
    states = operation.steps.order_by("ordinal").values_list("state", flat=True)
    assert list(states) == ["succeeded", "sent", "planned"]  # looked at between steps, never within one
    stage.travel(minutes=1)
    assert Operation.objects.get(pk=operation.pk).is_done
    assert_balances(stage, card=13_440, student_credit=6_000, instructor=5_280, platform=7_740, fees=420)


def test_the_books_follow_stripe_at_every_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - 6 * HOUR)
    _take_eleven_seconds_for_each_call(monkeypatch)

    cancel_booking(booking=booking, actor=stage.student, now=clock.now())  # captured; neither reversed nor paid

    assert books.findings(ask_stripe=True) == []
    assert books.balance(Account.HELD) == -13_440
    stage.travel(minutes=1)
    assert books.balance(Account.HELD) == 0


def _take_eleven_seconds_for_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    late, wall, send = [timedelta()], clock.wall, engine.gateway.send

    def slowly(*args: Any, **kwargs: Any) -> Any:
        late[0] += timedelta(seconds=11)
        return send(*args, **kwargs)

    monkeypatch.setattr(clock, "wall", lambda: wall() + late[0])
    monkeypatch.setattr(engine.gateway, "send", slowly)


def _die(*_: object, **__: object) -> None:
    raise Died


def _let_leases_end() -> None:
    Operation.objects.open().update(leased_until=clock.wall() - timedelta(seconds=1))
