"""The container files say what they should; there need not be an engine to see that."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = {"migrate", "web", "worker", "beat", "simulator"}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def stages() -> list[str]:
    """The Dockerfile's stages, line continuations joined and comments left out."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    return re.split(r"^(?=FROM )", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]


def test_all_parts_are_services_of_one_image(compose):
    services = compose["services"]

    assert set(services) == OURS | {"postgres", "redis"}
    assert {(services[name]["image"], services[name]["build"]) for name in OURS} == {("instainstru:local", ".")}


def test_every_service_says_how_it_is(compose):
    for name, service in compose["services"].items():
        if name == "web":
            continue  # the image's own health check
        assert "healthcheck" in service, name
        assert service["healthcheck"].get("test") or name == "migrate"


def test_nothing_starts_before_what_it_needs(compose):
    ready = {"condition": "service_healthy"}
    needs = {
        "postgres": ready,
        "redis": ready,
        "simulator": ready,
        "migrate": {"condition": "service_completed_successfully"},
    }

    for name in ("web", "worker", "beat"):
        assert compose["services"][name]["depends_on"] == needs
    assert compose["services"]["migrate"]["depends_on"] == {"postgres": ready, "redis": ready}


def test_what_must_survive_is_in_volumes(compose):
    mounted = {volume.partition(":")[0] for each in compose["services"].values() for volume in each.get("volumes", [])}

    assert mounted == set(compose["volumes"]) == {"postgres", "redis", "simulator", "media"}


def test_only_this_machine_gets_in(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_password_can_be_set_from_outside(compose):
    services = compose["services"]
    from_outside = re.compile(r"\$\{[A-Z_]+:-.*(local-only|local_only)")

    for service, setting in [
        ("postgres", "POSTGRES_PASSWORD"),
        ("web", "DATABASE_URL"),
        ("web", "REDIS_URL"),
        ("web", "DJANGO_SECRET_KEY"),
        ("web", "STRIPE_WEBHOOK_SECRET"),
    ]:
        assert from_outside.search(services[service]["environment"][setting]), setting


def test_worker_takes_every_queue_and_beat_the_database_scheduler(compose):
    assert "clockwork,money,messages,mirror" in compose["services"]["worker"]["command"]
    assert "--scheduler=django_celery_beat.schedulers:DatabaseScheduler" in compose["services"]["beat"]["command"]


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_special(stages):
    dependencies, image = stages

    assert "--require-hashes" in dependencies
    assert "requirements.lock" in dependencies
    assert re.findall(r"^USER (\S+)", image, re.MULTILINE) == ["10001"]
    assert image.index("collectstatic") < image.index("\nUSER ")
    assert re.search(r"^HEALTHCHECK .*/healthz", image, re.MULTILINE)
    assert all(stage.startswith("FROM python:3.12-slim") for stage in stages)


def test_the_image_holds_every_package_and_nothing_that_is_not_listed():
    lines = (REPOSITORY / ".dockerignore").read_text().split()
    packages = {path.parent.name for path in REPOSITORY.glob("[!.]*/__init__.py")} - {"tests"}

    assert "*" in lines
    assert {f"!{package}" for package in packages} <= set(lines)
    assert not {"!tests", "!.git", "!.data"} & set(lines)
