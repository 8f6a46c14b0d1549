"""Registering, logging in and out, and one's own account."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import logout
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from instainstru import clock
from instainstru.accounts import guessing, operations
from instainstru.accounts.models import User
from instainstru.accounts.passwords import user_of_link
from instainstru.accounts.requests import SignedInApiRequest
from instainstru.accounts.serializers import (
    LoginIn,
    NewTokenOut,
    PasswordChangeIn,
    PasswordResetConfirmIn,
    PasswordResetIn,
    ProfileIn,
    RegistrationIn,
    TokenOut,
    UserOut,
    acceptable,
)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class StrangersView(APIView):
    """A view for people who have not shown who they are; guessing is counted by address and by e-mail."""

    authentication_classes = ()  # an expired token must not keep anybody from logging in
    permission_classes = (AllowAny,)
    throttle_scope = guessing.SCOPE

    def guessed_by(self, request: Request) -> Iterator[str]:
        email = request.data.get("email") if isinstance(request.data, dict) else None
        if isinstance(email, str):
            yield guessing.name_of(email)

    def get_authenticate_header(self, request: Request) -> str:
        return "Token"  # so that a wrong password is a 401


@extend_schema(tags=["auth"])
class Register(StrangersView):
    """POST /api/v1/auth/register: a new student or instructor, already logged in."""

    @extend_schema(request=RegistrationIn, responses={201: NewTokenOut})
    def post(self, request: Request) -> Response:
        body = RegistrationIn(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            user = operations.register(**body.validated_data)
        except operations.EmailTaken:
            fault = {"email": "There is an account with this address already."}
            raise ValidationError(fault, code="email_taken") from None
        return Response(_token_shown(*operations.issue_token(user)), status=201)


@extend_schema(tags=["auth"])
class Login(StrangersView):
    """POST /api/v1/auth/login: a token for an e-mail address and its password."""

    @extend_schema(request=LoginIn, responses=NewTokenOut)
    def post(self, request: Request) -> Response:
        body = LoginIn(data=request.data)
        body.is_valid(raise_exception=True)
        issued = operations.log_in(request, **body.validated_data)
        if issued is None:
            raise AuthenticationFailed("The e-mail address or the password is wrong.")
        guessing.take_back(request, body.validated_data["email"])
        return Response(_token_shown(*issued))


@extend_schema(tags=["auth"])
class Logout(APIView):
    """POST /api/v1/auth/logout: revoke the token that this request came with, or end its session."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: SignedInApiRequest) -> Response:
        if request.auth is not None:
            request.auth.delete()
        else:
            logout(request)
        return Response(status=204)


@extend_schema(tags=["auth"])
class LogoutEverywhere(APIView):
    """POST /api/v1/auth/logout-all: revoke every token of this user."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: SignedInApiRequest) -> Response:
        operations.revoke_tokens(request.user)
        return Response(status=204)


@extend_schema(tags=["auth"])
class Tokens(APIView):
    """GET /api/v1/auth/tokens: this user's live tokens, the newest first; twenty at most."""

    @extend_schema(responses=TokenOut(many=True))
    def get(self, request: SignedInApiRequest) -> Response:
        live = operations.tokens_of(request.user).filter(expiry__gt=clock.wall()).order_by("-created")
        return Response(TokenOut(live, many=True, context={"request": request}).data)


@extend_schema(tags=["auth"])
class Token(APIView):
    """DELETE /api/v1/auth/tokens/{id}: revoke one of this user's tokens."""

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInApiRequest, token_id: str) -> Response:
        get_object_or_404(operations.tokens_of(request.user), token_key=token_id).delete()
        return Response(status=204)


@extend_schema(tags=["auth"])
class Me(APIView):
    """GET and PATCH /api/v1/auth/me: who this token or session belongs to."""

    @extend_schema(responses=UserOut)
    def get(self, request: SignedInApiRequest) -> Response:
        return Response(UserOut(request.user).data)

    @extend_schema(request=ProfileIn, responses=UserOut)
    def patch(self, request: SignedInApiRequest) -> Response:
        body = ProfileIn(request.user, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        operations.change_profile(request.user, **body.validated_data)
        return Response(UserOut(request.user).data)


@extend_schema(tags=["auth"])
@method_decorator(sensitive_post_parameters(), name="dispatch")
class Password(APIView):
    """POST /api/v1/auth/password: choose a new one; every other token is revoked."""

    throttle_scope = guessing.SCOPE

    @extend_schema(request=PasswordChangeIn, responses={204: None})
    def post(self, request: SignedInApiRequest) -> Response:
        body = PasswordChangeIn(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        operations.set_password(request.user, body.validated_data["new_password"], keep=request.auth)
        return Response(status=204)


@extend_schema(tags=["auth"])
class PasswordReset(StrangersView):
    """POST /api/v1/auth/password/reset: send the link, if there is such an account; the answer is always the same."""

    @extend_schema(request=PasswordResetIn, responses={202: None})
    def post(self, request: Request) -> Response:
        body = PasswordResetIn(data=request.data)
        body.is_valid(raise_exception=True)
        operations.request_password_reset(**body.validated_data)
        return Response(status=202)


@extend_schema(tags=["auth"])
class PasswordResetConfirm(StrangersView):
    """POST /api/v1/auth/password/reset/confirm: choose a new password with the two parts of the link."""

    @extend_schema(request=PasswordResetConfirmIn, responses={204: None})
    def post(self, request: Request) -> Response:
        body = PasswordResetConfirmIn(data=request.data)
        body.is_valid(raise_exception=True)
        user = user_of_link(body.validated_data["uid"], body.validated_data["token"])
        if user is None:
            raise ValidationError({"token": "This link was used already or is too old."}, code="link_invalid")
        operations.set_password(user, _new_password(body.validated_data["new_password"], user))
        return Response(status=204)


def _new_password(password: str, user: User) -> str:
    try:
        return acceptable(password, user)
    except ValidationError as refused:
        raise ValidationError({"new_password": refused.detail}) from refused


def _token_shown(row: AuthToken, text: str) -> dict[str, Any]:
    return NewTokenOut({"token": text, "expires_at": row.expiry, "user": row.user}).data
