"""Lists, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from payments.simulator.core import Core
from payments.simulator.core.errors import invalid_request
from payments.simulator.core.lookup import fetch
from payments.simulator.core.objects import Body, public

_PAGING = ("limit", "starting_after", "ending_before", "created", "expand")


def page(
    core: Core,
    kind: str,
    url: str,
    params: dict[str, Any],
    *,
    equal: dict[str, Any] | None = None,
    keep: Callable[[Body], bool] = lambda body: True,
) -> Body:
    """One page of the objects of a kind in the account that the request speaks for.

    `equal` are fields and the values that they must have; `keep` sorts out the rest.
    """
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid_request("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    after, before = params.get("starting_after"), params.get("ending_before")
    for name, neighbour in (("starting_after", after), ("ending_before", before)):
        if neighbour:
            fetch(core, kind, neighbour, param=name, status=400)
    created = params.get("created")
    found = core.objects.find(
        kind,
        account=core.request.account,
        created={"gte": created, "lte": created} if isinstance(created, int) else created,
        after=after,
        before=before,
        **(equal or {}),
    )
    bodies = list(islice(filter(keep, found), limit + 1))
    has_more = len(bodies) > limit
    bodies = bodies[:limit]
    if before:
        bodies.reverse()
    return {"object": "list", "data": [public(body) for body in bodies], "has_more": has_more, "url": url}


def filters(params: dict[str, Any]) -> dict[str, Any]:
    """What a list's parameters ask for beside paging: fields and the values that they must have."""
    return {name: value for name, value in params.items() if name not in _PAGING}
