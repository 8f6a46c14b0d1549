"""Commands of finance as an operator calls them: what they print, what they answer, and how they exit."""

import json
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from instainstru.accounts.models import User
from instainstru.admin.rights import sync_groups
from tests.factories import UserFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a command ended: its exit code, its words or its JSON, what went to stderr, and why it was refused."""

    code: int
    text: str
    told: str
    refusal: str = ""

    @property
    def json(self) -> Any:
        """The one JSON object; anything beside it would not parse."""
        return json.loads(self.text)


def calls(*arguments: str) -> Said:
    """Call a command as `manage.py` would and return how it ended."""
    out, told = StringIO(), StringIO()
    code, refusal = 0, ""
    try:
        call_command(*arguments, stdout=out, stderr=told)
    except CommandError as error:
        code, refusal = error.returncode, str(error)
    except SystemExit as end:
        code = int(end.code or 0)
    return Said(code=code, text=out.getvalue(), told=told.getvalue(), refusal=refusal)


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told whenever there is some, and not every few seconds."""
    monkeypatch.setattr("payments.management.progress.TELL_EVERY", timedelta(0))


@pytest.fixture
def finance(db: None) -> User:
    """A member of staff who may move money."""
    sync_groups()
    user: User = UserFactory(as_staff=True, name="Fiona Finance", email="finance@example.com")
    user.groups.add(Group.objects.get(name="Finance"))
    return user
