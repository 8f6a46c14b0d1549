"""What is always true of a user, whoever writes the row."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from instainstru.accounts import operations
from instainstru.accounts.models import Role, User
from instainstru.accounts.time_zones import choices_by_region, known_names, validate_time_zone
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def test_an_address_is_kept_in_lower_case_and_found_in_any():
    user = User.objects.create_user(" Sam@Example.COM ", PASSWORD, role=Role.STUDENT, name="Sam")

    assert user.email == "sam@example.com"
    assert User.objects.get(email="SAM@example.com") == user
    assert User.objects.get_by_natural_key("sAm@example.com") == user


def test_nobody_shares_an_address_in_another_case():
    UserFactory(email="sam@example.com")

    with pytest.raises(IntegrityError, match="email"), transaction.atomic():
        UserFactory(email="SAM@EXAMPLE.COM")


def test_of_two_registrations_at_once_the_index_lets_one_in(outsider):
    """The form has looked before; this is what happens when both looked at the same instant."""
    newcomer = {"password": PASSWORD, "name": "Otto", "role": Role.STUDENT, "time_zone": "UTC"}

    with pytest.raises(operations.EmailTaken):
        operations.register(email="OUTSIDER@example.com", **newcomer)

    assert User.objects.count() == 1


def test_nobody_registers_as_staff():
    with pytest.raises(ValueError, match="staff"):
        operations.register(email="x@example.com", password=PASSWORD, name="X", role=Role.STAFF, time_zone="UTC")


IMPOSSIBLE = {
    "user_email_is_lower_case": "UPDATE accounts_user SET email = 'Sam@example.com'",
    "user_role_is_known": "UPDATE accounts_user SET role = 'owner'",
    "user_with_all_permissions_is_staff": "UPDATE accounts_user SET is_superuser = true",
}


@pytest.mark.parametrize(("constraint", "statement"), IMPOSSIBLE.items(), ids=IMPOSSIBLE)
def test_the_database_refuses_an_impossible_user(student, constraint, statement):
    from django.db import connection

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("role", Role)
def test_a_user_is_exactly_what_the_role_says(role):
    user = UserFactory(role=role)

    assert [user.is_student, user.is_instructor, user.is_staff].count(True) == 1
    assert user.is_staff == (role == Role.STAFF)


def test_a_superuser_is_staff_and_can_log_in(client):
    User.objects.create_superuser("root@example.com", PASSWORD, name="Root")

    assert client.login(email="ROOT@example.com", password=PASSWORD)
    assert client.get("/admin/").status_code == 200


def test_no_user_is_made_without_a_role():
    with pytest.raises(TypeError):
        User.objects.create_user("sam@example.com", PASSWORD, name="Sam")


@pytest.mark.parametrize("name", ["America/New_York", "Europe/Kyiv", "America/Argentina/Buenos_Aires", "UTC"])
def test_a_time_zone_with_a_place_can_be_chosen(name):
    validate_time_zone(name)

    assert any(name == choice for _, choices in choices_by_region() for choice, _ in choices)


@pytest.mark.parametrize("name", ["", "EST", "America", "America/Atlantis", "posix/America/New_York", "../etc/passwd"])
def test_anything_else_cannot(name):
    with pytest.raises(ValidationError):
        validate_time_zone(name)

    assert name not in known_names()
