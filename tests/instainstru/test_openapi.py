"""The API's description of itself."""

import re

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from instainstru.api.catalogue import CATALOGUE
from instainstru.api.documentation import PROBLEMS


@pytest.fixture(scope="module")
def description():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations_of(description):
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_it_is_valid_openapi(description):
    validate_schema(description)


def test_every_operation_names_the_problems_that_it_can_meet(description):
    for name, operation in operations_of(description):
        problems = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"429", "503"} <= problems.keys(), name
        for answer in problems.values():
            assert answer["content"].keys() == {"application/problem+json"}, name


EXPECTED = {
    "post /api/v1/auth/login": {"400", "415", "429", "503"},
    "get /api/v1/auth/me": {"401", "403", "429", "503"},
    "get /api/v1/messages": {"400", "401", "403", "429", "503"},
    "post /api/v1/messages/{ref}/read": {"400", "401", "403", "404", "409", "422", "429", "503"},
}


@pytest.mark.parametrize(("operation", "statuses"), EXPECTED.items(), ids=EXPECTED)
def test_which_problems_follows_from_the_operation(description, operation, statuses):
    [found] = [described for name, described in operations_of(description) if name == operation]

    assert {status for status in found["responses"] if status >= "400"} == statuses


def test_an_operation_names_the_refusals_that_it_alone_can_meet(description):
    described = dict(operations_of(description))

    assert (
        "`idempotency_key_in_use`" in described["post /api/v1/messages/{ref}/read"]["responses"]["409"]["description"]
    )
    refusals = described["post /api/v1/bookings/{ref}/complete"]["responses"]["409"]["description"]
    assert "lesson_not_ended" in refusals
    assert "slot_unavailable" not in refusals
    assert not any(PROBLEMS in operation for operation in described.values())


def test_every_post_of_a_user_takes_an_idempotency_key(description):
    for name, operation in operations_of(description):
        wants_a_user = {} not in operation.get("security", [{}])
        headers = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (name.startswith("post ") and wants_a_user), name


def test_every_code_is_in_it(description):
    problem = description["components"]["schemas"]["Problem"]

    assert problem["properties"]["code"]["enum"] == sorted(CATALOGUE)


def test_no_two_operations_share_a_name(description):
    names = [operation["operationId"] for _, operation in operations_of(description)]

    assert len(names) == len(set(names))


@pytest.mark.django_db
def test_it_is_served_to_everybody_and_its_page_loads_nothing_from_elsewhere():
    client = Client()
    assert client.get("/api/schema").status_code == 200

    page = client.get("/api/docs")

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert addresses
    assert all(address.startswith("/") for address in addresses)
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert "<style" not in page.content.decode()
    [script] = [address for address in addresses if "script=" in address]
    assert client.get(script.replace("&amp;", "&")).headers["Content-Type"].startswith("application/javascript")
