"""Every address of the back office, whoever registered it: a login without a right opens none of them."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, reverse

from tests.admin.rows import leave_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

FOR_ALL_STAFF = {"index", "jsi18n", "password_change", "password_change_done"}  # nobody's rows
FOR_EVERYBODY = {"login", "logout"}


def addresses(patterns=None, above: str = "/admin/") -> Iterator[tuple[str, str]]:
    """Yield the name and the filled in path of every page there is."""
    for entry in admin.site.urls[0] if patterns is None else patterns:
        path = above + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and entry.name:
            yield entry.name, path


def filled(path: str, value: object) -> str:
    """Put a value wherever the path has a place for one."""
    pieces = [piece.partition(">")[2] if ":" in piece else piece for piece in path.split("<")]
    return str(value).join(pieces)


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_a_right_open_nothing(browses, staff, method):
    row = leave_rows()
    browser = browses(staff)
    answered = {
        (name, path): getattr(browser, method)(filled(path, row.pk))
        for name, path in addresses()
        if name not in FOR_ALL_STAFF | FOR_EVERYBODY
    }

    assert len(answered) > 100
    assert {where: response.status_code for where, response in answered.items() if not is_closed(response)} == {}


def is_closed(response: HttpResponse) -> bool:
    """Django tells of a row that is not there on the way back to the first page, rights or none."""
    return response.status_code in (403, 404, 405) or response.get("Location") == reverse("admin:index")


def test_a_student_opens_nothing(browses, student):
    browser = browses(student)
    answered = {
        (name, path): browser.get(filled(path, 1)).get("Location", "no redirection").partition("?")[0]
        for name, path in addresses()
        if name not in FOR_EVERYBODY
    }

    assert set(answered.values()) == {reverse("admin:login")}  # which tells who is signed in that this is not theirs
    assert browser.get(reverse("admin:login")).status_code == 403


def test_what_we_do_not_mirror_has_no_page(browses, superuser):
    home = browses(superuser).get(reverse("admin:index"))

    listed = {model["object_name"] for app in home.context["app_list"] for model in app["models"]}
    assert {"Charge", "PaymentIntent", "Transfer"} <= listed
    assert not listed & {"APIKey", "Subscription", "WebhookEndpoint", "Session"}
