"""Serializer fields that every app shares."""

from typing import Any

from rest_framework import serializers

LARGEST_AMOUNT = 10_000_000  # 100,000.00: no lesson comes near it, and a slip of the finger is caught


class CentsField(serializers.IntegerField):
    """An amount in integer cents, USD; negative ones only where the caller says so."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("max_value", LARGEST_AMOUNT)
        kwargs.setdefault("help_text", "Integer cents, USD.")
        super().__init__(**kwargs)
