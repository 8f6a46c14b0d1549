"""What must hold after every step, whatever has happened: reckoned from what stands, without the product's own checks.

`audit` asks those too, and so proves each with the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from instainstru import clock
from instainstru.local.simulation.looks import NOTHING, Look
from instainstru.local.simulation.outcomes import end_as_the_policy_says
from payments.ledger import books
from payments.models import Payment, Step
from payments.policy.accounts import Account
from payments.policy.states import CASE_OF, ONLY_LOOKS, Action, PaymentStatus, ReviewReason

# By what alone a settled payment still moves: a refund, a dispute, a chargeback.
MOVES_WHAT_IS_SETTLED = {Action.STAFF_REFUND, *CASE_OF} - {Action.RULE_NO_SHOW}
UNSETTLED = frozenset(PaymentStatus) - {PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW}
FEES = (Account.STRIPE_FEES, Account.DISPUTE_FEES)
FROZEN_TERMS = (
    "policy_version", "tier", "student_fee_rate", "instructor_fee_rate", "lesson_price_cents", "student_fee_cents",
    "instructor_fee_cents", "credits_cents",
)  # fmt: skip
SETTLED_STANDS = (
    "status", "settlement_outcome", "student_credit_cents", "credits_released_cents", "credits_consumed_cents",
    "credits_forfeited_cents",
)  # fmt: skip


def broken(before: Look | None, now: Look) -> list[str]:
    """Return a line for each invariant that does not hold; what it is stands before the colon."""
    wrong = [line for invariant in _OF_A_MOMENT for line in invariant(now)]
    if before is not None:
        wrong += [line for rule in _OF_A_STEP for line in rule(before, now)]
    return wrong


def audit() -> list[str]:
    """Return what the product's own checks find wrong with its books."""
    return [str(finding) for finding in books.findings()]


def _books_sum_to_zero(now: Look) -> Iterator[str]:
    """All of the books, every entry, and what is booked for each payment."""
    if off := sum(now.sums.of_account.values()):
        yield f"books sum to zero: all are off by {off}"
    for entry, cents in now.sums.of_entry.items():
        if cents:
            yield f"books sum to zero: entry {entry} is off by {cents}"
    for payment_id, accounts in now.sums.of_payment.items():
        if off := sum(accounts.values()):
            yield f"books sum to zero: {now.payments[payment_id].reference} is off by {off}"


def _every_cent_is_somewhere(now: Look) -> Iterator[str]:
    """Per booking captured = refunded + charged back + paid out + held + retained: Stripe's figures, and our books."""
    for payment in _told(now):
        captured, refunded, paid_out = now.moved(payment)
        charged_back = now.at_stripe.get(payment.reference, NOTHING)["disputed"]
        held = -now.sums.of(payment.pk, Account.HELD)
        elsewhere = {Account.PLATFORM, *FEES, Account.HELD}
        retained = -now.sums.of(payment.pk, *(set(Account) - elsewhere))
        if captured != refunded + charged_back + paid_out + held + retained:
            yield (
                f"every cent captured is somewhere: {payment.reference} {captured}, not "
                f"{refunded} + {charged_back} + {paid_out} + {held} + {retained}"
            )


def _books_follow_payments(now: Look) -> Iterator[str]:
    """What each payment says that moved is what was posted for it."""
    for payment in now.payments.values():
        paid_out = payment.instructor_payout_cents
        kept = payment.captured_cents - payment.refunded_to_card_cents - payment.charged_back_cents - paid_out
        posted = now.sums.of(payment.pk, Account.CONNECTED), now.sums.of(payment.pk, Account.PLATFORM, *FEES)
        if posted != (paid_out, kept):
            yield f"what moved is posted: {payment.reference} {posted}, not {(paid_out, kept)}"
        held = -now.sums.of(payment.pk, Account.HELD)
        if payment.status in UNSETTLED and held != payment.captured_cents - payment.refunded_to_card_cents:
            yield f"held is what the card paid: {payment.reference} {held}"
        if payment.status == PaymentStatus.SETTLED and not now.open_operations[payment.pk]:
            if held:
                yield f"a settled payment holds nothing: {payment.reference} {held}"
            if owed := now.sums.of(payment.pk, Account.CONNECTED, Account.EARNINGS):
                yield f"what was earned is paid out: {payment.reference} {owed}"
        in_dispute = payment.charged_back_cents if payment.review_reason == ReviewReason.CHARGEBACK_OPEN else 0
        if now.sums.of(payment.pk, Account.IN_DISPUTE) != in_dispute:
            yield f"the bank has what is in dispute: {payment.reference} {in_dispute}"


