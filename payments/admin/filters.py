"""Filters that speak the words of staff instead of the stored ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.admin import ChoicesFieldListFilter
from django.contrib.admin.views.main import ChangeList

from payments.admin.words import OUTCOMES, REVIEW_REASONS, in_words


class InWords(ChoicesFieldListFilter):
    """Offers a field's choices under other words."""

    words: Mapping[Any, str]
    called: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.called

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        everything, *offered = super().choices(changelist)
        yield everything
        for choice, (value, _) in zip(offered, self.field.flatchoices, strict=True):
            yield {**choice, "display": in_words(value, self.words)}


class PaymentStatusInWords(InWords):
    words: Mapping[Any, str] = {}
    called = "payment"


class OutcomeInWords(InWords):
    words = OUTCOMES
    called = "outcome"


class ReviewReasonInWords(InWords):
    words = REVIEW_REASONS
    called = "frozen because"
