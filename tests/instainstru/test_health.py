"""Alive, ready, measured."""

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
from celery import signals
from django.core.cache import cache
from django.test import Client
from prometheus_client import REGISTRY
from pythonjsonlogger.json import JsonFormatter

from instainstru import clock, health, heartbeats
from instainstru.observability import ContextFilter, current_request_id, working_on

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stripe_answers(monkeypatch):
    monkeypatch.setattr(health, "_stripe_last_asked", None)
    monkeypatch.setattr(health, "_ask_stripe", lambda: None)


@pytest.fixture(autouse=True)
def nobody_was_seen():
    heartbeats._last_noted.clear()


def readiness():
    response = Client().get("/readyz")
    return response.status_code, response.json()


# --- Alive and ready ----------------------------------------------------------------------------------------------


def test_alive(client):
    assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_when_everything_answers():
    status, answer = readiness()

    assert (status, answer["status"]) == (200, "ready")
    assert answer["parts"].keys() == {"database", "redis", "stripe", "worker", "beat"}


def test_not_ready_without_redis(settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

    status, answer = readiness()

    assert (status, answer["status"]) == (503, "not ready")
    assert answer["parts"]["redis"] == {"ready": False, "problem": "Redis does not answer."}
    assert answer["parts"]["database"] == {"ready": True}


def test_not_ready_without_stripe(monkeypatch):
    monkeypatch.setattr(health, "_ask_stripe", lambda: "api.stripe.com can't be reached.")

    status, answer = readiness()

    assert status == 503
    assert answer["parts"]["stripe"]["problem"] == "api.stripe.com can't be reached."


def test_not_ready_without_the_database(monkeypatch):
    from django.db import OperationalError

    def refuse():
        raise OperationalError("connection refused")

    monkeypatch.setattr(health.connection, "cursor", refuse)

    assert health._database_problem() == "PostgreSQL does not answer."


def test_stripe_is_not_asked_for_every_probe(monkeypatch):
    asked = []
    monkeypatch.setattr(health, "_ask_stripe", lambda: asked.append(1))

    for _ in range(5):
        readiness()

    assert len(asked) == 1


def test_stripe_is_asked_where_it_is(settings, monkeypatch):
    monkeypatch.undo()
    settings.STRIPE_API_BASE = "http://127.0.0.1:1"

    assert health._ask_stripe() == "127.0.0.1 can't be reached."


@pytest.mark.parametrize("part", heartbeats.PARTS)
@pytest.mark.parametrize(("seconds_ago", "expected"), [(1, 200), (89, 200), (91, 503)])
def test_a_part_that_fell_silent_is_missed(part, seconds_ago, expected):
    cache.set(f"heartbeat:{part}", clock.wall() - timedelta(seconds=seconds_ago))

    assert readiness()[0] == expected


def test_the_workers_heart_is_noted():
    signals.heartbeat_sent.send(sender=None)

    assert clock.wall() - heartbeats.last_seen("worker") < timedelta(seconds=5)
    assert heartbeats.last_seen("beat") is None


def test_beat_is_noted_by_what_it_publishes_and_no_other_process_is_taken_for_it():
    signals.before_task_publish.send(sender="a.task")
    assert heartbeats.last_seen("beat") is None

    signals.beat_init.send(sender=None)
    try:
        signals.before_task_publish.send(sender="a.task")
    finally:
        signals.before_task_publish.disconnect(heartbeats._beat_is_alive)

    assert heartbeats.last_seen("beat") is not None


# --- Metrics ------------------------------------------------------------------------------------------------------

WHO_MAY = {
    "this-machine": ({"REMOTE_ADDR": "127.0.0.1"}, 200),
    "a-proxy-on-this-machine": ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "10.0.0.1"}, 403),
    "elsewhere": ({"REMOTE_ADDR": "10.0.0.1"}, 403),
    "the-token": ({"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer s3cret"}, 200),
    "another-token": ({"REMOTE_ADDR": "10.0.0.1", "HTTP_AUTHORIZATION": "Bearer guess"}, 403),
}


@pytest.mark.parametrize(("headers", "status"), WHO_MAY.values(), ids=WHO_MAY)
def test_who_may_see_metrics(settings, headers, status):
    settings.METRICS_TOKEN = "s3cret"

    assert Client(**headers).get("/metrics").status_code == status


def test_no_token_opens_metrics_where_none_is_set(settings):
    settings.METRICS_TOKEN = ""

    assert Client(REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION="Bearer ").get("/metrics").status_code == 403


@pytest.mark.parametrize(("who", "status"), [("staff", 200), ("student", 403)])
def test_staff_see_metrics_from_anywhere(request, who, status):
    client = Client(REMOTE_ADDR="10.0.0.1")
    client.force_login(request.getfixturevalue(who))

    assert client.get("/metrics").status_code == status


def test_requests_are_counted_by_route_and_not_by_path(client):
    client.get("/no-such-page-1")
    client.get("/healthz")

    metrics = client.get("/metrics").content.decode()

    assert 'http_requests_answered_total{method="GET",status="200",view="healthz"}' in metrics
    assert 'view="no such page"' in metrics
    assert "no-such-page-1" not in metrics


@pytest.mark.parametrize(("method", "label"), [("BREW", "OTHER"), ("PATCH", "PATCH")])
def test_a_method_that_somebody_made_up_has_no_label_of_its_own(client, method, label):
    def counted(label):
        labels = {"method": label, "view": "no such page", "status": "404"}
        return REGISTRY.get_sample_value("http_requests_answered_total", labels) or 0

    before = counted(label)
    client.generic(method, "/no-such-page")

    assert counted(label) == before + 1
    assert counted("BREW") == 0


# --- Logs ---------------------------------------------------------------------------------------------------------


def logged(work):
    """Run something with JSON logs as in production, and return its lines."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("%(levelname)s %(message)s"))
    handler.addFilter(ContextFilter())
    logger = logging.getLogger("tests.observability")
    logger.addHandler(handler)
    try:
        work(logger)
    finally:
        logger.removeHandler(handler)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_it_is_about():
    def work(logger):
        with working_on(booking="bk_1", operation=None):
            with working_on(operation=4711):
                logger.warning("Captured.")
            logger.warning("Done.")
        logger.warning("Idle.")

    captured, done, idle = logged(work)

    assert (captured["booking"], captured["operation"]) == ("bk_1", "4711")
    assert done["booking"] == "bk_1"
    assert "operation" not in done
    assert "booking" not in idle


@pytest.mark.parametrize(
    ("offered", "is_kept"),
    [("support-4711", True), ("x" * 64, True), ("short", False), ("x" * 65, False), ("two words here", False)],
)
def test_a_request_id_is_kept_if_it_can_be_trusted_in_a_log(client, offered, is_kept):
    answered = client.get("/healthz", headers={"X-Request-Id": offered}).headers["X-Request-Id"]

    assert (answered == offered) == is_kept
    assert len(answered) >= 8


def test_every_request_has_an_id_of_its_own(client):
    ids = {client.get("/healthz").headers["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3
    assert current_request_id() is None
