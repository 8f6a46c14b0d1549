"""What a chargeback asks of the credits of its booking, and no more: its money is another matter (section 11)."""

from django.db import transaction

from bookings.models import Booking
from credits import operations as credits
from instainstru import clock
from payments.ledger import journal
from payments.models import Operation, Payment
from payments.operations.negative_balance import book_negative_balance, lift_negative_balance
from payments.policy.accounts import Account, Line


def take_back(booking: Booking) -> credits.Frozen:
    """The bank takes a booking's payment back: what is left of its credits is frozen, what was spent is owed."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=booking.payment_id)
        found = credits.freeze_issued(student_id=payment.payer.user_id, reference=payment.reference, now=clock.now())
        book_negative_balance(payment, cents=found.spent, now=clock.now())
    return found


def let_stand(booking: Booking) -> None:
    """The bank lets a payment stand: all is as if nothing had been. The last operation of it stands for the case's."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=booking.payment_id)
        operation = Operation.objects.filter(payment=payment).order_by("-number")[0]
        credits.unfreeze(student_id=payment.payer.user_id, reference=payment.reference, now=clock.now())
        lift_negative_balance(payment, operation, gives_back=True, now=clock.now())


def give_up(booking: Booking) -> None:
    """The bank rules for the cardholder: what is frozen is revoked, what was spent stays owed."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update().get(pk=booking.payment_id)
        revoked = credits.revoke_frozen(student_id=payment.payer.user_id, reference=payment.reference, now=clock.now())
        journal.write_for_payment(
            payment,
            (Line(Account.CREDITS, revoked), Line(Account.LOSSES, -revoked)),
            cause=f"test:{payment.reference}:revoked",
            rule="P11",
            description="Credit revoked",
            now=clock.now(),
        )
