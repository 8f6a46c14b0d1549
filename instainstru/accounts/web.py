"""The account pages: registering, logging in and out, the profile, a forgotten password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login, views
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, UpdateView

from instainstru.accounts import guessing, operations
from instainstru.accounts.forms import (
    ChangedPasswordForm,
    LoginForm,
    NewPasswordForm,
    PasswordResetRequestForm,
    ProfileForm,
    RegistrationForm,
)
from instainstru.accounts.models import User
from instainstru.api import throttles


class GuessingThrottledMixin:
    """Count a form's posts by address and by e-mail, together with the API's; past the limit show the form, 429."""

    email_field = "email"

    def seconds_to_wait(self, request: HttpRequest) -> float:
        return guessing.seconds_to_wait(request, request.POST.get(self.email_field))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        wait = self.seconds_to_wait(request)
        if wait > 0:
            return self._asked_too_often(int(wait) + 1)
        return super().post(request, *args, **kwargs)  # type: ignore[misc]

    def _asked_too_often(self, seconds: int) -> HttpResponse:
        form = self.get_form_class()(**self.get_form_kwargs() | {"data": None})  # type: ignore[attr-defined]
        context = self.get_context_data(form=form, wait_seconds=seconds)  # type: ignore[attr-defined]
        response = self.render_to_response(context)  # type: ignore[attr-defined]
        response.status_code = 429
        response["Retry-After"] = str(seconds)
        return response


class Login(GuessingThrottledMixin, views.LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    email_field = "username"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        guessing.take_back(self.request, form.cleaned_data["username"])
        return super().form_valid(form)


class Logout(views.LogoutView):
    """By POST alone; the page that linked here has the form."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().post(request, *args, **kwargs)
        messages.success(request, "You are logged out.")
        return response


@method_decorator(sensitive_post_parameters(), name="dispatch")
class Register(GuessingThrottledMixin, FormView):
    template_name = "accounts/register.html"
    form_class = RegistrationForm
    success_url = reverse_lazy("home")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect("home")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        given = form.cleaned_data
        try:
            user = operations.register(
                email=given["email"],
                password=given["password1"],
                name=given["name"],
                role=given["role"],
                time_zone=given["time_zone"],
            )
        except operations.EmailTaken:
            form.add_error("email", "There is an account with this address already.")
            return self.form_invalid(form)
        login(self.request, user)
        messages.success(self.request, f"Welcome, {user.get_short_name()}.")
        return super().form_valid(form)


class Profile(LoginRequiredMixin, UpdateView):
    template_name = "accounts/profile.html"
    form_class = ProfileForm
    success_url = reverse_lazy("profile")

    def get_object(self, queryset: Any = None) -> User:
        # A copy: the form writes into its instance before it is valid, and the navigation shows request.user.
        return User.objects.get(pk=self.request.user.pk)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        throttles.refuse_if_too_often(request, scope="write")
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: ModelForm) -> HttpResponse:
        operations.change_profile(self.object, **form.cleaned_data)
        messages.success(self.request, "Saved.")
        return redirect(self.get_success_url())


class PasswordChange(GuessingThrottledMixin, views.PasswordChangeView):
    template_name = "accounts/password_change.html"
    form_class = ChangedPasswordForm
    success_url = reverse_lazy("profile")

    def seconds_to_wait(self, request: HttpRequest) -> float:
        return throttles.seconds_to_wait(scope=guessing.SCOPE, who=throttles.name_of(request.user))

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(self.request, "Your password is changed. API tokens and other sessions are logged out.")
        return response


class PasswordReset(GuessingThrottledMixin, FormView):
    template_name = "accounts/password_reset.html"
    form_class = PasswordResetRequestForm
    success_url = reverse_lazy("password_reset_done")

    def form_valid(self, form: Form) -> HttpResponse:
        operations.request_password_reset(email=form.cleaned_data["email"])
        return super().form_valid(form)


class PasswordResetDone(views.PasswordResetDoneView):
    template_name = "accounts/password_reset_done.html"


class PasswordResetConfirm(GuessingThrottledMixin, views.PasswordResetConfirmView):
    template_name = "accounts/password_reset_confirm.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(self.request, "Your new password is set. Log in with it.")
        return response
