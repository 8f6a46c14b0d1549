"""The account pages."""

from django.urls import path

from instainstru.accounts import web

urlpatterns = [
    path("login", web.Login.as_view(), name="login"),
    path("logout", web.Logout.as_view(), name="logout"),
    path("register", web.Register.as_view(), name="register"),
    path("profile", web.Profile.as_view(), name="profile"),
    path("password", web.PasswordChange.as_view(), name="password_change"),
    path("password/forgotten", web.PasswordReset.as_view(), name="password_reset"),
    path("password/forgotten/sent", web.PasswordResetDone.as_view(), name="password_reset_done"),
    path("password/new/<uidb64>/<token>", web.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
]
