"""Wherever a password is set, the API tokens that were issued before go in the same commit."""

import getpass

import pytest
from django.core.management import call_command
from django.db.models.signals import pre_delete
from knox.models import AuthToken

from instainstru.accounts.passwords import reset_link
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "an entirely different phrase"
TWICE = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}


class NotRevoked(Exception):
    pass


def on_the_page(user, client, api, monkeypatch):
    client.force_login(user)
    client.post("/password", {"old_password": PASSWORD, **TWICE})


def by_the_link(user, client, api, monkeypatch):
    form = client.get(reset_link(user)["reset_url"], follow=True)
    client.post(form.request["PATH_INFO"], TWICE)


def by_the_link_in_the_api(user, client, api, monkeypatch):
    uid, token = reset_link(user)["reset_url"].split("/")[-2:]
    body = {"uid": uid, "token": token, "new_password": NEW_PASSWORD}
    api(None).post("/api/v1/auth/password/reset/confirm", body)


def in_the_api(user, client, api, monkeypatch):
    client.force_login(user)  # a session keeps no token
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    client.post("/api/v1/auth/password", body, content_type="application/json")


def by_staff(user, client, api, monkeypatch):
    client.force_login(UserFactory(as_superuser=True))
    sent = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true", "set-password": "1"}
    client.post(f"/admin/accounts/user/{user.pk}/password/", sent)


def taken_away_by_staff(user, client, api, monkeypatch):
    client.force_login(UserFactory(as_superuser=True))
    sent = {"password1": "", "password2": "", "usable_password": "false", "unset-password": "1"}
    client.post(f"/admin/accounts/user/{user.pk}/password/", sent)


def by_the_command(user, client, api, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: NEW_PASSWORD)
    call_command("changepassword", user.email)


WAYS = [
    on_the_page,
    by_the_link,
    in_the_api,
    by_the_link_in_the_api,
    by_staff,
    taken_away_by_staff,
    by_the_command,
]


@pytest.mark.parametrize("set_password", WAYS, ids=lambda way: way.__name__)
def test_a_new_password_revokes_the_tokens_issued_before(api, client, student, outsider, monkeypatch, set_password):
    phone, somebody_elses = api(student), api(outsider)

    set_password(student, client, api, monkeypatch)

    student.refresh_from_db()
    assert not student.check_password(PASSWORD)
    assert phone.get("/api/v1/auth/me").status_code == 401
    assert somebody_elses.get("/api/v1/auth/me").status_code == 200


@pytest.mark.parametrize("set_password", WAYS, ids=lambda way: way.__name__)
def test_no_password_is_set_whose_tokens_are_not_revoked(api, client, student, monkeypatch, set_password):
    api(student)

    def break_down(**_):
        raise NotRevoked

    pre_delete.connect(break_down, sender=AuthToken)
    try:
        with pytest.raises(NotRevoked):
            set_password(student, client, api, monkeypatch)
    finally:
        pre_delete.disconnect(break_down, sender=AuthToken)

    student.refresh_from_db()
    assert student.check_password(PASSWORD)
