"""Below /api/v1/auth/."""

from django.urls import path

from instainstru.accounts import api

urlpatterns = [
    path("register", api.Register.as_view(), name="register"),
    path("login", api.Login.as_view(), name="login"),
    path("logout", api.Logout.as_view(), name="logout"),
    path("logout-all", api.LogoutEverywhere.as_view(), name="logout-all"),
    path("tokens", api.Tokens.as_view(), name="tokens"),
    path("tokens/<slug:token_id>", api.Token.as_view(), name="token"),
    path("me", api.Me.as_view(), name="me"),
    path("password", api.Password.as_view(), name="password"),
    path("password/reset", api.PasswordReset.as_view(), name="password-reset"),
    path("password/reset/confirm", api.PasswordResetConfirm.as_view(), name="password-reset-confirm"),
]
