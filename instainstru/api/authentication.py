"""API tokens: hashed, expiring, revocable; checked with one indexed look-up."""

from django.db.models import CharField, DateTimeField
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from instainstru import clock
from instainstru.prepared import Given, Prepared

_TOKEN = Prepared(
    lambda: AuthToken.objects.select_related("user").filter(
        digest=Given("digest", CharField()), expiry__gt=Given("now", DateTimeField())
    )
)


class ApiTokenAuthentication(TokenAuthentication):
    """`Authorization: Token …`, as knox keeps it.

    Knox's own look-up also deletes the user's expired tokens, in a loop, in every request; here a nightly task does.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[object, AuthToken]:
        try:
            digest = hash_token(token.decode())
        except UnicodeDecodeError:
            raise AuthenticationFailed("This token is not one of ours.") from None
        found = _TOKEN.first(digest=digest, now=clock.wall())
        if found is None:
            raise AuthenticationFailed("This token has expired, was revoked, or is not one of ours.")
        return self.validate_user(found)


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI description names it."""

    target_class = ApiTokenAuthentication
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and what `POST /api/v1/auth/login` answered, with a space between.",
        }
