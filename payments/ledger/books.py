"""Proving the books: every invariant of the ledger, checked against the database and, on demand, against Stripe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable

from credits import queries as credits
from instainstru.money import dollars
from instainstru.prepared import PreparedValues
from payments.gateway import parties
from payments.models import JournalEntry, Operation, Payee, Payment, Posting
from payments.policy.accounts import Account
from payments.policy.states import PaymentStatus, ReviewReason

Off = Iterable[tuple[str, int]]  # where, and by how many cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place where the books are wrong. `off_by` is in cents."""

    invariant: str
    where: str
    off_by: int

    def __str__(self) -> str:
        return f"{self.invariant}: {self.where} is off by {dollars(self.off_by)}"


def findings(*, ask_stripe: bool = False, tell: Callable[[str], None] = lambda text: None) -> list[Finding]:
    """Return everything that is wrong with the books; an empty list is the proof that they are right.

    With `ask_stripe` the balances are compared with Stripe's, to the cent; no transaction may be open then, and no
    call unanswered. `tell` hears of each check, and of each account that Stripe is asked about. Raises GatewayRefused,
    GatewayUnavailable if Stripe is asked.
    """
    total = len(_CHECKS) + ask_stripe
    found: list[Finding] = []
    for number, (invariant, check) in enumerate(_CHECKS.items(), start=1):
        tell(f"{number} of {total}: {invariant}")
        found += [Finding(invariant=invariant, where=where, off_by=off_by) for where, off_by in check()]
    if ask_stripe:
        found += _stripe_agrees(tell=lambda text: tell(f"{total} of {total}: Stripe agrees, {text}"))
    return found


def balance(account: Account, *, owner_id: int | None = None) -> int:
    """Return an account's balance in cents, debit positive; of one owner where it has several."""
    postings = Posting.objects.filter(account=account)
    if owner_id is not None:
        postings = postings.filter(owner_id=owner_id)
    return postings.aggregate(sum=Sum("amount_cents"))["sum"] or 0


def _wallets_agree() -> Off:
    """What each student's lots say we owe is what their account says (design 2)."""
    owed, booked = credits.outstanding_by_student(), _balances_by_owner(Account.CREDITS)
    for student_id in owed.keys() | booked.keys():
        if off_by := -booked.get(student_id, 0) - owed.get(student_id, 0):
            yield f"student {student_id}", off_by


def _debts_agree() -> Off:
    """What each student owes, in credit (P9.4) and since a card was refused (P10.2), is what their account says."""
    owed, booked = Counter(credits.owed_by_student()), _balances_by_owner(Account.RECEIVABLE)
    for student_id, cents in Payment.objects.filter(owed_cents__gt=0).values_list("payer__user_id", "owed_cents"):
        owed[student_id] += cents
    for student_id in owed.keys() | booked.keys():
        if off_by := booked.get(student_id, 0) - owed[student_id]:
            yield f"student {student_id}", off_by


def _reservations_agree() -> Off:
    """A payment has its credits reserved until they are released, consumed or forfeited."""
    reserved = credits.reserved_by_reference()
    used = F("credits_released_cents") + F("credits_consumed_cents") + F("credits_forfeited_cents")
    waiting = Payment.objects.annotate(waiting=F("credits_cents") - used).exclude(waiting=0)
    expected = dict(waiting.values_list("reference", "waiting"))
    for reference in expected.keys() | reserved.keys():
        if off_by := reserved.get(reference, 0) - expected.get(reference, 0):
            yield reference, off_by


def _stripe_agrees(*, tell: Callable[[str], None]) -> Iterator[Finding]:
    """Our own and every connected account's balance at Stripe are what the ledger says."""
    payees = Payee.objects.order_by("id")
    total = payees.count()
    tell("our own account")
    if off_by := balance(Account.PLATFORM) - parties.platform_balance():
        yield Finding(invariant="Stripe agrees", where="platform balance", off_by=off_by)
    for number, payee in enumerate(payees.iterator(), start=1):
        tell(f"{number} of {total} connected accounts")
        booked = balance(Account.CONNECTED, owner_id=payee.user_id)
        if off_by := booked - parties.account_balance(payee.account_id):
            yield Finding(invariant="Stripe agrees", where=payee.account_id, off_by=off_by)


