"""What can be done with an account."""

from typing import Any

from django.contrib.auth import authenticate, user_logged_in
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from knox.models import AuthToken
from knox.settings import knox_settings

from instainstru import clock
from instainstru.accounts.models import Role, User
from instainstru.accounts.passwords import RESET_MESSAGE
from instainstru.notifications.operations import queue_message

OPEN_TO_ALL = (Role.STUDENT, Role.INSTRUCTOR)  # staff are made by staff


class EmailTaken(Exception):
    """Somebody registered with that address already."""


def register(*, email: str, password: str, name: str, role: Role, time_zone: str) -> User:
    """Register a student or an instructor. The password was validated; raises EmailTaken."""
    if role not in OPEN_TO_ALL:
        raise ValueError(f"Nobody registers as {role}.")
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, role=role, name=name, time_zone=time_zone)
    except IntegrityError as error:  # two registrations at the same instant; the form looks before, the index decides
        raise EmailTaken from error


def log_in(request: HttpRequest, *, email: str, password: str) -> tuple[AuthToken, str] | None:
    """Return a new API token's row and its text, which is kept nowhere, or None if the password is wrong."""
    user = authenticate(request, email=email, password=password)
    if not isinstance(user, User):
        return None
    with transaction.atomic():
        # Setting a password locks this row, too, and revokes every token: none is issued for the old one afterwards.
        stored = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if stored.password != user.password and not stored.check_password(password):
            return None
        issued = issue_token(stored)
    user_logged_in.send(sender=User, request=request, user=user)
    return issued


def issue_token(user: User) -> tuple[AuthToken, str]:
    """Issue an API token; past the limit per user the one that expires first gives way."""
    live = tokens_of(user).filter(expiry__gt=clock.wall()).order_by("-expiry")
    spare = live.values_list("digest", flat=True)[knox_settings.TOKEN_LIMIT_PER_USER - 1 :]
    tokens_of(user).filter(digest__in=list(spare)).delete()
    row, text = AuthToken.objects.create(user=user)
    return row, text


def set_password(user: User, password: str | None, *, keep: AuthToken | None = None) -> None:
    """Set a validated password, or None at all, and revoke the user's API tokens but one.

    Whoever changes a password may do so because somebody else holds a token. Sessions end by themselves: they carry a
    digest of the password. Every page and command that sets one comes here.
    """
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        revoke_tokens(user, keep=keep)


def revoke_tokens(user: User, *, keep: AuthToken | None = None) -> None:
    """Revoke the user's API tokens, but for one."""
    tokens = tokens_of(user)
    (tokens if keep is None else tokens.exclude(digest=keep.digest)).delete()


def tokens_of(user: User) -> QuerySet[AuthToken]:
    """Return the user's API tokens, expired ones included."""
    return AuthToken.objects.filter(user=user)


def request_password_reset(*, email: str) -> None:
    """Queue the link for whoever has that address; nothing tells the caller whether anybody does."""
    with transaction.atomic():
        user = User.objects.active().filter(email=email).first()
        if user is not None:
            now = clock.now()
            queue_message(
                recipient=user,
                key=RESET_MESSAGE.key,
                context={},
                reference="",
                dedupe_key=clock.wall().isoformat(timespec="minutes"),  # nobody's mailbox is flooded through us
                now=now,
            )


def change_profile(user: User, **changes: Any) -> None:
    """Change name or time zone, already validated."""
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
