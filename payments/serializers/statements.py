"""An instructor's statement of one month as JSON."""

from __future__ import annotations

from rest_framework import serializers

from instainstru.api.fields import CentsField
from instainstru.api.output import Out
from payments.ledger.statements import LineKind, Statement, StatementLine

LARGEST = 1_000_000_000_000  # cents: a balance is a sum of lessons


class _SumField(CentsField):
    """An amount that may be negative, as large as sums become."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**{"min_value": -LARGEST, "max_value": LARGEST, **kwargs})


class EarningsLineOut(Out[StatementLine]):
    """One line of the statement: something earned, taken back, or paid out to the bank."""

    at = serializers.DateTimeField()
    day = serializers.DateField(help_text="The day in your own time zone.")
    kind = serializers.ChoiceField(choices=[kind.value for kind in LineKind])
    what = serializers.CharField()
    rule = serializers.CharField(help_text="The rule of the payment policy behind it, such as P5.5.")
    booking = serializers.CharField(help_text="The booking's reference; empty for payouts to the bank.")
    lesson_at = serializers.DateTimeField(allow_null=True, help_text="When the lesson starts.")
    price_cents = _SumField(source="breakdown.price", help_text="Integer cents; negative if taken back.")
    fee_cents = _SumField(source="breakdown.fee", help_text="Our fee: the price less this is what you get.")
    net_cents = _SumField(source="net", help_text="What moved on your balance.")
    balance_cents = _SumField(source="balance", help_text="What you have after this line.")


class EarningsStatementOut(Out[Statement]):
    """What an instructor earned and was paid out in one month, as our books have it."""

    month = serializers.CharField(help_text="Such as 2026-11, in your own time zone.")
    time_zone = serializers.CharField(source="payee.user.time_zone")
    is_complete = serializers.BooleanField(help_text="Whether the month is over.")
    opening_cents = _SumField(source="opening", help_text="What you had when the month began.")
    closing_cents = _SumField(source="closing", help_text="What you have at its end, or now.")
    price_total_cents = _SumField(source="price_total")
    fee_total_cents = _SumField(source="fee_total")
    earned_total_cents = _SumField(source="earned_total", help_text="Prices less fees, what was taken back taken off.")
    bank_total_cents = _SumField(source="bank_total", help_text="Negative: it has left your balance.")
    lines = EarningsLineOut(many=True)


class StatementMonthsOut(serializers.Serializer[object]):
    months = serializers.ListField(child=serializers.CharField(), help_text="The latest first, such as 2026-11.")
