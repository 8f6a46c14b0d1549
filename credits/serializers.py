"""A student's wallet and its statement."""

from typing import Any

from rest_framework import serializers

from credits.models import CreditLot, CreditMovement, NegativeBalance
from instainstru.api.fields import CentsField
from instainstru.api.output import Out


class LotOut(serializers.ModelSerializer[CreditLot]):
    """One issue of credit, as long as something of it can still be spent, is reserved or is frozen."""

    class Meta:
        model = CreditLot
        fields = ["id", "amount_cents", "available_cents", "reserved_cents", "frozen_cents", "issued_at", "expires_at"]
        read_only_fields = fields


class NegativeBalanceOut(serializers.ModelSerializer[NegativeBalance]):
    """What the student still owes in credit because of one booking, whose bank took the payment back."""

    owed_cents = CentsField(source="still_owed_cents", help_text="Still owed. Integer cents, USD.")

    class Meta:
        model = NegativeBalance
        fields = ["reference", "owed_cents", "arose_at"]
        read_only_fields = fields


class WalletOut(Out[dict[str, Any]]):
    """What the student has in credit. What expires first is spent first."""

    available_cents = CentsField(help_text="Can be spent now. Integer cents, USD.")
    reserved_cents = CentsField(help_text="Waits in bookings.")
    frozen_cents = CentsField(help_text="Can't be spent while a bank looks at the payment that it was given for.")
    owed_cents = CentsField(
        help_text="Credit that was spent before a bank took its payment back. New and released credit pays it off "
        "first; until nothing is owed nothing new can be booked (`account_locked`)."
    )
    lots = LotOut(many=True)
    negative_balances = NegativeBalanceOut(many=True, help_text="What is owed, the oldest first, as it is paid off.")


class MovementOut(serializers.ModelSerializer[CreditMovement]):
    """Some cents of one lot became something else."""

    lot = serializers.IntegerField(source="lot_id")
    expires_at = serializers.DateTimeField(source="lot.expires_at", help_text="When that lot expires.")
    at = serializers.DateTimeField(source="moved_at")

    class Meta:
        model = CreditMovement
        fields = ["id", "kind", "cents", "lot", "expires_at", "reference", "at"]
        read_only_fields = fields
