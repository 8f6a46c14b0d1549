"""Accounts as the API takes and shows them."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as InvalidPassword
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from instainstru.accounts.models import Role, User
from instainstru.accounts.operations import OPEN_TO_ALL
from instainstru.accounts.time_zones import UTC, validate_time_zone
from instainstru.api.output import Out

LONGEST_PASSWORD = 256  # a hash of a megabyte would be an attack, not a password


class EmailAddressField(serializers.EmailField):
    """An address as it is kept, so that what is checked is what is kept: in lower case some letters are two."""

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data)).lower()


class UserOut(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["email", "name", "role", "time_zone"]
        read_only_fields = fields


class ProfileIn(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["name", "time_zone"]


class RegistrationIn(serializers.Serializer[User]):
    email = EmailAddressField(max_length=254)
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)
    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in OPEN_TO_ALL])
    time_zone = serializers.CharField(max_length=64, default=UTC, validators=[validate_time_zone])

    def validate_email(self, email: str) -> str:
        if User.objects.filter(email=email).exists():
            raise serializers.ValidationError("There is an account with this address already.", code="email_taken")
        return email

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            acceptable(attrs["password"], User(email=attrs["email"], name=attrs["name"]))
        except serializers.ValidationError as refused:
            raise serializers.ValidationError({"password": refused.detail}) from refused
        return attrs | {"role": Role(attrs["role"])}


class LoginIn(serializers.Serializer[User]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)


class NewTokenOut(Out[Any]):
    """The only time that the token itself is shown."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user = UserOut()


class TokenOut(serializers.ModelSerializer[AuthToken]):
    """A token without what would let somebody use it."""

    id = serializers.CharField(source="token_key")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry")
    is_current = serializers.SerializerMethodField(help_text="Whether this very request came with it.")

    class Meta:
        model = AuthToken
        fields = ["id", "created_at", "expires_at", "is_current"]

    def get_is_current(self, token: AuthToken) -> bool:
        used = self.context["request"].auth
        return isinstance(used, AuthToken) and used.digest == token.digest


class PasswordChangeIn(serializers.Serializer[User]):
    current_password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)
    new_password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)

    def validate_current_password(self, password: str) -> str:
        if not self.context["request"].user.check_password(password):
            raise serializers.ValidationError("This is not your present password.", code="password_wrong")
        return password

    def validate_new_password(self, password: str) -> str:
        return acceptable(password, self.context["request"].user)


class PasswordResetIn(serializers.Serializer[User]):
    email = EmailAddressField(max_length=254)


class PasswordResetConfirmIn(serializers.Serializer[User]):
    uid = serializers.CharField(max_length=64)
    token = serializers.CharField(max_length=128)
    new_password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)


def acceptable(password: str, user: User) -> str:
    """Return the password, or raise ValidationError with every reason why it can't be this user's."""
    try:
        validate_password(password, user)
    except InvalidPassword as refused:
        faults = [ErrorDetail(fault.messages[0], code=fault.code) for fault in refused.error_list]
        raise serializers.ValidationError(faults) from refused
    return password
