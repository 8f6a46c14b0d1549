"""What nobody sends by mistake, thrown at every route: each answers with a 4xx at worst, never with a 5xx.

A hostile value is tried in the place of one that is right while the others stay right, or the first that is refused
would shield the rest. Whoever may not ask is known by the first answer, and asks no more.
"""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client

from disputes.models import NoShowReport
from instainstru.accounts.models import User
from tests.admin.rows import leave_rows
from tests.bookings.factories import BookingFactory
from tests.factories import UserFactory
from tests.hostile.routes import Route, every_route
from tests.hostile.values import ASKS, BODIES, PATHS, TAKES, TEXTS, VALUES

ROUTES = [route for route in every_route() if not route.app.startswith("admin") and route.name != "stripe-webhook"]
APPS = sorted({route.app for route in ROUTES})
BACK_OFFICE = [route for route in every_route() if route.app.startswith("admin")]
NOT_YOURS = {401, 403, 405}
LEAVING = {"logout", "api:logout"}  # who is logged out asks for nothing more


class Thrower:
    """Asks as one person, and keeps what was answered with a 5xx."""

    def __init__(self, user: User | None, troubles: list[str]) -> None:
        self.user, self.troubles = user, troubles
        self.client = Client(raise_request_exception=False)
        if user is not None:
            self.client.force_login(user)

    def ask(self, method: str, address: str, what: str, **sent: Any) -> bool:
        """Ask, and return whether this person may ask that at all."""
        answer = self.client.generic(method, address, **sent)
        if answer.streaming:
            answer.close()
        if answer.status_code >= 500:
            self.troubles.append(f"{answer.status_code} for {method} {address[:90]} with {what}, as {self.user}")
        return answer.status_code not in NOT_YOURS and not answer.headers.get("Location", "").startswith("/login")


@pytest.fixture
def people(stage) -> list[User | None]:
    return [stage.student, stage.instructor, UserFactory(as_superuser=True), None]


@pytest.fixture
def known(stage, settings) -> dict[str, str]:
    """What can be named, of a scene with one row of everything; and everybody may ask without end."""
    rates = dict.fromkeys(("read", "write", "money", "guess"), "1000000/min")
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    stage.service.instructor.weekly_hours.filter(weekday=0).delete()  # the rows bring their own Monday
    with transaction.atomic():  # an entry and its postings
        booking = leave_rows(BookingFactory(student=stage.student, service=stage.service))
    report = NoShowReport.objects.get(booking=booking)
    return {
        "service": booking.service.ref,
        "instructor": booking.instructor.ref,
        "booking": booking.ref,
        "case": report.ref,
        "evidence": report.evidence.get().ref,
        "operation": f"{booking.payment.reference}-1",
        "message": stage.student.notices.first().ref,
        "time-off": str(booking.instructor.times_off.get().pk),
    }


def right_address(route: Route, known: dict[str, str], **instead: str) -> str:
    name = route.name.removeprefix("api:")
    kinds = {"own-service": "service", "evidence-file": "evidence", "no-show-report-contest": "case"}
    kinds |= {"report-contest": "case", "report-withdraw": "case", "no-show-report-withdraw": "case"}
    kinds |= {"case-evidence": "case", "evidence-add": "case", "case": "case"}
    kind = kinds.get(name) or next((kind for kind in ("instructor", "service", "message") if name.startswith(kind)), "")
    parts = {
        "ref": known[kind or "booking"],
        "reference": known["operation"],
        "number": known["time-off"],
        "time_off_id": known["time-off"],
        "setup_id": "seti_nothing",
        "token_id": "abcdef",
        "month": "2026-03",
        "form": "csv",
        "day": "2026-03-09",
        "uidb64": "MQ",
        "token": "abc-def",
    }
    return route.address(parts | instead)


def right(values: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    return {name: known.get(str(value).strip("<>"), value) for name, value in values.items()}


def in_address(values: dict[str, Any]) -> str:
    return urlencode(values, doseq=True)


def throw_at_path(thrower: Thrower, route: Route, known: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        for part in route.parts:
            for what, value in PATHS.items():
                thrower.ask(method, right_address(route, known, **{part: value}), f"{what} for {part}")


def throw_at_query(thrower: Thrower, route: Route, known: dict[str, str]) -> bool:
    asked = right(ASKS.get(route.name, {}), known)
    address = f"{right_address(route, known)}?"
    if not thrower.ask("GET", f"{address}{urlencode(asked)}&a=%ED%A0%80&b=%FF&%00=1", "bytes that are no text"):
        return False
    for name in [*asked, "else"]:
        for what, value in TEXTS.items():
            thrower.ask("GET", f"{address}{urlencode(asked | {name: value})}", f"{what} for {name}")
    return True


def throw_json(thrower: Thrower, route: Route, known: dict[str, str], method: str) -> bool:
    taken, address = right(TAKES.get(route.name, {}), known), right_address(route, known)
    if not thrower.ask(method, address, "another alphabet", data=b"{}", content_type="application/json; charset=utf-7"):
        return False
    for what, body in BODIES.items():
        thrower.ask(method, address, what, data=body, content_type="application/json")
    for name in taken:
        for what, value in VALUES.items():
            body = json.dumps(taken | {name: value})
            thrower.ask(method, address, f"{what} for {name}", data=body, content_type="application/json")
    return True


def throw_form(thrower: Thrower, route: Route, known: dict[str, str]) -> bool:
    taken = right(TAKES.get(route.name, {}), known)
    address = f"{right_address(route, known)}?{urlencode(right(ASKS.get(route.name, {}), known))}"
    form = "application/x-www-form-urlencoded"
    if not thrower.ask("POST", address, "another alphabet", data="a=%FF", content_type=f"{form}; charset=utf-16"):
        return False
    for name in [*taken, "else"]:
        for what, value in TEXTS.items():
            sent = urlencode(taken | {name: value}, doseq=True)
            thrower.ask("POST", address, f"{what} for {name}", data=sent, content_type=form)
    return True


@pytest.mark.parametrize("app", APPS)
def test_no_route_breaks_at_what_nobody_sends_by_mistake(people, known, app):
    troubles: list[str] = []
    throwers = [Thrower(person, troubles) for person in people]
    for route in (route for route in ROUTES if route.app == app and route.name not in LEAVING):
        for thrower in throwers[:2]:
            throw_at_path(thrower, route, known)
        any(throw_at_query(thrower, route, known) for thrower in throwers)  # the first who may ask
        if app.startswith("api"):
            for method in ("POST", "PUT", "PATCH"):
                any(throw_json(thrower, route, known, method) for thrower in throwers)
        else:
            any(throw_form(thrower, route, known) for thrower in throwers)

    assert not troubles, "\n".join(troubles)


def test_the_back_office_does_not_break_either(people, known):
    troubles: list[str] = []
    thrower = Thrower(people[2], troubles)
    for route in BACK_OFFICE:
        parts = dict.fromkeys(route.parts, "1")
        for part in route.parts:
            thrower.ask("GET", route.address(parts | {part: PATHS["nul"]}), f"nul for {part}")
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        thrower.ask("GET", f"{address}?q=%00", "nul for q")
        thrower.ask("POST", address, "nul for a row", data={"action": "x", "_selected_action": "\0"})

    assert not troubles, "\n".join(troubles)


def test_a_cookie_is_no_way_in_either(people, known):
    client = Client(raise_request_exception=False, headers={"Cookie": 'sessionid="abcdefgh\\000"'})

    assert client.get("/profile").status_code == 400
    assert client.get("/api/v1/auth/me").json()["code"] == "bad_request"
