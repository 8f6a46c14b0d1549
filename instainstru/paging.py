"""Pages of long lists on web pages: by cursor, as in the API."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPage:
    """Some rows of a list, and the cursors of the pages before and after it; `{% page_links page %}` draws them."""

    rows: list[Any]
    newer: str | None
    older: str | None


def cursor_page(queryset: QuerySet[Any], request: HttpRequest, *, by: str = "-pk", size: int = PAGE_SIZE) -> CursorPage:
    """Return the page that `?cursor=` asks for; a cursor that means nothing gives the first page.

    `by` is the field that orders the list, an integer or an instant, with `-` for the greatest first, which is also
    the default: the newest row first. Rows of the same value follow their keys in the same direction.
    """
    order = _Order(queryset.model, by)
    direction, position = _decoded(request.GET.get("cursor", ""), order)
    if direction == "after":
        # Read upwards from the position, then turned round to be shown.
        found = list(queryset.filter(order.beyond(position, upwards=True)).order_by(*order.upwards)[: size + 1])
        rows, more_beyond = found[:size][::-1], len(found) > size
        return _page(rows, order, has_newer=more_beyond, has_older=True)
    rest = queryset.filter(order.beyond(position, upwards=False)) if direction == "before" else queryset
    found = list(rest.order_by(*order.downwards)[: size + 1])
    return _page(found[:size], order, has_newer=direction == "before", has_older=len(found) > size)


class _Order:
    """The order of a list as it is shown: downwards."""

    def __init__(self, model: type[Model], by: str) -> None:
        self.field = by.removeprefix("-")
        self.descends = by.startswith("-")
        self.fields = ("pk",) if self.field == "pk" else (self.field, "pk")
        self.by_instant = _is_instant(model, self.field)

    @property
    def downwards(self) -> list[str]:
        return [f"{'-' if self.descends else ''}{field}" for field in self.fields]

    @property
    def upwards(self) -> list[str]:
        return [f"{'' if self.descends else '-'}{field}" for field in self.fields]

    def position_of(self, row: Model) -> str:
        return ".".join(_encoded(getattr(row, field)) for field in self.fields)

    def read(self, position: str) -> tuple[Any, ...]:
        """Read back what `position_of` wrote. Raises ValueError or OverflowError for anything else."""
        *value, key = map(int, position.split("."))
        if len(value) != len(self.fields) - 1:
            raise ValueError(position)
        return (*(EPOCH + number * MICROSECOND if self.by_instant else number for number in value), key)

    def beyond(self, position: tuple[Any, ...], *, upwards: bool) -> Q:
        side = "gt" if upwards == self.descends else "lt"
        *value, key = position
        if not value:
            return Q(**{f"pk__{side}": key})
        return Q(**{f"{self.field}__{side}": value[0]}) | Q(**{self.field: value[0], f"pk__{side}": key})


def _page(rows: list[Model], order: _Order, *, has_newer: bool, has_older: bool) -> CursorPage:
    return CursorPage(
        rows=rows,
        newer=f"after-{order.position_of(rows[0])}" if rows and has_newer else None,
        older=f"before-{order.position_of(rows[-1])}" if rows and has_older else None,
    )


def _encoded(value: int | datetime) -> str:
    return str((value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value)


def _decoded(cursor: str, order: _Order) -> tuple[str, tuple[Any, ...]]:
    direction, _, position = cursor.partition("-")
    with contextlib.suppress(ValueError, OverflowError):
        if direction in {"before", "after"}:
            return direction, order.read(position)
    return "", ()


def _is_instant(model: type[Model], field: str) -> bool:
    try:
        return field != "pk" and isinstance(model._meta.get_field(field), DateTimeField)
    except FieldDoesNotExist:  # annotated
        return False
