"""Reconciling the ledger with Stripe's balance transactions, both ways, to the cent (design 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum

from instainstru.accounts.models import User
from instainstru.api.idempotency import Receipt
from instainstru.refusals import Refused
from payments.gateway import balance
from payments.ledger.matching import Booked, Difference, Moved, differences
from payments.models import JournalEntry, Operation, ReconciliationItem, Step
from payments.policy.accounts import Account

MARGIN = timedelta(days=1)  # what one side dates a little earlier than the other is still found
BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found. `matched` counts entries; the items are the differences that stand."""

    entries: int
    transactions: int
    items: tuple[ReconciliationItem, ...]
    settled: int  # items of earlier runs that match now


def reconcile(
    *, since: datetime, now: datetime, write: bool = True, tell: Callable[[str], None] = lambda text: None
) -> Report:
    """Match every posting on our Stripe balance since an instant with Stripe's balance transactions.

    Each difference becomes a work item, once; what matches in the end is settled by itself, and opened again should it
    differ again. A charge that an open operation may be making right now is left for the next run; any other call of
    its that is not recorded yet is an item until the next run. With `write` off nothing is kept. No transaction may be
    open.
    Raises GatewayRefused, GatewayUnavailable.
    """
    booked = list(_booked(since=since - MARGIN))
    tell(f"{len(booked)} entries of the ledger")
    moved = [
        Moved(id=found.id, source=found.source, cents=found.net, at=found.created_at)
        for found in balance.transactions_since(since - MARGIN)
    ]
    tell(f"{len(moved)} balance transactions of Stripe's")
    in_flight = _in_flight()
    found = [
        each for each in differences(booked, moved) if each.at >= since and not in_flight & {*each.objects, each.name}
    ]
    if write:
        items, settled = _keep(found, matched=booked, now=now)
    else:
        items = tuple(ReconciliationItem(name=each.name, found_at=now, **_columns(each, now=now)) for each in found)
        settled = 0
    return Report(entries=len(booked), transactions=len(moved), items=items, settled=settled)


def _booked(*, since: datetime) -> Iterator[Booked]:
    """Every entry that says something of our balance, with the Stripe objects that it is about."""
    entries = (
        JournalEntry.objects.filter(occurred_at__gte=since)
        .annotate(cents=Sum("postings__amount_cents", filter=Q(postings__account=Account.PLATFORM)))
        .filter(cents__isnull=False)
        .order_by("id")
    )
    batch: list[JournalEntry] = []
    for entry in entries.iterator(chunk_size=BATCH):
        batch.append(entry)
        if len(batch) == BATCH:
            yield from _with_objects(batch)
            batch = []
    yield from _with_objects(batch)


def _with_objects(entries: list[JournalEntry]) -> Iterator[Booked]:
    steps = Step.objects.in_bulk([int(entry.cause.removeprefix("step:")) for entry in entries if _is_of_a_step(entry)])
    for entry in entries:
        objects = {entry.stripe_object_id} if entry.stripe_object_id else set()
        if _is_of_a_step(entry):
            step = steps[int(entry.cause.removeprefix("step:"))]
            objects |= {value for value in step.answer.values() if isinstance(value, str) and "_" in value}
        if entry.cause.startswith("dispute:"):
            objects = {entry.cause.removeprefix("dispute:")}  # one dispute moves money twice
        yield Booked(
            cause=entry.cause,
            cents=entry.cents,  # type: ignore[attr-defined]  # annotated
            objects=frozenset(objects),
            at=entry.occurred_at,
        )


def _is_of_a_step(entry: JournalEntry) -> bool:
    return entry.cause.startswith("step:")


def _in_flight() -> set[str]:
    """Stripe's objects that an open operation may be moving right now: what they moved is recorded with the answer."""
    payments = Operation.objects.open().values_list(
        "payment__intent_id", "payment__charge_id", "payment__transfer_id", "payment__pending_intent_id"
    )
    return {name for names in payments for name in names if name}


def _keep(
    found: Iterable[Difference], *, matched: Iterable[Booked], now: datetime
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
        gone = ReconciliationItem.objects.unresolved().exclude(pk__in=[item.pk for item in kept])
        names = {entry.cause for entry in matched}
        oldest = min((entry.at for entry in matched), default=now)
        settled = gone.filter(Q(name__in=names) | Q(happened_at__gte=oldest)).update(
            resolved_at=now, note="It matches now."
        )
    return tuple(item for item in kept if item.resolved_at is None), settled


def _columns(difference: Difference, *, now: datetime) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "stripe_objects": list(difference.objects),
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
