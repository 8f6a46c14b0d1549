"""Reconciling the ledger with Stripe's balance transactions, both ways, to the cent (design 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import F, Min, Q, Sum

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.gateway import balance
from payments.ledger.matching import Booked, Difference, DifferenceKind, Moved, differences
from payments.models import JournalEntry, Operation, ReconciliationItem, ReconciliationRun, Step
from payments.policy.accounts import Account

MARGIN = timedelta(days=1)  # what one side dates a little earlier than the other is still found
AT_LEAST = timedelta(days=3)  # of a night's run: more than a night without us
AT_MOST = timedelta(days=30)
HIDES_FOR = timedelta(days=1)  # an unanswered call, what moved since
SKEW = timedelta(minutes=1)  # of our clock and Stripe's
BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found. `entries` and `transactions` are what it compared; the items are the differences that stand."""

    entries: int
    transactions: int
    items: tuple[ReconciliationItem, ...]
    settled: int  # items of earlier runs that match now


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """Both sides of a stretch of time, and what differs; and since when a call of ours is unanswered."""

    entries: int
    transactions: int
    differences: tuple[Difference, ...]
    unanswered_since: datetime | None


def where_to_begin(*, now: datetime) -> datetime:
    """Return where a run begins that nobody has told: some days back, or further if there is a reason to.

    The last run may be longer ago, and a difference that stands is compared again until it is closed. What is older
    than AT_MOST waits for somebody who says `--since`.
    """
    reasons = [now - AT_LEAST]
    if last := ReconciliationRun.objects.order_by("-until").first():
        reasons.append(last.until)
    if oldest := ReconciliationItem.objects.unresolved().order_by("happened_at").first():
        reasons.append(oldest.happened_at)
    return max(min(reasons), now - AT_MOST)


def reconcile(
    *, since: datetime, now: datetime, write: bool = True, tell: Callable[[str], None] = lambda text: None
) -> Report:
    """Match every posting on our Stripe balance since an instant with Stripe's balance transactions.

    Each difference becomes a work item, once; what matches in the end is settled by itself, and opened again should it
    differ again. What has moved at Stripe since the oldest call whose answer we don't know may be that call's: it is
    left for the next run, as is what happens while this one compares. A call unknown for a day hides nothing any more.
    With `write` off nothing is kept. No transaction may be open.
    Raises GatewayRefused, GatewayUnavailable.
    """
    compared = _compare(since - MARGIN, until=now, tell=tell)
    if sent_before := _sent_before(compared.differences, since - MARGIN):  # an answer may have been long in coming
        compared = _compare(sent_before - MARGIN, until=now, tell=tell)
    found = [each for each in compared.differences if each.at >= since and not _may_be_under_way(each, compared)]
    if write:
        items, settled = _keep(found, compared, since=since, now=now)
    else:
        items = tuple(ReconciliationItem(name=each.name, found_at=now, **_columns(each, now=now)) for each in found)
        settled = 0
    return Report(entries=compared.entries, transactions=compared.transactions, items=items, settled=settled)


def _compare(since: datetime, *, until: datetime, tell: Callable[[str], None]) -> _Comparison:
    """Read both sides and match them.

    In this order nothing is taken for missing that is only late: what Stripe says it moved is either unanswered when we
    look which calls are, or booked when we read the books.
    """
    moved = [
        Moved(id=found.id, source=found.source, amount=found.net, at=found.created_at, currency=found.currency)
        for found in balance.transactions_since(since, tell=lambda count: tell(f"{count} balance transactions"))
    ]
    unanswered = Step.objects.filter(
        state=Step.State.SENT, operation__in=Operation.objects.open(), first_sent_at__gte=until - HIDES_FOR
    ).aggregate(since=Min("first_sent_at"))
    booked = list(_booked(since=since, tell=tell))
    return _Comparison(
        entries=len(booked),
        transactions=len(moved),
        differences=tuple(each for each in differences(booked, moved) if each.at <= until),
        unanswered_since=unanswered["since"] and unanswered["since"] - SKEW,
    )


def _may_be_under_way(difference: Difference, compared: _Comparison) -> bool:
    moved_alone = difference.kind == DifferenceKind.MISSING_IN_BOOKS
    return moved_alone and compared.unanswered_since is not None and difference.at >= compared.unanswered_since


