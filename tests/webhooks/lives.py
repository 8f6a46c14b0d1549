"""Lives of a booking with everything that Stripe tells of in them, to be lived twice under two kinds of post.

`ACTS` is what may happen, by name; whoever adds a kind of thing that Stripe tells of adds it here.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.error import HTTPError

from django.db.models import Sum

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.accounts.models import User
from instainstru.local.scenarios.stage import CARDS
from instainstru.refusals import Refused
from payments import inbox
from payments import operations as payments
from payments.gateway import client
from payments.gateway.errors import GatewayRefused, said
from payments.models import ChangeAtStripe, Payee, Payer, Payment, Posting, StripeEvent
from tests.stage import Stage
from tests.webhooks.conftest import Json, Post

Deliver = Callable[[list[Json]], None]


@dataclass(slots=True)
class Life:
    """One booking on a stage."""

    stage: Stage
    staff: User
    booking: Booking

    @property
    def payment(self) -> Payment:
        return Payment.objects.get(pk=self.booking.payment_id)

    @property
    def account(self) -> str:
        return Payee.objects.get(user=self.stage.instructor).account_id

    def travel_to(self, instant: datetime) -> None:
        if instant > clock.now():
            self.stage.travel_to(instant, run_what_is_due_then=True)


# --- What may happen --------------------------------------------------------------------------------------------------


def half_a_day_before(life: Life) -> None:
    life.travel_to(life.booking.starts_at - timedelta(hours=18))


def shortly_before(life: Life) -> None:
    life.travel_to(life.booking.starts_at - timedelta(hours=6))


def settlement(life: Life) -> None:
    life.travel_to(life.booking.ends_at + timedelta(hours=25))


def some_days(life: Life) -> None:
    life.stage.travel(days=3)


def student_cancels(life: Life) -> None:
    cancel_booking(booking=life.booking, actor=life.stage.student, now=clock.now())


def instructor_cancels(life: Life) -> None:
    cancel_booking(booking=life.booking, actor=life.stage.instructor, now=clock.now())


def student_moves(life: Life) -> None:
    reschedule_booking(
        booking=life.booking,
        actor=life.stage.student,
        new_starts_at=life.booking.starts_at + timedelta(hours=48),
        now=clock.now(),
    )


def bank_confirms(life: Life) -> None:
    life.stage.simulator.finish_3ds(life.payment.pending_intent_id)


def card_is_saved_and_left(life: Life) -> None:
    setup = payments.begin_card_setup(student=life.stage.student)
    payments.confirm_card_setup(
        student=life.stage.student, setup_id=setup.id, payment_method=CARDS["ok"], return_url="http://127.0.0.1/"
    )
    life.stage.travel(minutes=6)


def dashboard_refunds_some(life: Life) -> None:
    life.stage.simulator.refund_in_dashboard(life.payment.intent_id, cents=1_500)


def dashboard_refunds_the_rest(life: Life) -> None:
    life.stage.simulator.refund_in_dashboard(life.payment.intent_id, reverse_transfer=True)


def dashboard_reverses_some(life: Life) -> None:
    _in_dashboard(f"/v1/transfers/{life.payment.transfer_id}/reversals", amount=700)


def dashboard_charges_the_hold(life: Life) -> None:
    _in_dashboard(f"/v1/payment_intents/{life.payment.intent_id}/capture")


def dashboard_cancels_the_hold(life: Life) -> None:
    _in_dashboard(f"/v1/payment_intents/{life.payment.intent_id}/cancel")


def dashboard_pays_the_instructor(life: Life) -> None:
    _in_dashboard("/v1/transfers", amount=300, currency="usd", destination=life.account)


def bank_sends_a_refund_back(life: Life) -> None:
    refunds = client.get("/v1/refunds", payment_intent=life.payment.intent_id)["data"]
    standing = [refund["id"] for refund in refunds if refund["status"] == "succeeded"]
    if standing:
        life.stage.simulator.fail_refund(standing[-1])


def bank_takes_the_payment_back(life: Life) -> None:
    life.stage.simulator.dispute(life.payment.intent_id)


def bank_finds_for_us(life: Life) -> None:
    life.stage.simulator.decide_dispute(life.payment.intent_id, won=True)


def bank_finds_for_the_student(life: Life) -> None:
    life.stage.simulator.decide_dispute(life.payment.intent_id, won=False)


def instructor_takes_it_to_the_bank(life: Life) -> None:
    said(lambda: client.post("/v1/payouts", {"amount": 900, "currency": "usd"}, key=_key(), account=life.account))


def bank_sends_a_payout_back(life: Life) -> None:
    for payout in client.get("/v1/payouts", account=life.account)["data"][:1]:
        life.stage.simulator.fail_payout(payout["id"])


def account_lapses(life: Life) -> None:
    life.stage.simulator.make_unpayable(life.account)


def account_is_well_again(life: Life) -> None:
    life.stage.simulator.make_payable(life.account)


def staff_take_note(life: Life) -> None:
    payments.see_changes(payment_id=life.booking.payment_id, actor=life.staff, now=clock.now())


def staff_retry(life: Life) -> None:
    payments.perform(payments.retry_stuck(payment_id=life.booking.payment_id, actor=life.staff, now=clock.now()))


ACTS: dict[str, Callable[[Life], None]] = {
    act.__name__: act
    for act in (
        half_a_day_before,
        shortly_before,
        settlement,
        some_days,
        student_cancels,
        instructor_cancels,
        student_moves,
        bank_confirms,
        card_is_saved_and_left,
        dashboard_refunds_some,
        dashboard_refunds_the_rest,
        dashboard_reverses_some,
        dashboard_charges_the_hold,
        dashboard_cancels_the_hold,
        dashboard_pays_the_instructor,
        bank_sends_a_refund_back,
        bank_takes_the_payment_back,
        bank_finds_for_us,
        bank_finds_for_the_student,
        instructor_takes_it_to_the_bank,
        bank_sends_a_payout_back,
        account_lapses,
        account_is_well_again,
        staff_take_note,
        staff_retry,
    )
}


def live(life: Life, acts: list[str], post: Post, deliver: Deliver) -> None:
    """Let one thing happen after the other; after each the post comes, until nothing is left to be applied."""
    for act in acts:
        life.booking.refresh_from_db()
        with _whatever_is_refused():
            ACTS[act](life)
        deliver(post.waiting())


# --- Two kinds of post ------------------------------------------------------------------------------------------------


def in_order(events: list[Json]) -> None:
    """Everything comes once, as it happened."""
    for event in events:
        inbox.take_in(event)
    _apply_all(StripeEvent.objects.order_by("id"))


class Disorderly:
    """Events are lost, doubled and shuffled, old ones are read again, and what was lost is back-filled."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, events: list[Json]) -> None:
        arriving = [event for event in events if self._random.random() > 0.4]
        arriving += [event for event in arriving if self._random.random() < 0.3]
        self._random.shuffle(arriving)
        for event in arriving:
            inbox.take_in(event)
            payments.apply_event(StripeEvent.objects.get(event_id=event["id"]), now=clock.now())
        for account_id in payments.accounts_to_backfill():
            payments.backfill_events(account_id=account_id, now=clock.now())
        known = list(StripeEvent.objects.exclude(applied_at=None))
        for event in self._random.sample(known, k=min(4, len(known))):
            payments.replay_event(event)
        _apply_all(StripeEvent.objects.order_by("?"))


