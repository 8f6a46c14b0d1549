"""Rows that are read and written by statements whose text is made once.

The ORM composes every statement anew, and of a wide row that is two thirds of what reading it costs. What is here
serves the few rows that every operation locks and changes; all else asks the ORM.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, Self, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class RemembersWhatWasRead(models.Model):
    """A model whose `save_changes` writes the columns that differ from what was read.

    For wide rows that are changed a little at a time, under their lock. A value that is mutated in place, as a JSON
    field's may be, is not seen to differ: models that have such fields are not for this.
    """

    _as_read: dict[str, Any] | None = None

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **how: Any) -> Self:
        """Make an instance of a row, and keep the row's values beside it."""
        row = super().from_db(db, field_names, values, **how)
        row._as_read = dict(zip(field_names, values, strict=False))
        return row

    def save_changes(self) -> None:
        """Write what differs from what was read or last written; without a difference say nothing to the database."""
        known = self._as_read
        if known is None:
            self.save()
        elif changed := self._changed(known):
            self._write(changed)
        self._as_read = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}

    def _changed(self, known: dict[str, Any]) -> tuple[str, ...]:
        now = self.__dict__
        return tuple(name for name, value in known.items() if now.get(name, value) != value)

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
    columns = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    key = _quoted(model._meta.pk.column)
    return f"UPDATE {_quoted(model._meta.db_table)} SET {columns} WHERE {key} = %s", fields  # noqa: S608  # our own names


@dataclass(frozen=True)
class JoinedRow(Generic[M]):
    """A row found by one column, with the rows that it refers to, some of them locked.

    `along` names forward relations that are never empty, each after the one that it goes on from: `("payment",
    "payment__payer")`. `locking` names those whose rows are locked, in this order; "" is the row itself.
    """

    model: type[M]
    by: str
    along: tuple[str, ...]
    locking: tuple[str, ...]

    def get(self, value: int | str) -> M:
        """Return the row with everything along it loaded; a transaction is open. Raises the model's DoesNotExist."""
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [value])
            found = cursor.fetchone()
        if found is None:
            raise self.model.DoesNotExist(f"No {self.model.__name__} has {self.by} {value}.")  # type: ignore[attr-defined]
        rows: dict[str, models.Model] = {}
        for part in self._parts:
            row = rows[part.path] = part.row_of(found)
            if part.path:
                setattr(rows[part.parent], part.relation, row)
        first = rows[""]
        assert isinstance(first, self.model)
        return first

    @cached_property
    def _parts(self) -> tuple[_Part, ...]:
        parts = {"": _Part(path="", parent="", relation="", model=self.model, begins=0)}
        for path in self.along:
            parent, _, relation = path.rpartition("__")
            field = parts[parent].model._meta.get_field(relation)
            assert isinstance(field, models.ForeignKey), f"{path} is no forward relation."
            assert not field.null, f"{path} may be empty."
            begins = sum(len(part.names) for part in parts.values())
            parts[path] = _Part(path=path, parent=parent, relation=relation, model=field.related_model, begins=begins)
        return tuple(parts.values())

    @cached_property
    def _sql(self) -> str:
        alias = {part.path: f"t{number}" for number, part in enumerate(self._parts)}
        columns = [f"{alias[part.path]}.{_quoted(name)}" for part in self._parts for name in part.columns]
        joins = [
            f"JOIN {_quoted(part.model._meta.db_table)} {alias[part.path]}"
            f" ON {alias[part.path]}.{_quoted(part.model._meta.pk.column)}"
            f" = {alias[part.parent]}.{_quoted(part.referring_column(self._parts))}"
            for part in self._parts[1:]
        ]
        by = _quoted(_column_of(self.model, self.by))
        locked = ", ".join(alias[path] for path in self.locking)
        return (
            f"SELECT {', '.join(columns)} FROM {_quoted(self.model._meta.db_table)} t0 {' '.join(joins)} "  # noqa: S608
            f"WHERE t0.{by} = %s FOR UPDATE OF {locked}"
        )


@dataclass(frozen=True)
class _Part:
    """One table of a joined row, and where its columns begin."""

    path: str
    parent: str
    relation: str
    model: type[models.Model]
    begins: int

    @cached_property
    def names(self) -> Sequence[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    @cached_property
    def columns(self) -> Sequence[str]:
        return [_column_of(self.model, name) for name in self.names]

    @cached_property
    def _conversions(self) -> Sequence[tuple[int, Callable[..., Any], models.Field[Any, Any]]]:
        return [
            (place, convert, field)
            for place, field in enumerate(self.model._meta.concrete_fields)
            for convert in field.get_db_converters(connection)
        ]

    def referring_column(self, parts: Sequence[_Part]) -> str:
        parent = next(part for part in parts if part.path == self.parent)
        return _column_of(parent.model, self.relation)

    def row_of(self, found: Sequence[Any]) -> models.Model:
        values = list(found[self.begins : self.begins + len(self.names)])
        for place, convert, field in self._conversions:
            values[place] = convert(values[place], field, connection)
        return self.model.from_db(connection.alias, self.names, values)


def _column_of(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    assert field.column is not None, f"{name} has no column."
    return field.column


def _quoted(name: str | None) -> str:
    assert name is not None
    return connection.ops.quote_name(name)
