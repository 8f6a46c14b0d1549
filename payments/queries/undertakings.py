"""Reading operations: what is under way, and what became of what was asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from django.db.models import BigIntegerField, OuterRef, Prefetch, QuerySet, Subquery, TextChoices

from instainstru.prepared import Given, Prepared
from instainstru.refusals import RefusalCode
from payments.models import Operation, Payment, Step
from payments.policy.consequences import Consequences, consequences_of
from payments.policy.plan import Plan
from payments.policy.states import CANCELLATIONS


class State(TextChoices):
    """How far what was asked for is, in words for outside."""

    UNDER_WAY = "under_way", "Under way"
    UNDER_REVIEW = "under_review", "Waits for our staff"
    DONE = "done", "Done"


@dataclass(frozen=True)
class Undertaking:
    """An operation together with those that went on from it: one thing to whoever asked for it (design 4)."""

    operations: tuple[Operation, ...]

    @property
    def first(self) -> Operation:
        """What was asked for, and by whom."""
        return self.operations[0]

    @property
    def last(self) -> Operation:
        """What it came to."""
        return self.operations[-1]

    @property
    def state(self) -> State:
        match self.last.state:
            case Operation.State.DONE:
                return State.DONE
            case Operation.State.STUCK:
                return State.UNDER_REVIEW
        return State.UNDER_WAY

    @property
    def refusal_code(self) -> RefusalCode | None:
        """Why it did not work out. A cancellation always does: the bank's no only makes it free (P7.8)."""
        code = self.first.refusal_code or self.last.refusal_code
        return RefusalCode(code) if code and self.first.kind not in CANCELLATIONS else None

    @cached_property
    def plan(self) -> Plan:
        """What was decided, at last."""
        return Plan.from_json(self.last.plan)

    @cached_property
    def consequences(self) -> Consequences:
        return consequences_of(self.plan)

    @property
    def steps(self) -> list[Step]:
        """Every call, in order; of several attempts all."""
        known = (each.ended_with if each.ended_alone else each.steps.all() for each in self.operations)
        return list(chain.from_iterable(known))


def open_operations() -> Prefetch:
    """Prefetch the operation under way, if there is one, as each payment's `open_operations`."""
    return Prefetch("operations", queryset=Operation.objects.open(), to_attr="open_operations")


def number_under_way(payment: str) -> Subquery:
    """Return the number of the operation under way on the payment to which that field refers; NULL without one."""
    return Subquery(Operation.objects.open().filter(payment=OuterRef(payment)).values("number")[:1])


def note_what_is_open(payment: Payment, number: int | None) -> None:
    """Note on a payment which of its operations is under way, so that it can say so without being asked again."""
    payment.number_under_way = number


def open_in(history: Iterable[Undertaking]) -> int | None:
    """Return the number of the operation under way, out of everything that was done with a payment."""
    operations = (operation for undertaking in history for operation in undertaking.operations)
    return next((operation.number for operation in operations if operation.state == Operation.State.OPEN), None)


def reference_under_way(payment: Payment) -> str | None:
    """Return the public name of what is being done with a payment of which that was noted."""
    number = payment.number_under_way
    return None if number is None else f"{payment.reference}-{number}"


def is_under_way(payment: Payment) -> bool:
    """Return whether something is being done with such a payment."""
    return reference_under_way(payment) is not None


def undertaking_of(operation: Operation) -> Undertaking:
    """Return an operation with what went on from it, and their steps, in two statements; in none if it is known."""
    if operation.ended_alone:
        return Undertaking((operation,))
    later = Operation.objects.filter(payment_id=operation.payment_id, number__gte=operation.number)
    return next(found for found in _grouped(with_steps(later).order_by("number")) if found.first.pk == operation.pk)


def undertakings_on(payment_id: int) -> list[Undertaking]:
    """Return everything that was done with a payment, in the order in which it was asked for, in one statement."""
    return _grouped(_EVERYTHING.all(payment=payment_id))


def undertakings_with(operation: Operation) -> list[Undertaking]:
    """Return everything that was done with an operation's payment, as `undertakings_on`; in none if it is known."""
    if operation.ended_alone and operation.number == 1:
        return [Undertaking((operation,))]
    return undertakings_on(operation.payment_id)


def with_steps(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    return operations.select_related("payment").prefetch_related(
        Prefetch("steps", queryset=Step.objects.order_by("ordinal", "attempt"))
    )


def operation_named(reference: str) -> Operation | None:
    """Return the operation with a public name such as `bk_7mv2k0q9x4hd3n8r-2`, or None."""
    booking, _, number = reference.rpartition("-")
    if not (number.isascii() and number.isdecimal() and len(number) <= 6):
        return None
    named = Operation.objects.filter(payment__reference=booking, number=int(number))
    return named.select_related("payment").first()


_EVERYTHING = Prepared(
    lambda: (
        Operation.objects.filter(payment=Given("payment", BigIntegerField()))
        .select_related("payment")
        .order_by("number")
    )
)


def _grouped(operations: Iterable[Operation]) -> list[Undertaking]:
    """Chain each operation, in their order, to the one that it goes on from; a successor always has a higher number."""
    chains: dict[int, list[Operation]] = defaultdict(list)
    head: dict[int, int] = {}
    for operation in operations:
        head[operation.pk] = head.get(operation.succeeds_id or 0, operation.pk)
        chains[head[operation.pk]].append(operation)
    return [Undertaking(tuple(chain)) for chain in chains.values()]