def _balances_by_owner(account: Account) -> dict[int, int]:
    """Return what stands in an account for each of its owners, in cents, debit positive."""
    postings = Posting.objects.filter(account=account, owner__isnull=False)
    return dict(postings.values_list("owner_id").annotate(sum=Sum("amount_cents")))


# --- What is proved -----------------------------------------------------------------------------------------------


def _unbalanced() -> QuerySet[JournalEntry, Any]:
    entries = JournalEntry.objects.annotate(off=Sum("postings__amount_cents", default=0), lines=Count("postings"))
    return entries.filter(~Q(off=0) | Q(lines=0)).values_list("cause", "off")


def _settled() -> QuerySet[Payment]:
    unfinished = Operation.objects.open().filter(payment=OuterRef("pk"))
    return Payment.objects.filter(status=PaymentStatus.SETTLED).exclude(Exists(unfinished))


def _unsettled() -> QuerySet[Payment]:
    return Payment.objects.exclude(status__in=[PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW])


def _at_the_bank() -> QuerySet[Payment]:
    return Payment.objects.filter(review_reason=ReviewReason.CHARGEBACK_OPEN)


def _not_at_the_bank() -> QuerySet[Payment]:
    return Payment.objects.exclude(pk__in=_at_the_bank().values("pk"))


def _posted(*accounts: Account, of: Callable[[], QuerySet[Payment]], should_be: Combinable) -> Callable[[], Off]:
    """Search for payments for which the sum of what was posted to some accounts is not what it should be.

    The search is put together once: nothing in it changes from one time to the next.
    """

    def wrong() -> QuerySet[Payment, Any]:
        posted = Sum("postings__amount_cents", filter=Q(postings__account__in=accounts), default=0)
        return of().annotate(off_by=posted - should_be).exclude(off_by=0).values_list("reference", "off_by")

    return PreparedValues(wrong).all


_PAID_OUT = F("charge_transfer_cents") - F("charge_transfer_reversed_cents") + F("paid_cents")
_KEPT = F("captured_cents") - F("refunded_to_card_cents") - F("charged_back_cents") - _PAID_OUT
_HELD = F("refunded_to_card_cents") - F("captured_cents")  # a liability: what the card paid, and did not get back
_AT_STRIPE = (Account.PLATFORM, Account.STRIPE_FEES, Account.DISPUTE_FEES)

_CHECKS: dict[str, Callable[[], Off]] = {
    # Every entry has postings that sum to zero: the triggers say so, and this does not trust them.
    "an entry balances": PreparedValues(_unbalanced).all,
    # What each payment says that cards and transfers moved is what was posted for it.
    "payouts are posted": _posted(Account.CONNECTED, of=Payment.objects.all, should_be=_PAID_OUT),
    "charges and refunds are posted": _posted(*_AT_STRIPE, of=Payment.objects.all, should_be=_KEPT),
    # A settled payment holds no funds, and what its instructor earned is what was paid out for it.
    "a settled payment holds nothing": _posted(Account.HELD, of=_settled, should_be=Value(0)),
    "earnings are paid out": _posted(Account.CONNECTED, Account.EARNINGS, of=_settled, should_be=Value(0)),
    # Until a payment is settled or under review, the platform holds for it exactly what its card paid.
    "held is what the card paid": _posted(Account.HELD, of=_unsettled, should_be=_HELD),
    # Nothing is with the cardholder's bank but for a chargeback that is open, and then all that it took back.
    "the bank has it": _posted(Account.IN_DISPUTE, of=_at_the_bank, should_be=F("charged_back_cents")),
    "nothing is left in dispute": _posted(Account.IN_DISPUTE, of=_not_at_the_bank, should_be=Value(0)),
    "a wallet agrees with its account": _wallets_agree,
    "what a student owes agrees with the account": _debts_agree,
    "reservations agree with payments": _reservations_agree,
}
