"""Wide rows that are changed a little at a time, under their lock, and written as far as they have changed."""

from __future__ import annotations

from functools import cache
from typing import Any, Self

from django.db import connection, models


class RemembersWhatWasRead(models.Model):
    """A model whose `save_changes` writes the columns that differ from what it was told to remember.

    Whoever locks a row lets it remember, and saves it outside of any savepoint that may be rolled back: what was
    written goes back with that, what is remembered does not. A value that is mutated in place, as a JSON field's may
    be, is not seen to differ: models that have such fields are not for this.
    """

    _as_read: dict[str, Any] | None = None

    class Meta:
        abstract = True

    def remember(self) -> Self:
        """Take the row as it stands here for what is stored."""
        self._as_read = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
        return self

    def save_changes(self) -> None:
        """Write what differs from what is stored; all, if that is not known, and nothing without a difference.

        The statement's text is made once: composing it took the ORM twice as long as sending it.
        """
        known = self._as_read
        if known is None:
            self.save()
        elif changed := tuple(name for name, value in known.items() if getattr(self, name) != value):
            self._write(changed)
        self.remember()

    def _write(self, names: tuple[str, ...]) -> None:
        sql, fields = _update(type(self), names)
        values = [field.get_db_prep_save(field.pre_save(self, add=False), connection) for field in fields]
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, self.pk])
            if cursor.rowcount != 1:
                raise type(self).DoesNotExist(f"{self!r} is gone.")


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[models.Field[Any, Any]]]:
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    columns = ", ".join(f"{_quoted(field)} = %s" for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    return f"UPDATE {table} SET {columns} WHERE {_quoted(model._meta.pk)} = %s", fields  # noqa: S608  # our own names


def _quoted(field: models.Field[Any, Any]) -> str:
    assert field.column is not None
    return connection.ops.quote_name(field.column)