def _apply_all(events: Any) -> None:
    """Try what is not applied until nothing of it can be, as the sweep does over the hours."""
    while True:
        waiting = events.filter(applied_at=None)
        if not [event for event in waiting if _try(event)]:
            return


def _try(event: StripeEvent) -> bool:
    payments.replay_event(event)  # as if nobody had tried
    event.refresh_from_db()
    return payments.apply_event(event, now=clock.now())


# --- What came of it --------------------------------------------------------------------------------------------------


def picture(life: Life) -> Json:
    """Everything that is to be the same; ids of Stripe's are not."""
    life.booking.refresh_from_db()
    payment = life.payment
    ledger = Posting.objects.values_list("account", "owner__role").annotate(sum=Sum("amount_cents"))
    changes = ChangeAtStripe.objects.values_list("kind", "amount_cents", "seen_at")
    return {
        "booking": life.booking.status,
        **{name: getattr(payment, name) for name in _PAYMENT},
        "instructor_has": payment.instructor_payout_cents,
        "ledger": sorted((account, role or "", cents) for account, role, cents in ledger if cents),
        "changes": sorted(map(repr, changes)),
        "can_be_paid": Payee.objects.get(user=life.stage.instructor).is_payable,
        "card": Payer.objects.get(user=life.stage.student).card,
        "waits": sorted(StripeEvent.objects.filter(applied_at=None).values_list("type", flat=True)),
    }


_PAYMENT = (
    "status",
    "former_status",
    "kept_status",
    "review_reason",
    "settlement_outcome",
    "authorized_cents",
    "captured_cents",
    "refunded_to_card_cents",
    "charged_back_cents",
    "charge_transfer_reversed_cents",
    "paid_cents",
    "owed_cents",
    "taken_back_cents",
    "refunded_at_instructors_cost_cents",
    "student_credit_cents",
    "credits_released_cents",
    "credits_consumed_cents",
    "credits_forfeited_cents",
    "settle_at",
    "authorize_at",
    "expire_at",
)
_keys = iter(range(1, 1_000_000))


def _key() -> str:
    return f"by-hand-{next(_keys)}"


def _in_dashboard(path: str, **body: Any) -> None:
    said(lambda: client.post(path, body, key=_key()))


@contextlib.contextmanager
def _whatever_is_refused() -> Iterator[None]:
    """What can't happen now does not happen, in both lives alike."""
    with contextlib.suppress(Refused, GatewayRefused, HTTPError):
        yield
