"""Users: one e-mail address, one role, one time zone each."""

from typing import Any, Self
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from instainstru import clock
from instainstru.accounts.fields import LowerCaseEmailField
from instainstru.accounts.time_zones import validate_time_zone


class Role(models.TextChoices):
    """What a user is to the marketplace. Nobody is two things; who teaches and learns has two accounts."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"
    STAFF = "staff"


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        """Users who may sign in."""
        return self.filter(is_active=True)

    def with_role(self, role: Role) -> Self:
        return self.filter(role=role)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # built at run time
    def create_user(self, email: str, password: str | None = None, *, role: Role | str, **fields: Any) -> "User":
        """Create a user whose password is hashed; without one nobody can sign in until it is reset."""
        user = self.model(email=email, role=Role(role), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a staff user who may do everything; `manage.py createsuperuser` calls this."""
        return self.create_user(email, password, **{**fields, "role": Role.STAFF, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):
    """A student, an instructor or one of our staff. The role is chosen at registration and stays."""

    email = LowerCaseEmailField("e-mail address", unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=10, choices=Role.choices)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    is_active = models.BooleanField("active", default=True, help_text="Clear this instead of deleting a user.")
    # The wall's time: a default is worked out for every instance that is made, and product time asks the database.
    joined_at = models.DateTimeField(default=clock.wall, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="user_email_is_lower_case", condition=Q(email=Lower(F("email")))),
            models.CheckConstraint(name="user_role_is_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="user_with_all_permissions_is_staff", condition=Q(is_superuser=False) | Q(role=Role.STAFF)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def is_student(self) -> bool:
        return self.role == Role.STUDENT

    @property
    def is_instructor(self) -> bool:
        return self.role == Role.INSTRUCTOR

    @property
    def is_staff(self) -> bool:
        """Whether the admin site lets this user in; the role alone says so."""
        return self.role == Role.STAFF

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.partition(" ")[0]
