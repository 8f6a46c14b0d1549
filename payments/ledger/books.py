"""Proving the books: every invariant of the ledger, checked against the database and, on demand, against Stripe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
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
    for number, check in enumerate(_CHECKS, start=1):
        tell(f"{number} of {total}: {check.__name__.strip('_').replace('_', ' ')}")
        found += check()
    if ask_stripe:
        found += _stripe_agrees(tell=lambda text: tell(f"{total} of {total}: stripe agrees, {text}"))
    return found


def balance(account: Account, *, owner_id: int | None = None) -> int:
    """Return an account's balance in cents, debit positive; of one owner where it has several."""
    postings = Posting.objects.filter(account=account)
    if owner_id is not None:
        postings = postings.filter(owner_id=owner_id)
    return postings.aggregate(sum=Sum("amount_cents"))["sum"] or 0


def _entries_balance() -> Iterator[Finding]:
    """Every entry has postings that sum to zero: the triggers say so, and this does not trust them."""
    for cause, off_by in _UNBALANCED.all():
        yield Finding(invariant="an entry balances", where=cause, off_by=off_by)


def _stripe_moves_are_posted() -> Iterator[Finding]:
    """What each payment says that cards and transfers moved is what was posted for it."""
    yield from _off("payouts are posted")
    yield from _off("charges and refunds are posted")


def _settled_is_settled() -> Iterator[Finding]:
    """A settled payment holds no funds, and what its instructor earned is what was paid out for it."""
    yield from _off("a settled payment holds nothing")
    yield from _off("earnings are paid out")


def _unsettled_holds_what_the_card_paid() -> Iterator[Finding]:
    """Until a payment is settled or under review, the platform holds for it exactly what its card paid."""
    yield from _off("held is what the card paid")


def _bank_holds_only_what_is_disputed() -> Iterator[Finding]:
    """Nothing is with the cardholder's bank but for a chargeback that is open, and then all that it took back."""
    yield from _off("the bank has it")
    yield from _off("nothing is left in dispute")


def _wallets_agree() -> Iterator[Finding]:
    """What each student's lots say we owe is what their account says (design 2)."""
    owed, booked = credits.outstanding_by_student(), _balances_by_owner(Account.CREDITS)
    for student_id in owed.keys() | booked.keys():
        if off_by := -booked.get(student_id, 0) - owed.get(student_id, 0):
            yield Finding(invariant="a wallet agrees with its account", where=f"student {student_id}", off_by=off_by)


def _debts_agree() -> Iterator[Finding]:
    """What each student owes, in credit (P9.4) and since a card was refused (P10.2), is what their account says."""
    owed, booked = Counter(credits.owed_by_student()), _balances_by_owner(Account.RECEIVABLE)
    for student_id, cents in Payment.objects.filter(owed_cents__gt=0).values_list("payer__user_id", "owed_cents"):
        owed[student_id] += cents
    for student_id in owed.keys() | booked.keys():
        if off_by := booked.get(student_id, 0) - owed[student_id]:
            yield Finding(
                invariant="what a student owes agrees with the account", where=f"student {student_id}", off_by=off_by
            )


def _reservations_agree() -> Iterator[Finding]:
    """A payment has its credits reserved until they are released, consumed or forfeited."""
    reserved = credits.reserved_by_reference()
    used = F("credits_released_cents") + F("credits_consumed_cents") + F("credits_forfeited_cents")
    waiting = Payment.objects.annotate(waiting=F("credits_cents") - used).exclude(waiting=0)
    expected = dict(waiting.values_list("reference", "waiting"))
    for reference in expected.keys() | reserved.keys():
        if off_by := reserved.get(reference, 0) - expected.get(reference, 0):
            yield Finding(invariant="reservations agree with payments", where=reference, off_by=off_by)


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


def _off(invariant: str) -> Iterator[Finding]:
    for reference, off_by in _PAYMENTS_OFF[invariant].all():
        yield Finding(invariant=invariant, where=reference, off_by=off_by)


# --- The searches, each put together once -------------------------------------------------------------------------


def _unbalanced() -> QuerySet[JournalEntry, Any]:
    entries = JournalEntry.objects.annotate(off=Sum("postings__amount_cents", default=0), lines=Count("postings"))
    return entries.filter(~Q(off=0) | Q(lines=0)).values_list("cause", "off")


def _payments_off(
    payments: Callable[[], QuerySet[Payment]], accounts: list[Account], *, should_be: Combinable
) -> PreparedValues:
    """Search for payments for which the sum of what was posted to some accounts is not what it should be."""

    def wrong() -> QuerySet[Payment, Any]:
        posted = Sum("postings__amount_cents", filter=Q(postings__account__in=accounts), default=0)
        return payments().annotate(off_by=posted - should_be).exclude(off_by=0).values_list("reference", "off_by")

    return PreparedValues(wrong)


def _settled() -> QuerySet[Payment]:
    unfinished = Operation.objects.open().filter(payment=OuterRef("pk"))
    return Payment.objects.filter(status=PaymentStatus.SETTLED).exclude(Exists(unfinished))


def _unsettled() -> QuerySet[Payment]:
    return Payment.objects.exclude(status__in=[PaymentStatus.SETTLED, PaymentStatus.MANUAL_REVIEW])


def _at_the_bank() -> QuerySet[Payment]:
    return Payment.objects.filter(review_reason=ReviewReason.CHARGEBACK_OPEN)


def _not_at_the_bank() -> QuerySet[Payment]:
    return Payment.objects.exclude(pk__in=_at_the_bank().values("pk"))


_PAID_OUT = F("charge_transfer_cents") - F("charge_transfer_reversed_cents") + F("paid_cents")
_KEPT = F("captured_cents") - F("refunded_to_card_cents") - F("charged_back_cents") - _PAID_OUT
_HELD = F("refunded_to_card_cents") - F("captured_cents")  # a liability: what the card paid, and did not get back

_UNBALANCED = PreparedValues(_unbalanced)
_PAYMENTS_OFF = {
    "payouts are posted": _payments_off(Payment.objects.all, [Account.CONNECTED], should_be=_PAID_OUT),
    "charges and refunds are posted": _payments_off(
        Payment.objects.all, [Account.PLATFORM, Account.STRIPE_FEES, Account.DISPUTE_FEES], should_be=_KEPT
    ),
    "a settled payment holds nothing": _payments_off(_settled, [Account.HELD], should_be=Value(0)),
    "earnings are paid out": _payments_off(_settled, [Account.CONNECTED, Account.EARNINGS], should_be=Value(0)),
    "held is what the card paid": _payments_off(_unsettled, [Account.HELD], should_be=_HELD),
    "the bank has it": _payments_off(_at_the_bank, [Account.IN_DISPUTE], should_be=F("charged_back_cents")),
    "nothing is left in dispute": _payments_off(_not_at_the_bank, [Account.IN_DISPUTE], should_be=Value(0)),
}

_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _entries_balance,
    _stripe_moves_are_posted,
    _settled_is_settled,
    _unsettled_holds_what_the_card_paid,
    _bank_holds_only_what_is_disputed,
    _wallets_agree,
    _debts_agree,
    _reservations_agree,
)
