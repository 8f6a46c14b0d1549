"""Valid things, made in one line; what is derived derives, so that no call makes an impossible one."""

from dataclasses import dataclass

import factory
from factory.django import DjangoModelFactory

from bookings.models import Service
from instainstru.accounts.models import Role, User

PASSWORD = "a long enough phrase"


class UserFactory(DjangoModelFactory):
    """A student, unless told otherwise; everybody's password is PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    class Params:
        as_instructor = factory.Trait(role=Role.INSTRUCTOR, time_zone="America/New_York")
        as_staff = factory.Trait(role=Role.STAFF)
        as_superuser = factory.Trait(role=Role.STAFF, is_superuser=True)

    role = Role.STUDENT
    name = factory.Sequence("Person {}".format)
    email = factory.Sequence("person-{}@example.com".format)
    time_zone = "America/Los_Angeles"
    password = factory.django.Password(PASSWORD)


@dataclass(frozen=True)
class Cast:
    """Who stands on a stage: a student with a card, an instructor who can be paid, and what they teach."""

    student: User
    instructor: User
    service: Service


def make_sam() -> User:
    """Make the student of the cast."""
    return UserFactory(name="Sam Student", email="student@example.com")


def make_ines() -> User:
    """Make the instructor of the cast."""
    return UserFactory(as_instructor=True, name="Ines Instructor", email="instructor@example.com")
