"""The same request sent twice begins one thing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from instainstru import clock
from instainstru.api import idempotency
from instainstru.api.idempotency import IdempotencyKeyInUse, IdempotencyKeyReused
from instainstru.models import IdempotentRequest


def request_of(user, key="k-1", body=None, path="/api/v1/bookings", form="json"):
    headers = {} if key is None else {"Idempotency-Key": key}
    sent = APIRequestFactory().post(path, {"a": 1} if body is None else body, format=form, headers=headers)
    request = Request(sent, parsers=[JSONParser(), FormParser(), MultiPartParser()])
    request.user = user
    return request


@pytest.mark.django_db
def test_a_request_without_a_key_has_none(student):
    assert idempotency.claim(request_of(student, key=None)) is None


@pytest.mark.django_db
def test_the_same_request_again_finds_what_it_began(student):
    key = idempotency.claim(request_of(student))
    assert key.replayed_subject() is None
    key.record("operation:4711")

    again = idempotency.claim(request_of(student))

    assert again.replayed_subject() == "operation:4711"


OTHER_REQUESTS = {
    "another-body": {"body": {"a": 2}},
    "another-path": {"path": "/api/v1/bookings/bk_1/cancel"},
    "another-query": {"path": "/api/v1/bookings?dry=1"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("changed", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS)
def test_the_key_of_another_request_is_refused(student, changed):
    idempotency.claim(request_of(student)).record("operation:4711")

    with pytest.raises(IdempotencyKeyReused):
        idempotency.claim(request_of(student, **changed)).replayed_subject()


@pytest.mark.django_db
def test_how_a_body_is_written_does_not_matter(student):
    idempotency.claim(request_of(student, body={"a": 1, "b": [1, 2]})).record("operation:4711")

    assert idempotency.claim(request_of(student, body={"b": [1, 2], "a": 1})).replayed_subject() == "operation:4711"


@pytest.mark.django_db
def test_a_file_is_told_apart_by_what_is_in_it_and_can_still_be_read(student):
    def upload(content):
        return request_of(
            student, body={"evidence": SimpleUploadedFile("note.txt", content), "why": "late"}, form="multipart"
        )

    idempotency.claim(upload(b"first")).record("evidence:1")
    same = upload(b"first")

    assert idempotency.claim(same).replayed_subject() == "evidence:1"
    assert same.data["evidence"].read() == b"first"
    with pytest.raises(IdempotencyKeyReused):
        idempotency.claim(upload(b"other")).replayed_subject()


@pytest.mark.django_db
def test_keys_are_each_users_own(student, outsider):
    idempotency.claim(request_of(student)).record("operation:4711")

    assert idempotency.claim(request_of(outsider)).replayed_subject() is None


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "schlüssel"])
def test_an_unusable_key_is_named(student, key):
    request = request_of(student)
    request.META["HTTP_IDEMPOTENCY_KEY"] = key

    with pytest.raises(ValidationError):
        idempotency.claim(request)


@pytest.mark.django_db
def test_a_stranger_has_no_keys():
    assert idempotency.claim(request_of(AnonymousUser())) is None


@pytest.mark.django_db(transaction=True)
def test_a_key_is_kept_exactly_if_what_it_began_is(student):
    key = idempotency.claim(request_of(student))

    with pytest.raises(RuntimeError, match="transaction"):
        key.record("operation:1")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        key.record("operation:1")
        raise ZeroDivisionError
    assert key.replayed_subject() is None


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_instant_one_wins_and_the_other_can_replay(student):
    both_looked = threading.Barrier(2)

    def send(number):
        try:
            key = idempotency.claim(request_of(student))
            assert key.replayed_subject() is None
            both_looked.wait(timeout=10)
            with transaction.atomic(durable=True):
                key.record(f"operation:{number}")
        except IdempotencyKeyInUse:
            return key.replayed_subject()
        else:
            return f"operation:{number}"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, [1, 2]))

    [row] = IdempotentRequest.objects.all()
    assert answers == [row.subject] * 2


@pytest.mark.django_db
def test_old_keys_are_forgotten(student):
    for key, days in {"old": 31, "recent": 29}.items():
        idempotency.claim(request_of(student, key=key)).record("operation:1")
        IdempotentRequest.objects.filter(key=key).update(created_at=clock.wall() - timedelta(days=days))

    assert idempotency.forget_old_keys() == 1
    assert IdempotentRequest.objects.get().key == "recent"
