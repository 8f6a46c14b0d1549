"""Which lesson is to be booked, and how it is to be paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.urls import reverse

from bookings.models import Instructor, Service
from bookings.web.forms.fields import DollarsField, written
from instainstru.limits import read_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLesson:
    """One lesson that may be booked: a service, a length and a start."""

    service: Service
    minutes: int
    starts_at: datetime

    @property
    def url(self) -> str:
        """The address of the page on which it is booked."""
        query = {
            "service": self.service.ref,
            "minutes": self.minutes,
            "at": f"{self.starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}",
        }
        return f"{reverse('checkout')}?{urlencode(query)}"


class AskedLessonForm(forms.Form):
    """Reads the address. Whether the lesson is free is not its matter."""

    service = forms.ModelChoiceField(
        Service.objects.active().filter(instructor__in=Instructor.objects.listed()).select_related("instructor__user"),
        to_field_name="ref",
    )
    minutes = forms.IntegerField()
    at = forms.CharField(max_length=40)

    def clean_at(self) -> datetime:
        instant = read_instant(self.cleaned_data["at"])
        if instant is None:
            raise forms.ValidationError("Name an instant with its offset.")
        return instant

    def clean(self) -> dict[str, Any]:
        read = super().clean() or {}
        service, minutes = read.get("service"), read.get("minutes")
        if service and minutes not in service.durations:
            self.add_error("minutes", "Lessons of this service have other lengths.")
        return read

    @property
    def asked(self) -> AskedLesson:
        read = self.cleaned_data
        return AskedLesson(service=read["service"], minutes=read["minutes"], starts_at=read["at"])


class CreditsForm(forms.Form):
    """How much credit pays for the lesson; a GET form, so that the quote with it has an address of its own.

    Nothing chosen yet means all that can be used.
    """

    credits = DollarsField(label="Credits to use", required=False)

    def __init__(self, data: Mapping[str, Any], *, usable: int) -> None:
        super().__init__(data if "credits" in data else {"credits": written(usable)}, auto_id="choose_%s")
        field = self.fields["credits"]
        assert isinstance(field, DollarsField)
        field.max_value = usable
        field.error_messages["max_value"] = "You can use at most %(limit)s for this lesson."

    @property
    def chosen(self) -> int:
        """The credits to use, in cents; none if what was written can't be."""
        return (self.cleaned_data["credits"] or 0) if self.is_valid() else 0


class BookForm(forms.Form):
    """The last step: what was shown is agreed to. All but the note is hidden."""

    note = forms.CharField(
        label="A note to your instructor",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "short"}),
        help_text="What you want to work on, where you stand.",
    )
    credits = DollarsField(widget=forms.HiddenInput)
    preview = forms.CharField(widget=forms.HiddenInput, max_length=64)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