def _credits_are_whole(now: Look) -> Iterator[str]:
    """No lot is negative, every cent of one is in one state, and wallets, debts and reservations are what is booked."""
    owed: Counter[int] = Counter()
    for lot in now.lots:
        if min(lot.amount, *lot.cents.values()) < 0:
            yield f"no lot is negative: {lot.number} {lot.cents}"
        if lot.amount != sum(lot.cents.values()):
            yield f"every cent of a lot is in one state: {lot.number} {lot.amount} {lot.cents}"
        owed[lot.student] += lot.owed
    booked = now.sums.of_owner[Account.CREDITS]
    for student in owed.keys() | booked.keys():
        if owed[student] != -booked[student]:
            yield f"a wallet is what is booked: student {student} {owed[student]}, booked {-booked[student]}"
    debts = now.overdrawn + Counter[int]()
    for payment in now.payments.values():
        debts[payment.payer.user_id] += payment.owed_cents
    booked = now.sums.of_owner[Account.RECEIVABLE]
    for student in debts.keys() | booked.keys():
        if debts[student] != booked[student]:
            yield f"a debt is what is booked: student {student} {debts[student]}, booked {booked[student]}"
    for payment in now.payments.values():
        used = payment.credits_released_cents + payment.credits_consumed_cents + payment.credits_forfeited_cents
        if now.reserved.get(payment.reference, 0) != payment.credits_cents - used:
            yield f"reserved until used: {payment.reference} {now.reserved.get(payment.reference, 0)}"
    if lost := now.reserved.keys() - {payment.reference for payment in now.payments.values()}:
        yield f"reserved until used: nobody's {sorted(lost)}"


def _one_at_a_time(now: Look) -> Iterator[str]:
    for payment_id, count in now.open_operations.items():
        if count > 1:
            yield f"one open operation: {now.payments[payment_id].reference} has {count}"
    given_up = {now.payments[payment_id].reference for payment_id in now.given_up}
    for reference, count in now.holds.items():
        if count > 1 and reference not in given_up:  # a hold that could not be voided is left to lapse (P10.3)
            yield f"one live hold: {reference} has {count}"


def _stripe_and_we_agree(now: Look) -> Iterator[str]:
    """What was captured, refunded, paid out, charged back and is held for each booking, and every balance."""
    for payment in _told(now):
        group = now.at_stripe.get(payment.reference, NOTHING)
        theirs = (*now.moved(payment), group["disputed"])
        ours = (
            payment.captured_cents,
            payment.refunded_to_card_cents,
            payment.instructor_payout_cents,
            payment.charged_back_cents,
        )
        if theirs != ours:
            yield f"Stripe agrees on captured, refunded, paid out, charged back: {payment.reference} {theirs} {ours}"
        held = group["held"]
        lapsed = not held and payment.capture_before is not None and payment.capture_before <= clock.now()
        if held != payment.authorized_cents and not lapsed and payment.pk not in now.given_up:
            yield f"Stripe agrees on the hold: {payment.reference} {held}, not {payment.authorized_cents}"
    if not now.unanswered and not now.untold and now.owned != now.owned_at_stripe:
        off = {name: (cents, now.owned_at_stripe.get(name)) for name, cents in now.owned.items()}
        off = {name: both for name, both in off.items() if both[0] != both[1]}
        yield f"Stripe agrees on balances: {sorted(off.values())}"
    known = {payment.reference for payment in now.payments.values()}
    for reference, group in now.at_stripe.items():
        if reference not in known and group["payment_intents"]:
            yield f"no card is asked for nothing: {reference}"