def _sent_before(found: Iterable[Difference], instant: datetime) -> datetime | None:
    """Return when the first call was sent of what seems not to have moved, if that was before an instant."""
    missing = [each.name for each in found if each.kind == DifferenceKind.MISSING_AT_STRIPE]
    steps = Step.objects.filter(pk__in=[_step_of(cause) for cause in missing if _is_of_a_step(cause)])
    first = steps.filter(first_sent_at__lt=instant).aggregate(sent_at=Min("first_sent_at"))
    return first["sent_at"]


def _booked(*, since: datetime, tell: Callable[[str], None]) -> Iterator[Booked]:
    """Every entry that says something of our balance, with the Stripe objects that it is about."""
    entries = (
        JournalEntry.objects.filter(occurred_at__gte=since)
        .annotate(
            cents=Sum("postings__amount_cents", filter=Q(postings__account=Account.PLATFORM)),
            reference=F("payment__reference"),
        )
        .filter(cents__isnull=False)
        .order_by("id")
    )
    count = 0
    rows = entries.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        count += len(batch)
        tell(f"{count} entries of the ledger")
        yield from _with_objects(batch)


def _with_objects(entries: Sequence[JournalEntry]) -> Iterator[Booked]:
    steps = Step.objects.in_bulk([_step_of(entry.cause) for entry in entries if _is_of_a_step(entry.cause)])
    for entry in entries:
        objects = {entry.stripe_object_id} if entry.stripe_object_id else set()
        if _is_of_a_step(entry.cause):
            step = steps[_step_of(entry.cause)]
            objects |= {value for value in step.answer.values() if isinstance(value, str) and "_" in value}
        if entry.cause.startswith("dispute:"):
            objects = {entry.cause.removeprefix("dispute:")}  # one dispute moves money twice
        yield Booked(
            cause=entry.cause,
            cents=entry.cents,  # type: ignore[attr-defined]  # annotated
            objects=frozenset(objects),
            at=entry.occurred_at,
            reference=entry.reference or "",  # type: ignore[attr-defined]  # annotated
        )


def _is_of_a_step(cause: str) -> bool:
    return cause.startswith("step:")


def _step_of(cause: str) -> int:
    return int(cause.removeprefix("step:"))


def _keep(
    found: Iterable[Difference], compared: _Comparison, *, since: datetime, now: datetime
) -> tuple[tuple[ReconciliationItem, ...], int]:
    with transaction.atomic(durable=True):
        kept = []
        for difference in found:
            standing = _columns(difference, now=now)
            item, is_new = ReconciliationItem.objects.update_or_create(
                name=difference.name, defaults=standing, create_defaults=standing | {"found_at": now}
            )
            if not is_new and item.resolved_at is not None and item.resolved_by is None:
                item.resolved_at, item.note = None, ""  # it had matched by itself, and does not any more
                item.save()
            kept.append(item)
        # Only what was looked at can have come to match: what is older, or may be under way, stays as it is.
        looked_at = ReconciliationItem.objects.unresolved().filter(happened_at__gte=since)
        matching = looked_at.exclude(name__in=[each.name for each in compared.differences]).in_dollars()
        settled = matching.update(resolved_at=now, note="It matches now.")
        standing_items = tuple(item for item in kept if item.resolved_at is None)
        ReconciliationRun.objects.create(
            since=since,
            until=now,
            entries=compared.entries,
            transactions=compared.transactions,
            differences=len(standing_items),
        )
    return standing_items, settled


def _columns(difference: Difference, *, now: datetime) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "payment_reference": difference.reference,
        "stripe_objects": list(difference.objects),
        "currency": difference.currency,
        "booked_cents": difference.booked,
        "moved_cents": difference.moved,
        "happened_at": difference.at,
        "seen_at": now,
    }


def close_item(*, item_id: int, actor: User, note: str, now: datetime, receipt: Receipt | None = None) -> None:
    """Close a work item that somebody has dealt with; found again, it stays closed.

    Raises Refused("already_settled") if it is closed.
    """
    with transaction.atomic(durable=True):
        item = ReconciliationItem.objects.select_for_update().get(pk=item_id)
        if item.resolved_at is not None:
            raise Refused("already_settled")
        item.resolved_at, item.resolved_by, item.note = now, actor, note
        item.save()
        if receipt:
            receipt.record(f"reconciliation:{item.pk}")
