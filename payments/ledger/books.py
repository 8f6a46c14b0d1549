"""Proving the books: every invariant of the ledger, checked against the database and, on demand, against Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from credits import queries as credits
from instainstru.money import dollars
from payments.gateway import parties
from payments.models import JournalEntry, Operation, Payee, Payment, Posting
from payments.policy.accounts import Account
from payments.policy.states import PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place where the books are wrong. `off_by` is in cents."""

    invariant: str
    where: str
    off_by: int

    def __str__(self) -> str:
        return f"{self.invariant}: {self.where} is off by {dollars(self.off_by)}"


def findings(*, ask_stripe: bool = False) -> list[Finding]:
    """Return everything that is wrong with the books; an empty list is the proof that they are right.

    With `ask_stripe` the balances are compared with Stripe's, to the cent; no transaction may be open then, and no
    call unanswered.
    """
    return [finding for check in (_CHECKS + (_stripe_agrees,) * ask_stripe) for finding in check()]


def balance(account: Account, *, owner_id: int | None = None) -> int:
    """Return an account's balance in cents, debit positive; of one owner where it has several."""
    postings = Posting.objects.filter(account=account)
    if owner_id is not None:
        postings = postings.filter(owner_id=owner_id)
    return postings.aggregate(sum=Sum("amount_cents"))["sum"] or 0


def _entries_balance() -> Iterator[Finding]:
    """Every entry has postings that sum to zero: the triggers say so, and this does not trust them."""
    entries = JournalEntry.objects.annotate(off=Sum("postings__amount_cents", default=0), lines=Count("postings"))
    for entry in entries.filter(~Q(off=0) | Q(lines=0)):
        yield Finding(invariant="an entry balances", where=entry.cause, off_by=entry.off)


def _stripe_moves_are_posted() -> Iterator[Finding]:
    """What each payment says that cards and transfers moved is what was posted for it."""
    payments = _with_posted(
        Payment.objects.all(),
        connected=Q(postings__account=Account.CONNECTED),
        platform=Q(postings__account__in=[Account.PLATFORM, Account.STRIPE_FEES]),
    )
    paid_out = F("charge_transfer_cents") - F("charge_transfer_reversed_cents") + F("paid_cents")
    for payment in payments.exclude(connected=paid_out):
        off_by = payment.connected - payment.instructor_payout_cents
        yield Finding(invariant="payouts are posted", where=payment.reference, off_by=off_by)
    kept = F("captured_cents") - F("refunded_to_card_cents") - paid_out
    for payment in payments.exclude(platform=kept):
        kept_cents = payment.captured_cents - payment.refunded_to_card_cents - payment.instructor_payout_cents
        off_by = payment.platform - kept_cents
        yield Finding(invariant="charges and refunds are posted", where=payment.reference, off_by=off_by)


def _settled_is_settled() -> Iterator[Finding]:
    """A settled payment holds no funds, and what its instructor earned is what was paid out for it."""
    settled = Payment.objects.filter(status=PaymentStatus.SETTLED).exclude(Exists(_open_operation()))
    payments = _with_posted(
        settled,
        held=Q(postings__account=Account.HELD),
        unpaid=Q(postings__account__in=[Account.CONNECTED, Account.EARNINGS]),
    )
    for payment in payments.exclude(held=0):
        yield Finding(invariant="a settled payment holds nothing", where=payment.reference, off_by=payment.held)
    for payment in payments.exclude(unpaid=0):
        yield Finding(invariant="earnings are paid out", where=payment.reference, off_by=payment.unpaid)


def _unsettled_holds_what_the_card_paid() -> Iterator[Finding]:
    """Until a payment is settled or under review, the platform holds for it exactly what its card paid."""
    unsettled = Payment.objects.exclude(status__in=[PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW])
    payments = _with_posted(unsettled, held=Q(postings__account=Account.HELD))
    for payment in payments.exclude(held=F("refunded_to_card_cents") - F("captured_cents")):
        off_by = payment.held + payment.captured_cents - payment.refunded_to_card_cents
        yield Finding(invariant="held is what the card paid", where=payment.reference, off_by=off_by)


def _wallets_agree() -> Iterator[Finding]:
    """What each student's lots say we owe is what their account says (design 2)."""
    owed = credits.outstanding_by_student()
    booked = {
        row["owner_id"]: -row["sum"]
        for row in Posting.objects.filter(account=Account.CREDITS).values("owner_id").annotate(sum=Sum("amount_cents"))
    }
    for student_id in owed.keys() | booked.keys():
        if off_by := booked.get(student_id, 0) - owed.get(student_id, 0):
            yield Finding(invariant="a wallet agrees with its account", where=f"student {student_id}", off_by=off_by)


def _reservations_agree() -> Iterator[Finding]:
    """A payment has its credits reserved until they are released, consumed or forfeited."""
    reserved = credits.reserved_by_reference()
    used = F("credits_released_cents") + F("credits_consumed_cents") + F("credits_forfeited_cents")
    waiting = Payment.objects.annotate(waiting=F("credits_cents") - used).exclude(waiting=0)
    expected = dict(waiting.values_list("reference", "waiting"))
    for reference in expected.keys() | reserved.keys():
        if off_by := reserved.get(reference, 0) - expected.get(reference, 0):
            yield Finding(invariant="reservations agree with payments", where=reference, off_by=off_by)


def _stripe_agrees() -> Iterator[Finding]:
    """Our own and every connected account's balance at Stripe are what the ledger says."""
    if off_by := balance(Account.PLATFORM) - parties.platform_balance():
        yield Finding(invariant="Stripe agrees", where="platform balance", off_by=off_by)
    for payee in Payee.objects.order_by("id").iterator():
        booked = balance(Account.CONNECTED, owner_id=payee.user_id)
        if off_by := booked - parties.account_balance(payee.account_id):
            yield Finding(invariant="Stripe agrees", where=payee.account_id, off_by=off_by)


def _with_posted(payments: QuerySet[Payment], **sums: Q) -> QuerySet[Payment]:
    return payments.annotate(
        **{name: Sum("postings__amount_cents", filter=which, default=0) for name, which in sums.items()}
    )


def _open_operation() -> QuerySet[Operation]:
    return Operation.objects.open().filter(payment=OuterRef("pk"))


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _entries_balance,
    _stripe_moves_are_posted,
    _settled_is_settled,
    _unsettled_holds_what_the_card_paid,
    _wallets_agree,
    _reservations_agree,
)
