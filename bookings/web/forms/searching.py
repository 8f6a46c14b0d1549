"""Looking for an instructor."""

from typing import Any

from django import forms

from bookings.models import Category
from bookings.web.forms.fields import DollarsField
from instainstru.limits import validate_in_reach
from payments.models.choices import choices_of
from payments.policy.states import Modality

ORDERS = {"newest": "-joined_at", "price": "lowest_price_cents", "price-down": "-lowest_price_cents"}


class SearchForm(forms.Form):
    """A GET form: every search has an address. Empty fields don't narrow it."""

    search = forms.CharField(
        label="What do you want to learn?",
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Piano, Spanish, a name …"}),
    )
    category = forms.ChoiceField(label="Subject", required=False, choices=[("", "Any"), *Category.choices])
    modality = forms.ChoiceField(
        label="Where", required=False, choices=lambda: [("", "Online or in person"), *choices_of(Modality)]
    )
    hourly_price_max = DollarsField(label="At most, an hour", required=False, min_value=1)
    available_on = forms.DateField(
        label="On the day",
        required=False,
        validators=[validate_in_reach],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    order = forms.ChoiceField(
        label="Sorted by",
        required=False,
        choices=[("newest", "Newest first"), ("price", "Lowest price"), ("price-down", "Highest price")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hourly_price_max"].widget.attrs["placeholder"] = "$"

    @property
    def wanted(self) -> dict[str, Any]:
        """What narrows the search, for `queries.instructors_listed`. A field that can't be read narrows nothing."""
        return {name: value for name, value in self._read.items() if name != "order" and value not in (None, "")}

    @property
    def ordering(self) -> str:
        """The field that orders the found instructors, for `cursor_page`."""
        return ORDERS[self._read.get("order") or "newest"]

    @property
    def _read(self) -> dict[str, Any]:
        self.is_valid()  # reads what can be read, and leaves the rest out
        return self.cleaned_data if self.is_bound else {}
