"""The points between which nothing can go wrong: around every commit, and around every call to Stripe.

Product code knows nothing of them.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from payments.gateway.http import GuardedClient

Reach = Callable[[str], None]

_OBJECT_ID = re.compile(r"/[a-z]+_\w+")
_WRITES = ("INSERT", "UPDATE", "DELETE")


@contextlib.contextmanager
def watched(reach: Reach) -> Iterator[None]:
    """Call `reach` with the name of every point that this process comes to within the block."""
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]  # not in the stubs, as the next one
    execute = CursorWrapper._execute_with_wrappers  # type: ignore[attr-defined]
    with (
        mock.patch.object(BaseDatabaseWrapper, "_commit", _around_commits(commit, reach)),
        mock.patch.object(CursorWrapper, "_execute_with_wrappers", _around_single_writes(execute, reach)),
        mock.patch.object(GuardedClient, "request", _around_calls(GuardedClient.request, reach)),
    ):
        yield


def _around_commits(commit: Callable[..., Any], reach: Reach) -> Callable[..., Any]:
    def watched_commit(self: BaseDatabaseWrapper) -> None:
        reach("before a commit")
        commit(self)
        reach("after a commit")

    return watched_commit


def _around_single_writes(execute: Callable[..., Any], reach: Reach) -> Callable[..., Any]:
    """A statement outside of a transaction is a commit of its own."""

    def watched_execute(self: CursorWrapper, sql: Any, params: Any, many: bool, executor: Any) -> Any:
        if self.db.in_atomic_block or not str(sql).startswith(_WRITES):
            return execute(self, sql, params, many, executor)
        what = " ".join(str(sql).split()[:2]).replace('"', "")
        reach(f"before {what}")
        result = execute(self, sql, params, many, executor)
        reach(f"after {what}")
        return result

    return watched_execute


def _around_calls(request: Callable[..., Any], reach: Reach) -> Callable[..., Any]:
    def watched_request(self: GuardedClient, method: str, url: str, *rest: Any, **named: Any) -> Any:
        call = f"{method.upper()} {_OBJECT_ID.sub('/_', urlsplit(url).path)}"
        reach(f"before {call}")
        answer = request(self, method, url, *rest, **named)
        reach(f"after {call}")
        return answer

    return watched_request
