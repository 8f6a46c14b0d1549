"""Accounts as staff see them. Nobody makes themselves mightier here: what staff may do is set by superusers alone."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.http import HttpRequest
from knox.models import AuthToken

from instainstru.accounts.forms import PasswordByStaffForm
from instainstru.accounts.models import Role, User
from instainstru.accounts.operations import OPEN_TO_ALL
from instainstru.admin.read_only import ReadOnlyAdmin

MIGHT = ["is_superuser", "groups", "user_permissions"]


class NewUserForm(AdminUserCreationForm):
    """An account made by staff, of a role that whoever makes it may give."""

    may_make_staff = False  # set by the admin for the one who asks

    class Meta:
        model = User
        fields = ["email", "name", "role", "time_zone"]

    def clean_role(self) -> str:
        role = self.cleaned_data["role"]
        if role not in OPEN_TO_ALL and not self.may_make_staff:
            raise forms.ValidationError("Only a superuser makes staff accounts.", code="role_forbidden")
        return role


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = NewUserForm
    form = UserChangeForm
    change_password_form = PasswordByStaffForm
    list_display = ["email", "name", "role", "time_zone", "is_active", "joined_at", "last_login"]
    list_filter = ["role", "is_active", "is_superuser"]
    search_fields = ["email", "name"]
    ordering = ["-id"]
    date_hierarchy = "joined_at"
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["email", "password", "role"]}),
        ("Person", {"fields": ["name", "time_zone"]}),
        ("What staff may do", {"fields": ["is_active", *MIGHT]}),
        ("Dates", {"fields": ["joined_at", "last_login"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["email", "name", "role", "time_zone", "password1", "password2"]}),
    ]

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None:
            form.may_make_staff = request.user.is_superuser  # type: ignore[attr-defined]  # a class made for this request
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        always = ["role", "joined_at", "last_login"] if obj else []
        return always if request.user.is_superuser else [*always, *MIGHT]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Staff change students and instructors; a colleague's address or password only a superuser changes."""
        if obj is not None and obj.role == Role.STAFF and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # money refers to users for ever; an account is made inactive


admin.site.unregister(AuthToken)


@admin.register(AuthToken)
class AuthTokenAdmin(ReadOnlyAdmin):
    """API tokens: who has them, until when; deleting one revokes it. None is made or shown here."""

    list_display = ["token_key", "user", "created", "expiry"]
    fields = ["token_key", "user", "created", "expiry"]
    list_select_related = ["user"]
    search_fields = ["user__email"]

    def has_delete_permission(self, request: HttpRequest, obj: AuthToken | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
