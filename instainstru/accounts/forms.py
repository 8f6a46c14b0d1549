"""The forms of the account pages."""

from typing import Any

from django import forms
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    SetPasswordForm,
)

from instainstru.accounts.models import User
from instainstru.accounts.operations import OPEN_TO_ALL, set_password
from instainstru.accounts.time_zones import choices_by_region


class LoginForm(AuthenticationForm):
    """Django's, in our words."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is wrong.",
        "inactive": "The e-mail address or the password is wrong.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )


class TimeZoneField(forms.ChoiceField):
    """A time zone, grouped by region; the page's script proposes the browser's own."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Select(attrs={"data-propose-time-zone": True})
        super().__init__(**{"choices": choices_by_region, "widget": widget, **kwargs})


class RegistrationForm(BaseUserCreationForm):
    """A new student or instructor."""

    role = forms.ChoiceField(
        label="I want to",
        choices=[("student", "learn: find an instructor and book lessons"), ("instructor", "teach: offer lessons")],
        widget=forms.RadioSelect,
        initial=OPEN_TO_ALL[0],
    )
    time_zone = TimeZoneField(help_text="Every time is shown to you in this zone.")

    class Meta:
        model = User
        fields = ["role", "name", "email", "time_zone"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "username"}),
        }
        error_messages = {"email": {"unique": "There is an account with this address already."}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs.pop("autofocus", None)
        self.fields["password1"].help_text = "At least 10 characters; not one that everybody uses."
        self.fields["password2"].label = "Password, once more"
        self.fields["password2"].help_text = ""


class ProfileForm(forms.ModelForm):
    """What a user may change of themselves."""

    time_zone = TimeZoneField(help_text="Every time is shown to you in this zone.", widget=forms.Select())

    class Meta:
        model = User
        fields = ["name", "time_zone"]
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}


class PasswordResetRequestForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


class NewPasswordForm(SetPasswordForm):
    """Django's; whoever holds an API token loses it with the password that it was issued for."""

    def set_password_and_save(self, user: User, *_: Any, **__: Any) -> User:
        set_password(user, self.cleaned_data["new_password1"])
        return user


class ChangedPasswordForm(NewPasswordForm, PasswordChangeForm):
    """The same, for somebody who knows the present one."""


class PasswordByStaffForm(AdminPasswordChangeForm):
    """The same, for staff, who can also leave somebody without a password."""

    def set_password_and_save(self, user: User, *_: Any, **__: Any) -> User:
        set_password(user, self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None)
        return user
