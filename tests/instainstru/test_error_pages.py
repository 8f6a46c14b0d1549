"""What a visitor sees when a page can't be shown."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.test import Client, RequestFactory

from instainstru import errors
from instainstru.refusals import Refused


def visit(error, path="/things"):
    """Let a view of that path raise the error, below the middleware."""
    request = RequestFactory().get(path)
    request.session = {}
    from django.contrib.auth.models import AnonymousUser

    request.user = AnonymousUser()
    return errors.ErrorPagesMiddleware(lambda _: None).process_exception(request, error)


def test_a_refusal_says_why_and_what_can_be_done(standing_clock):
    response = visit(Refused("reschedule_locked")).render()

    page = response.content.decode()
    assert response.status_code == 409
    assert "can&#x27;t be moved again" in page
    assert "You can take the lesson or cancel it." in page


@pytest.mark.parametrize(("path", "media_type"), [("/things", "text/html"), ("/api/v1/things", "application/problem")])
def test_a_lost_database_is_a_503_that_says_when_to_come_back(path, media_type):
    response = visit(OperationalError("terminating connection due to administrator command"), path)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Content-Type"].startswith(media_type)
    assert b"administrator" not in response.content


def test_a_bug_is_left_to_django():
    assert visit(ZeroDivisionError()) is None


HANDLERS = {
    400: lambda request: errors.bad_request(request, Exception()),
    403: lambda request: errors.permission_denied(request, PermissionDenied()),
    404: lambda request: errors.page_not_found(request, Http404()),
    500: errors.server_error,
}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/things", "/api/v1/things"])
@pytest.mark.parametrize(("status", "handler"), HANDLERS.items())
def test_every_handler_answers_in_the_form_of_its_path(path, status, handler):
    request = Client().get("/").wsgi_request
    request.path = path

    response = handler(request)

    assert response.status_code == status
    is_problem = response.headers["Content-Type"] == "application/problem+json"
    assert is_problem == path.startswith("/api/")


def test_the_500_page_asks_no_database():
    """No `django_db` here: a query would fail the test."""
    response = errors.server_error(RequestFactory().get("/things"))

    assert "Something went wrong on our side" in response.content.decode()
