"""What was begun on a payment and what is under way, as those ask who carry it out."""

from django.db.models import BigIntegerField, Q

from instainstru.prepared import Given, Prepared
from payments.models import Operation, Payment


def operations_on(payment: Payment) -> list[Operation]:
    """Return everything that was begun on a payment, in order; of its plan and end only what is asked for is read."""
    return _with(payment, _EVERYTHING)


def in_flight_on(payment: Payment) -> list[Operation]:
    """Return what was begun on a payment and has neither ended nor stopped for staff, in order."""
    return _with(payment, _IN_FLIGHT)


def as_it_stands(operation: Operation) -> tuple[Operation, Operation | None]:
    """Return an operation as it is stored now, and the one that is open on its payment, in one statement."""
    found = _IT_AND_WHAT_IS_OPEN.all(operation=operation.pk, payment=operation.payment_id)
    by_id = {each.pk: each for each in found}
    return by_id[operation.pk], next((each for each in found if each.state == Operation.State.OPEN), None)


def _with(payment: Payment, operations: Prepared[Operation]) -> list[Operation]:
    found = operations.all(payment=payment.pk)
    for operation in found:
        operation.payment = payment
    return found


_PAYMENT = Given("payment", BigIntegerField())
_EVERYTHING = Prepared(
    lambda: Operation.objects.filter(payment=_PAYMENT).defer("plan", "conclusion").order_by("number")
)
_IN_FLIGHT = Prepared(lambda: Operation.objects.in_flight().filter(payment=_PAYMENT).order_by("number"))
_IT_AND_WHAT_IS_OPEN = Prepared(
    lambda: Operation.objects.filter(
        Q(pk=Given("operation", BigIntegerField())) | Q(state=Operation.State.OPEN, payment=_PAYMENT)
    ).select_related("payment")
)
