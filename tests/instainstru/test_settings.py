"""Settings come from the environment; what would be unsafe or unusable stops the start with a sentence that says so."""

import os
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from instainstru import settings as ours

SERVERS = {"DATABASE_URL": "postgresql://none/none", "REDIS_URL": "redis://none"}  # named, so that none is started


def read(**environment: str) -> dict[str, Any]:
    """Read the settings in an environment that says this and nothing else."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "environ", environment)
        return runpy.run_path(ours.__file__)


# --- Production ---------------------------------------------------------------------------------------------------

PRODUCTION = SERVERS | {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "s3cret",
    "DJANGO_ALLOWED_HOSTS": "instainstru.example",
    "SITE_URL": "https://instainstru.example/",
    "STRIPE_SECRET_KEY": "rk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
}


def test_a_production_starts_with_what_it_has_to_be_given() -> None:
    settings = read(**PRODUCTION)

    assert not settings["DEBUG"]
    assert (settings["STRIPE_LIVE_MODE"], settings["CLOCK_TRAVELS"]) == (True, False)
    assert settings["ALLOWED_HOSTS"] == ["instainstru.example"]
    assert settings["SITE_URL"] == "https://instainstru.example"  # paths that begin with a slash are put after it


def test_a_quick_hash_is_for_where_the_secret_key_is_known() -> None:
    quick = "django.contrib.auth.hashers.MD5PasswordHasher"

    assert quick in read(**SERVERS)["PASSWORD_HASHERS"]
    assert quick not in read(**PRODUCTION)["PASSWORD_HASHERS"]


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "DJANGO_DEBUG"])
@pytest.mark.parametrize("value", ["", " "], ids=["missing", "blank"])
def test_without_any_of_it_a_production_does_not_start(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{name} must be set when DJANGO_DEBUG is off"):
        read(**PRODUCTION | {name: value})


def test_the_readme_explains_every_variable() -> None:
    names = set(re.findall(r"""(?:environ\.get|_flag|_required)\(\s*"([A-Z_]+)\"""", Path(ours.__file__).read_text()))

    explained = set(re.findall(r"`([A-Z_]+)(?:=\w+)?`", (Path(ours.BASE_DIR) / "README.md").read_text()))

    assert len(names) > 20
    assert names - explained == {"STRIPE_API_BASE"}  # where the simulator is: for who runs it elsewhere


def test_the_images_build_step_gives_what_a_production_has_to_be_given() -> None:
    dockerfile = (Path(ours.BASE_DIR) / "Dockerfile").read_text().replace("\\\n", " ")
    given = re.search(r"^RUN (.*) python manage\.py collectstatic", dockerfile, re.MULTILINE)

    environment = dict(word.split("=", 1) for word in given[1].split())

    assert environment["DJANGO_DEBUG"] == "0"
    assert not read(**environment)["DEBUG"]


@pytest.mark.parametrize("name", ["DJANGO_ALLOWED_HOSTS", "STRIPE_WEBHOOK_SECRET"])
def test_a_list_of_nothing_is_nothing(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        read(**PRODUCTION | {name: " , "})


def test_a_production_does_not_sign_with_the_key_that_everybody_knows() -> None:
    known = read(**SERVERS)["SECRET_KEY"]

    with pytest.raises(ImproperlyConfigured, match=r"^DJANGO_SECRET_KEY .* known"):
        read(**PRODUCTION | {"DJANGO_SECRET_KEY": known})


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1", " sk_live_1"])
def test_real_money_is_not_moved_with_debug_on(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^STRIPE_SECRET_KEY is a live key"):
        read(**PRODUCTION | {"DJANGO_DEBUG": "1", "STRIPE_SECRET_KEY": key})


def test_webhook_secrets_stand_between_commas_and_no_blank_is_one() -> None:
    """An event signed with nothing would be good if nothing were a secret."""
    assert read(**PRODUCTION | {"STRIPE_WEBHOOK_SECRET": " whsec_1, whsec_2,\n"})["STRIPE_WEBHOOK_SECRETS"] == [
        "whsec_1",
        "whsec_2",
    ]
    assert read(**SERVERS, STRIPE_SECRET_KEY="sk_test_1")["STRIPE_WEBHOOK_SECRETS"] == []


# --- Mail ---------------------------------------------------------------------------------------------------------


def test_how_to_log_in_at_the_mail_server_comes_from_the_environment() -> None:
    asked = {"EMAIL_HOST_USER": "instainstru", "EMAIL_HOST_PASSWORD": "s3cret", "EMAIL_USE_TLS": "1"}

    settings = read(**SERVERS, **asked)

    assert (settings["EMAIL_HOST_USER"], settings["EMAIL_HOST_PASSWORD"]) == ("instainstru", "s3cret")
    assert (settings["EMAIL_USE_TLS"], settings["EMAIL_USE_SSL"]) == (True, False)
    assert read(**SERVERS, EMAIL_USE_SSL="1")["EMAIL_USE_SSL"] is True


def test_two_kinds_of_tls_at_once_are_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"EMAIL_USE_TLS .* EMAIL_USE_SSL .* one of them"):
        read(**SERVERS, EMAIL_USE_TLS="1", EMAIL_USE_SSL="1")


def test_a_mail_server_is_not_waited_for_for_ever() -> None:
    assert 0 < read(**SERVERS)["EMAIL_TIMEOUT"] <= 10
