"""Settings come from the environment; what would be unsafe or unusable stops the start with a sentence that says so."""

import os
import runpy
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
