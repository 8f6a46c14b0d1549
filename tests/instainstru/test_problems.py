"""Whatever goes wrong under /api/ is one kind of document (RFC 9457)."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from instainstru.api.catalogue import CATALOGUE
from instainstru.api.problems import MEDIA_TYPE
from instainstru.refusals import SENTENCES, RefusalCode, Refused

ALWAYS = {"type", "title", "status", "detail", "instance", "code", "what_can_be_done"}


def answer_to(error: Exception, *, method: str = "post", renderers: list[type] | None = None) -> Response:
    """Let a view raise that error and return the whole answer."""

    class Raising(APIView):
        authentication_classes = []
        permission_classes = [AllowAny]
        throttle_classes = []
        renderer_classes = renderers or APIView.renderer_classes

        def post(self, request):
            raise error

        get = post

    request = getattr(APIRequestFactory(), method)("/api/v1/things")
    return Raising.as_view()(request).render()


# --- Refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_says_why_and_what_can_be_done(code):
    response = answer_to(Refused(code))

    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.data.keys() >= ALWAYS
    assert response.data["code"] == code
    assert response.data["status"] == response.status_code
    assert response.data["detail"] == SENTENCES[code].why
    assert response.data["what_can_be_done"] == SENTENCES[code].instead
    assert response.data["instance"] == "/api/v1/things"
    assert response.data["type"].endswith(f"/api/problems#{code}")


STATUSES = {
    402: {"card_declined", "authentication_required", "payment_method_required"},
    422: {"credits_unavailable", "below_price_floor", "refund_exceeds_captured"},
}


@pytest.mark.parametrize("code", RefusalCode)
def test_a_refusal_is_a_conflict_unless_the_card_or_the_input_is_at_fault(code):
    expected = next((status for status, codes in STATUSES.items() if code in codes), 409)

    assert answer_to(Refused(code)).status_code == expected


@dataclass
class FreshPlan:
    digest: str

    def as_json(self):
        return {"digest": self.digest}


def test_what_belongs_to_a_refusal_is_told_with_it():
    stale = answer_to(Refused("preview_stale", fresh=FreshPlan("f00d")))
    early = answer_to(Refused("lesson_not_ended", earliest=datetime(2026, 3, 2, 16, tzinfo=UTC)))

    assert stale.data["fresh"] == {"digest": "f00d"}
    assert early.data["earliest"] == "2026-03-02T16:00:00+00:00"


@pytest.mark.parametrize(("context", "header"), [({}, "2"), ({"retry_after": 7}, "7"), ({"retry_after": 0.2}, "1")])
def test_an_operation_in_progress_says_when_to_ask_again(context, header):
    response = answer_to(Refused("operation_in_progress", **context))

    assert response.headers["Retry-After"] == header
    assert "retry_after" not in response.data


# --- The framework's own ------------------------------------------------------------------------------------------

OTHERS = {
    "not_found": (Http404("No Booking matches"), 404),
    "permission_denied": (PermissionDenied(), 403),
    "not_authenticated": (exceptions.NotAuthenticated(), 401),
    "authentication_failed": (exceptions.AuthenticationFailed(), 401),
    "parse_error": (exceptions.ParseError(), 400),
    "method_not_allowed": (exceptions.MethodNotAllowed("PUT"), 405),
    "not_acceptable": (exceptions.NotAcceptable(), 406),
    "unsupported_media_type": (exceptions.UnsupportedMediaType("text/csv"), 415),
    "throttled": (exceptions.Throttled(wait=6.2), 429),
    "temporarily_unavailable": (OperationalError("server closed the connection unexpectedly"), 503),
}


@pytest.mark.parametrize(("code", "error", "status"), [(code, *case) for code, case in OTHERS.items()], ids=OTHERS)
def test_every_other_error_is_a_problem_too(code, error, status):
    response = answer_to(error)

    assert (response.status_code, response.data["code"]) == (status, code)
    assert response.data["status"] == status == CATALOGUE[code].status
    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.data.keys() >= ALWAYS


@pytest.mark.parametrize("error", [OperationalError("terminating connection"), InterfaceError("connection is closed")])
def test_a_lost_database_says_when_to_come_back_and_nothing_of_itself(error):
    response = answer_to(error)

    assert response.headers["Retry-After"] == "5"
    assert "connection" not in str(response.data)


def test_a_throttled_client_is_told_whole_seconds_never_too_few():
    assert answer_to(exceptions.Throttled(wait=6.2)).headers["Retry-After"] == "7"


def test_the_raisers_own_sentence_is_kept():
    response = answer_to(exceptions.PermissionDenied("Only instructors may do this."))

    assert response.data["detail"] == "Only instructors may do this."
    assert response.data["code"] == "permission_denied"


def test_a_bug_is_not_dressed_up():
    with pytest.raises(ZeroDivisionError):
        answer_to(ZeroDivisionError())


def test_a_problem_is_readable_whatever_was_negotiated():
    class Csv(BaseRenderer):
        media_type = "text/csv"
        format = "csv"

    response = answer_to(Http404(), method="get", renderers=[Csv])

    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert b'"not_found"' in response.content


# --- Validation ---------------------------------------------------------------------------------------------------


class Hours(serializers.Serializer):
    opens = serializers.IntegerField(min_value=0)


class Week(serializers.Serializer):
    title = serializers.CharField()
    hours = Hours(many=True)

    def validate(self, attrs):
        raise serializers.ValidationError("The week is too long.", code="too_long")


def faults_of(data):
    body = Week(data=data)
    try:
        body.is_valid(raise_exception=True)
    except exceptions.ValidationError as error:
        return answer_to(error).data["errors"]
    raise AssertionError("It was valid.")


FAULTY = {
    "missing": ({"hours": []}, [("#/title", "required")]),
    "nested": ({"title": "A", "hours": [{"opens": 1}, {"opens": -1}]}, [("#/hours/1/opens", "min_value")]),
    "two": ({"hours": [{"opens": "x"}]}, [("#/title", "required"), ("#/hours/0/opens", "invalid")]),
    "several-fields-at-once": ({"title": "A", "hours": []}, [("#", "too_long")]),
    "no-object": ([], [("#", "invalid")]),
}


@pytest.mark.parametrize(("data", "expected"), FAULTY.values(), ids=FAULTY)
def test_each_fault_points_at_its_place(data, expected):
    assert [(fault["pointer"], fault["code"]) for fault in faults_of(data)] == expected


def test_a_pointer_escapes_what_json_pointers_must():
    error = exceptions.ValidationError({"a/b~c": ["No."]})

    assert answer_to(error).data["errors"][0]["pointer"] == "#/a~1b~0c"


def test_a_fault_in_the_query_names_its_parameter():
    response = answer_to(exceptions.ValidationError({"page_size": ["No."]}), method="get")

    assert response.data["errors"] == [{"detail": "No.", "code": "invalid", "parameter": "page_size"}]


# --- Outside of any view ------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "delete"])
@pytest.mark.parametrize("path", ["/api/v1/no-such-thing", "/api/v2/", "/api/"])
def test_an_address_that_nothing_serves_is_a_problem(path, method):
    response = getattr(Client(enforce_csrf_checks=True), method)(path)

    assert (response.status_code, response.headers["Content-Type"]) == (404, MEDIA_TYPE)
    assert response.json()["code"] == "not_found"


@pytest.mark.django_db
def test_a_bug_in_the_api_is_a_problem_with_the_request_id_when_debug_is_off(monkeypatch, settings):
    monkeypatch.setattr("instainstru.accounts.api.UserOut", None)
    client = Client(raise_request_exception=False)
    from tests.factories import UserFactory

    client.force_login(UserFactory())
    response = client.get("/api/v1/auth/me", headers={"X-Request-Id": "support-4711"})

    assert (response.status_code, response.headers["Content-Type"]) == (500, MEDIA_TYPE)
    assert response.json()["code"] == "internal_error"
    assert response.json()["request_id"] == "support-4711"


@pytest.mark.django_db
def test_every_code_is_explained_on_the_page_that_types_lead_to(client):
    page = client.get("/api/problems").content.decode()

    for code in CATALOGUE:
        assert f'id="{code}"' in page


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=CATALOGUE)
def test_every_kind_has_sentences(kind):
    assert kind.why.endswith(".")
    assert kind.instead.endswith((".", "…`."))
    assert 400 <= kind.status < 600


UNREADABLE = {
    "half of a pair": rb'{"email": "\ud800"}',
    "half of a pair for a name": rb'{"\ud800": 1}',
    "too deep for us": b"[" * 21 + b"]" * 21,
    "too deep for Python": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_nobody_can_take_is_not_read(body):
    response = Client().post("/api/v1/auth/login", body, content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


@pytest.mark.django_db
def test_both_halves_of_a_pair_are_a_character():
    response = Client().post("/api/v1/auth/login", rb'{"email": "\ud83c\udfb9"}', content_type="application/json")

    assert [error["pointer"] for error in response.json()["errors"]] == ["#/password"]
