"""Whoever logs in with a password while it is being replaced keeps no token."""

import pytest
from django.test import RequestFactory

from instainstru.accounts import operations as accounts
from instainstru.accounts.models import User
from tests.concurrency.boundaries import Boundaries
from tests.factories import PASSWORD, UserFactory


@pytest.mark.django_db(transaction=True)
def test_a_new_password_leaves_no_token_to_whoever_logs_in_with_the_old_one_meanwhile() -> None:
    user, boundaries = UserFactory(), Boundaries()

    def log_in() -> object:
        return accounts.log_in(RequestFactory().post("/"), email=user.email, password=PASSWORD)

    def change_it() -> None:
        accounts.set_password(User.objects.get(pk=user.pk), "an entirely different phrase")

    for number in range(boundaries.count(log_in)):
        accounts.set_password(user, PASSWORD)
        boundaries.interrupt(log_in, change_it, at=number)

        assert not accounts.tokens_of(user).exists(), f"changed at boundary {number}"
        assert log_in() is None
