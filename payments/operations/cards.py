"""Saving a card, with which later charges can be made off session (P2.5)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from credits import operations as credits
from instainstru.accounts.models import User
from instainstru.refusals import Refused
from payments.engine import inline_deadline
from payments.gateway import parties
from payments.gateway.parties import Card, CardSetup
from payments.models import Operation, Payer, Payment
from payments.operations.lifecycle import begin, perform
from payments.policy.states import Action, Party, PaymentStatus
from payments.policy.windows import settlement_due_at
from payments.readers import NotYet
from payments.rules import rules_of_version

COMES_BACK_WITHIN = timedelta(minutes=5)  # from the bank's page to ours


def begin_card_setup(*, student: User) -> CardSetup:
    """Begin saving a card; the first time, this makes the student a customer at Stripe. No transaction may be open.

    Raises GatewayRefused or GatewayUnavailable.
    """
    payer = _payer_of(student)
    earlier = payer.card_setups
    setup = parties.begin_card_setup(customer_id=payer.customer_id, key=f"user-{student.pk}-card-setup-{earlier + 1}")
    Payer.objects.filter(pk=payer.pk, card_setups=earlier).update(card_setups=earlier + 1)
    return setup


def confirm_card_setup(*, student: User, setup_id: str, payment_method: str, return_url: str) -> CardSetup:
    """Confirm a card's setup from our side, as Stripe.js does in a browser. Raises GatewayRefused or -Unavailable.

    Raises Refused("payment_method_required") for a setup that is not this student's.
    """
    _require_own(parties.card_setup(setup_id), student)
    return parties.confirm_card_setup(
        setup_id=setup_id, payment_method=payment_method, return_url=return_url, key=f"{setup_id}-{payment_method}"
    )


def save_card(*, student: User, setup_id: str, now: datetime) -> Payer:
    """Keep the card of a finished setup as the one that is charged, instead of the one before.

    No transaction may be open. Raises Refused: "payment_method_required" if the setup is not this student's or came to
    nothing, "authentication_required" if the bank still wants the student; GatewayRefused or GatewayUnavailable.
    """
    setup = parties.card_setup(setup_id)
    _require_own(setup, student)
    if setup.status == "requires_action":
        raise Refused("authentication_required", url=setup.url)
    if setup.status != "succeeded":
        raise Refused("payment_method_required")
    card = parties.card(setup.payment_method_id)
    with transaction.atomic(durable=True):
        payer = Payer.objects.select_for_update().get(user=student)
        _keep(payer, card, at=now)
    return payer


def keep_card_saved_at_stripe(*, setup_id: str, now: datetime) -> User | None:
    """Keep the card of a setup that was finished without the student coming back to us; return the student, if so.

    No transaction may be open. A card that was chosen after this setup had begun stays, so that any order of events
    leads to the same card. Raises NotYet while the student may still come back, who can then confirm with the bank;
    GatewayRefused or GatewayUnavailable.
    """
    setup = parties.card_setup(setup_id)
    payer = Payer.objects.filter(customer_id=setup.customer_id).first()
    if setup.status != "succeeded" or payer is None or _chose_later(payer, setup):
        return None
    if now - setup.begun_at < COMES_BACK_WITHIN:
        raise NotYet("The student may still come back with this card.")
    card = parties.card(setup.payment_method_id)
    with transaction.atomic(durable=True):
        payer = Payer.objects.select_for_update(of=("self",)).select_related("user").get(customer_id=setup.customer_id)
        if _chose_later(payer, setup):
            return None
        _keep(payer, card, at=setup.begun_at)
    return payer.user


def retry_unpaid(*, student: User, now: datetime, is_there: bool = True) -> list[Operation]:
    """Try the student's new card on every booking that waits for one: a due authorization, a due collection (P10.1).

    One whose first authorization is unanswered may be refused yet, and then it is this card's turn. A student who
    `is_there` can confirm with the bank. All of them together take the ten seconds of one request; what is not asked by
    then is begun, and the sweep goes on with it.
    """
    being_authorized = Operation.objects.open().filter(kind=Action.AUTHORIZE, payment=OuterRef("pk"))
    waiting = Payment.objects.filter(payer__user=student).filter(
        Q(status=PaymentStatus.PAYMENT_METHOD_REQUIRED)
        | Q(owed_cents__gt=0)
        | Q(status=PaymentStatus.SCHEDULED) & Exists(being_authorized)
    )
    tried, until = [], inline_deadline()
    for payment in waiting.order_by("starts_at", "id"):
        kind = what_the_card_owes(payment, now=now)
        try:
            operation = begin(
                kind=kind,
                payment_id=payment.pk,
                party=Party.STUDENT,
                actor=student,
                inputs={"student_is_there": is_there},
                now=now,
            )
        except Refused:
            continue  # paid, ended, or being worked on since we looked: nothing is left for this card to do
        tried.append(perform(operation, until=until))
    return tried


def what_the_card_owes(payment: Payment, *, now: datetime) -> Action:
    """Return the action by which the student's card pays for a booking: a debt, a due collection, or a hold."""
    if payment.owed_cents:
        return Action.COLLECT
    due_at = settlement_due_at(payment.ends_at, rules=rules_of_version(payment.policy_version))
    return Action.SETTLE if now >= due_at or payment.collection_refused_at else Action.PAY_NOW


def _payer_of(student: User) -> Payer:
    payer = Payer.objects.filter(user=student).first()
    if payer is not None:
        return payer
    customer_id = parties.create_customer(user_id=student.pk, email=student.email, name=student.name)
    payer, _ = Payer.objects.get_or_create(user=student, defaults={"customer_id": customer_id})
    return payer


def _chose_later(payer: Payer, setup: CardSetup) -> bool:
    """A setup that is kept already was not chosen before itself: what died after keeping it goes on with the card."""
    saved_at = payer.card_saved_at
    is_kept = saved_at == setup.begun_at and payer.payment_method_id == setup.payment_method_id
    return saved_at is not None and saved_at >= setup.begun_at and not is_kept


def _keep(payer: Payer, card: Card, *, at: datetime) -> None:
    payer.payment_method_id = card.payment_method_id
    payer.card_brand, payer.card_last4 = card.brand, card.last4
    payer.card_saved_at = at
    payer.save()
    credits.open_wallet(payer.user_id)


def _require_own(setup: CardSetup, student: User) -> None:
    if not Payer.objects.filter(user=student, customer_id=setup.customer_id).exists():
        raise Refused("payment_method_required")
