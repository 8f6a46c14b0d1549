"""Valid things, made in one line; what is derived derives, so that no call makes an impossible one."""

import factory
from factory.django import DjangoModelFactory

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
