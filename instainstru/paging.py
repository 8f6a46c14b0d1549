"""Pages of long lists on web pages: by cursor, newest first, as in the API."""

import contextlib
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPage:
    """Some rows of a list, and the cursors of the pages beside it; `{% page_links page %}` draws them."""

    rows: list[Any]
    newer: str | None
    older: str | None


def cursor_page(queryset: QuerySet[Any], request: HttpRequest, *, size: int = PAGE_SIZE) -> CursorPage:
    """Return the page that `?cursor=` asks for, newest row first; a cursor that means nothing gives the first page."""
    direction, position = _decoded(request.GET.get("cursor", ""))
    if direction == "after":
        # Read upwards from the position, then turned round to be shown.
        found = list(queryset.filter(pk__gt=position).order_by("pk")[: size + 1])
        rows, more_beyond = found[:size][::-1], len(found) > size
        return _page(rows, has_newer=more_beyond, has_older=True)
    older_than = queryset.filter(pk__lt=position) if direction == "before" else queryset
    found = list(older_than.order_by("-pk")[: size + 1])
    return _page(found[:size], has_newer=direction == "before", has_older=len(found) > size)


def _page(rows: list[Model], *, has_newer: bool, has_older: bool) -> CursorPage:
    return CursorPage(
        rows=rows,
        newer=f"after-{rows[0].pk}" if rows and has_newer else None,
        older=f"before-{rows[-1].pk}" if rows and has_older else None,
    )


def _decoded(cursor: str) -> tuple[str, int]:
    direction, _, position = cursor.partition("-")
    with contextlib.suppress(ValueError):
        if direction in {"before", "after"}:
            return direction, int(position)
    return "", 0
