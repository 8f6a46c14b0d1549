"""`manage.py stripe_webhook_endpoint`: exactly the types that are read, in the pinned version, for both kinds."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from payments import readers
from payments.gateway import client

URL = "https://example.com/stripe/webhook"


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("stripe_webhook_endpoint", "--url", URL, "--json", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def at_stripe() -> list[dict[str, Any]]:
    return client.get("/v1/webhook_endpoints")["data"]


def works(answer: dict[str, Any]) -> list[str]:
    return [endpoint["work"] for endpoint in answer["endpoints"]]


def test_a_dry_run_changes_nothing(stripe):
    assert works(run("--dry-run")) == ["create", "create"]
    assert at_stripe() == []


def test_both_endpoints_are_made_once_with_exactly_what_is_read(stripe, settings):
    made = run()
    assert works(made) == ["create", "create"]
    assert all(endpoint["secret"].startswith("whsec_") for endpoint in made["endpoints"])

    again = run()

    assert works(again) == ["keep", "keep"]
    assert [endpoint["secret"] for endpoint in again["endpoints"]] == [None, None]
    found = {endpoint["id"]: endpoint for endpoint in at_stripe()}
    account, connect = (found[endpoint["id"]] for endpoint in made["endpoints"])
    assert set(account["enabled_events"]) == readers.HANDLED
    assert set(connect["enabled_events"]) == readers.OF_CONNECTED_ACCOUNTS
    assert {endpoint["api_version"] for endpoint in found.values()} == {settings.STRIPE_API_VERSION}


def test_what_differs_is_put_right_and_keeps_its_secret(stripe):
    account = run()["endpoints"][0]["id"]
    client.post(
        f"/v1/webhook_endpoints/{account}", {"enabled_events": ["charge.succeeded"], "disabled": True}, key="by-hand"
    )

    answer = run()

    assert works(answer) == ["update", "keep"]
    (found,) = [endpoint for endpoint in at_stripe() if endpoint["id"] == account]
    assert set(found["enabled_events"]) == readers.HANDLED
    assert found["status"] == "enabled"


def test_another_api_version_wants_another_endpoint(stripe, settings):
    old = run()["endpoints"][0]["id"]
    settings.STRIPE_API_VERSION = "2026-06-30.dahlia"

    answer = run()

    assert works(answer) == ["replace", "replace"]
    assert old not in {endpoint["id"] for endpoint in at_stripe()}
    assert len(at_stripe()) == 2


def test_an_endpoint_made_by_hand_is_left_alone_and_named(stripe):
    by_hand = client.post("/v1/webhook_endpoints", {"url": URL, "enabled_events": ["*"]}, key="by-hand")["id"]

    assert run()["strangers"] == [by_hand]
    call_command("stripe_webhook_endpoint", "--url", URL, stdout=(out := StringIO()))
    assert f"{by_hand} sends events to the same address and is not ours" in out.getvalue()


def test_new_secrets_are_told_with_what_to_do_with_them(stripe):
    call_command("stripe_webhook_endpoint", "--url", URL, stdout=(out := StringIO()))

    advice, secrets = out.getvalue().strip().splitlines()[-2:]
    assert "STRIPE_WEBHOOK_SECRET" in advice
    assert len(secrets.split(",")) == 2


def test_stripe_wants_https(stripe, settings):
    settings.USES_SIMULATOR = False

    with pytest.raises(CommandError, match="https"):
        call_command("stripe_webhook_endpoint", "--url", "http://example.com/stripe/webhook")


def test_stripes_silence_is_told(stripe, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    with pytest.raises(CommandError, match="Stripe"):
        run()
