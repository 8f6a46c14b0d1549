"""How a stored value is shown to staff: cents as dollars, instants with their zone, JSON so that it can be read."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString

from instainstru.money import dollars

Column = str | Callable[[Any], object]
NOTHING = "–"
CENTS = "_cents"


def shown(model: type[models.Model], name: Column) -> Column:
    """Return what admin lists and pages are to show for a field, or the name itself if Django's own way will do."""
    if not isinstance(name, str):
        return name
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return name  # a method of the admin or of the model
    return _column_of(field)


def instant(at: datetime | None) -> SafeString | str:
    """Write an instant as staff read it: to the second, in UTC, and saying so."""
    if at is None:
        return NOTHING
    utc = at.astimezone(UTC)
    day, time = utc.strftime("%Y-%m-%d"), utc.strftime("%H:%M:%S UTC")
    # Two pieces, so that a narrow column breaks between them and nowhere else.
    return format_html('<time datetime="{}"><span>{}</span> <span>{}</span></time>', utc.isoformat(), day, time)


def readable_json(value: Any) -> SafeString | str:
    """Write JSON over several lines; nothing stays nothing."""
    if value in (None, {}, []):
        return NOTHING
    return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))


@functools.cache  # the same column every time: Django compares them
def _column_of(field: Any) -> Column:
    if field.name.endswith(CENTS):
        return _column(field, lambda cents: NOTHING if cents is None else dollars(cents))
    if isinstance(field, models.DateTimeField):
        return _column(field, instant)
    if isinstance(field, models.JSONField):
        return _column(field, readable_json)
    return field.name


def _column(field: Any, write: Callable[[Any], object]) -> Callable[[models.Model], object]:
    @admin.display(description=field.verbose_name.removesuffix(" cents"), ordering=field.name)
    def column(row: models.Model) -> object:
        return write(getattr(row, field.name))

    column.__name__ = field.name  # the cell's class, and the field's help text, are found by it
    return column
