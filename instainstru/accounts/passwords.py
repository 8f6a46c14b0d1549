"""The link that lets somebody who forgot their password choose a new one."""

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from instainstru.accounts.models import User
from instainstru.notifications.kinds import Context, MessageKind


def reset_link(user: Any) -> Context:
    """Return what the e-mail needs. The link opens an account: it is made as the mail is written, and kept nowhere."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
    return {"reset_url": settings.SITE_URL + path, "valid_for_minutes": settings.PASSWORD_RESET_TIMEOUT // 60}


RESET_MESSAGE = MessageKind(
    key="password_reset", subject="Choose a new password for InstaInstru", sample={}, at_sending=reset_link
)


def user_of_link(uid: str, token: str) -> User | None:
    """Return the user whom a link's two parts belong to, or None if it was used, is too old or was never ours."""
    try:
        user = User.objects.active().get(pk=urlsafe_base64_decode(uid).decode())
    except (ValueError, OverflowError, User.DoesNotExist):
        return None
    return user if default_token_generator.check_token(user, token) else None
