"""What the night clears away, and what it leaves."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from knox.models import AuthToken

from instainstru import clock
from instainstru.accounts import tasks
from instainstru.models import IdempotentRequest

pytestmark = pytest.mark.django_db


def test_expired_sessions_and_tokens_go_and_live_ones_stay(client, api, student, outsider):
    client.force_login(student)
    api(student)
    api(outsider)
    Session.objects.create(session_key="old", session_data="", expire_date=clock.wall() - timedelta(seconds=1))
    AuthToken.objects.filter(user=outsider).update(expiry=clock.wall())

    tasks.clear_expired_sessions()

    assert client.get("/profile").status_code == 200
    assert not Session.objects.filter(session_key="old").exists()
    assert [token.user for token in AuthToken.objects.all()] == [student]


def test_old_idempotency_keys_go(student):
    for key, days in {"old": 31, "recent": 1}.items():
        IdempotentRequest.objects.create(
            user=student, key=key, fingerprint="", subject="", created_at=clock.wall() - timedelta(days=days)
        )

    tasks.forget_old_idempotency_keys()

    assert IdempotentRequest.objects.get().key == "recent"


@pytest.mark.parametrize("name", ["sessions-expired", "idempotency-keys-old", "messages-unsent"])
def test_the_clockwork_knows_these_tasks(settings, name):
    from instainstru.celery import app

    app.loader.import_default_modules()

    assert settings.CLOCKWORK[name]["task"] in app.tasks
