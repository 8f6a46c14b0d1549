"""How instructors present themselves, and what they offer."""

from typing import Any

from django import forms
from django.conf.locale import LANG_INFO

from bookings.models import Category, Instructor, Service
from bookings.models.instructors import LESSON_MINUTES
from bookings.web.forms.fields import DollarsField
from instainstru.accounts.time_zones import choices_by_region
from payments.models.choices import choices_of
from payments.policy.states import Modality

LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl", "pl", "ru", "uk", "ar", "hi", "zh-hans", "ja", "ko", "tr"]
MINUTES_OF_AN_HOUR = 60


def language_name(code: str) -> str:
    """Return a language's English name, or its code if we know none."""
    return LANG_INFO.get(code, {}).get("name", code)


class ProfileForm(forms.ModelForm):
    """An instructor's profile. Notice is written in hours here, and kept in minutes."""

    languages = forms.MultipleChoiceField(
        label="Languages you teach in", required=False, widget=forms.CheckboxSelectMultiple
    )
    time_zone = forms.ChoiceField(
        choices=choices_by_region, help_text="Your hours are read off a clock there, and lessons in person are there."
    )
    buffer_minutes = forms.IntegerField(
        label="Minutes kept free after a lesson", min_value=0, max_value=240, help_text="To rest, or to travel."
    )
    notice_hours = forms.IntegerField(
        label="Hours of notice", min_value=0, max_value=30 * 24, help_text="A lesson starts no sooner than that."
    )
    booking_horizon_days = forms.IntegerField(
        label="Days ahead", min_value=1, max_value=365, help_text="How far ahead lessons can be booked."
    )
    is_listed = forms.BooleanField(
        label="Students can find me", required=False, help_text="Without it nobody sees your page or can book you."
    )

    class Meta:
        model = Instructor
        fields = [
            "headline",
            "bio",
            "languages",
            "city",
            "time_zone",
            "buffer_minutes",
            "notice_hours",
            "booking_horizon_days",
            "is_listed",
        ]
        labels = {"bio": "About you"}
        widgets = {"bio": forms.Textarea(attrs={"rows": 6})}
        help_texts = {"headline": "One line that says what you teach, and how."}

    field_order = Meta.fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = dict.fromkeys([*LANGUAGES, *self.instance.languages])  # those set elsewhere can be kept, too
        languages = self.fields["languages"]
        assert isinstance(languages, forms.MultipleChoiceField)
        languages.choices = [(code, language_name(code)) for code in codes]
        self.initial["notice_hours"] = -(-self.instance.minimum_notice_minutes // MINUTES_OF_AN_HOUR)

    @property
    def changes(self) -> dict[str, Any]:
        """What was written, for `operations.profile`."""
        changes = dict(self.cleaned_data)
        changes["minimum_notice_minutes"] = changes.pop("notice_hours") * MINUTES_OF_AN_HOUR
        return changes


class ServiceForm(forms.Form):
    """A service. Whether its price keeps the floor (P1.4) is for the operation to say."""

    title = forms.CharField(max_length=120, help_text="What a student looks for: “Piano for beginners”.")
    description = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea(attrs={"rows": 4}), label="What a lesson is like"
    )
    category = forms.ChoiceField(label="Subject", choices=Category.choices)
    modality = forms.ChoiceField(label="Where", choices=lambda: choices_of(Modality), widget=forms.RadioSelect)
    hourly_price_cents = DollarsField(
        label="Price for an hour, in dollars",
        min_value=1,
        help_text="Shorter and longer lessons cost in proportion. Bookings already made keep their price.",
    )
    durations = forms.TypedMultipleChoiceField(
        label="Lengths that can be booked",
        coerce=int,
        choices=[(minutes, f"{minutes} min") for minutes in LESSON_MINUTES],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, service: Service | None = None, **kwargs: Any) -> None:
        if service is not None:
            kwargs["initial"] = {name: getattr(service, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
