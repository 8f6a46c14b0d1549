"""A student's wallet and its statement."""

from typing import Any

from rest_framework import serializers

from credits.models import CreditLot, CreditMovement
from instainstru.api.fields import CentsField


class LotOut(serializers.ModelSerializer[CreditLot]):
    """One issue of credit, as long as something of it can still be spent or is reserved."""

    class Meta:
        model = CreditLot
        fields = ["id", "amount_cents", "available_cents", "reserved_cents", "issued_at", "expires_at"]
        read_only_fields = fields


class WalletOut(serializers.Serializer[dict[str, Any]]):
    """What the student has in credit. What expires first is spent first."""

    available_cents = CentsField(help_text="Can be spent now. Integer cents, USD.")
    reserved_cents = CentsField(help_text="Waits in bookings.")
    lots = LotOut(many=True)


class MovementOut(serializers.ModelSerializer[CreditMovement]):
    """Some cents of one lot became something else."""

    lot = serializers.IntegerField(source="lot_id")
    expires_at = serializers.DateTimeField(source="lot.expires_at", help_text="When that lot expires.")
    at = serializers.DateTimeField(source="moved_at")

    class Meta:
        model = CreditMovement
        fields = ["id", "kind", "cents", "lot", "expires_at", "reference", "at"]
        read_only_fields = fields