def _nobody_is_paid_twice(now: Look) -> Iterator[str]:
    """No card gets back more than it paid, by refunds and by its bank together."""
    for reference, group in now.at_stripe.items():
        back = group["refunded"] + group["disputed"]
        if back > group["captured"]:
            yield f"a cardholder is paid back once: {reference} paid {group['captured']} and got {back}"


def _terms_are_frozen(before: Look, now: Look) -> Iterator[str]:
    """What was agreed when it was booked stays so, whatever prices and tiers become (P1.2)."""
    for payment in before.payments.values():
        for name in FROZEN_TERMS:
            was, is_now = getattr(payment, name), getattr(now.payments[payment.pk], name)
            if was != is_now:
                yield f"terms are frozen: {payment.reference} {name} was {was}, is {is_now}"


def _settled_is_final(before: Look, now: Look) -> Iterator[str]:
    """A settled payment moves by nothing but a refund, a dispute or a chargeback; not its records, nor Stripe's."""
    answered = {
        (sent.payment_id, sent.kind)
        for pk, sent in now.sent.items()
        if pk not in before.sent or before.sent[pk] != sent
    }
    begun = {(payment, kind) for payment, kind, _ in now.operations.values() if kind in MOVES_WHAT_IS_SETTLED}
    for payment in before.payments.values():
        settled = payment.status == PaymentStatus.SETTLED and not before.open_operations[payment.pk]
        outside = now.changes_at_stripe[payment.pk] != before.changes_at_stripe[payment.pk]
        if not settled or outside or payment.reference in now.untold | before.untold:
            continue
        moved = before.moved(payment), now.moved(payment)
        by = {kind for payment_id, kind in answered if payment_id == payment.pk}
        if moved[0] != moved[1] and not by & MOVES_WHAT_IS_SETTLED:
            yield f"settled is final: {payment.reference} {moved[0]} {moved[1]} by {sorted(by)}"
        after = now.payments[payment.pk]
        changed = [name for name in SETTLED_STANDS if getattr(payment, name) != getattr(after, name)]
        is_frozen = now.freezes.get(payment.pk, set()) - before.freezes.get(payment.pk, set())
        if changed and not is_frozen and not any(payment_id == payment.pk for payment_id, _ in begun):
            yield f"settled is final: {payment.reference} changed {changed}"


def _under_review_nothing_is_sent(before: Look, now: Look) -> Iterator[str]:
    """While a case is open nothing further is sent but by a case's own operation (P8.1); nothing is captured."""
    captured: set[int] = set()  # by a call that was on its way already, or by a ruling whose answer is not known yet
    for pk, sent in now.sent.items():
        still_open = before.freezes.get(sent.payment_id, set()) & now.freezes.get(sent.payment_id, set())
        if pk in before.sent:
            if before.sent[pk].state == Step.State.SENT:
                captured.add(sent.payment_id)
        elif sent.kind in CASE_OF or sent.kind in ONLY_LOOKS:  # what the student did at the bank is no call of ours
            captured.add(sent.payment_id)
        elif still_open:
            reference = now.payments[sent.payment_id].reference
            yield f"under review nothing is sent: {reference} {sent.call} of {sent.kind}"
    for payment in before.payments.values():
        still_open = before.freezes.get(payment.pk, set()) & now.freezes.get(payment.pk, set())
        was, is_now = before.moved(payment)[0], now.moved(payment)[0]
        if still_open and was != is_now and payment.pk not in captured:
            yield f"under review nothing is captured: {payment.reference} {was} {is_now}"


def _told(now: Look) -> Iterator[Payment]:
    """Payments about which Stripe and we should know the same."""
    unanswered = now.unanswered
    return (
        payment
        for payment in now.payments.values()
        if payment.pk not in unanswered and payment.reference not in now.untold
    )


_OF_A_MOMENT: tuple[Callable[[Look], Iterator[str]], ...] = (
    _stripe_and_we_agree,
    _books_sum_to_zero,
    _every_cent_is_somewhere,
    _books_follow_payments,
    _credits_are_whole,
    _one_at_a_time,
    _nobody_is_paid_twice,
    end_as_the_policy_says,
)
_OF_A_STEP: tuple[Callable[[Look, Look], Iterator[str]], ...] = (
    _terms_are_frozen,
    _settled_is_final,
    _under_review_nothing_is_sent,
)
