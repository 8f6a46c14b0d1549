"""Selects that Django's ORM writes once and that are sent as often as they are asked for.

Putting a query together takes the ORM longer than sending it, and making its objects as long again; what every request
asks is therefore put together once. A prepared select gives what its queryset would give, except that a row which
several of its objects refer to is one object for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)


class Given(Expression):
    """Stands in a prepared queryset for what its select is given each time."""

    allowed_default = False

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> Any:
        return "%s", [self]


class Prepared(Generic[Row]):
    """A queryset with `Given` values in its conditions, put together when it is first asked."""

    def __init__(self, queryset: Callable[[], QuerySet[Row]]) -> None:
        self._queryset = queryset
        self._select: _Select | None = None

    def all(self, **given: Any) -> list[Row]:
        """Return what is found in one statement."""
        if self._select is None:  # two threads may both find it so, and put the same together
            self._select = _Select(self._queryset())
        return self._select.objects(given)

    def get(self, **given: Any) -> Row:
        """Return the only one that is found. Raises the model's DoesNotExist or MultipleObjectsReturned."""
        found = self.all(**given)
        if len(found) == 1:
            return found[0]
        model: Any = self._queryset().model
        if found:
            raise model.MultipleObjectsReturned(f"{len(found)} {model._meta.verbose_name_plural} were found: {given}.")
        raise model.DoesNotExist(f"No {model._meta.verbose_name} was found: {given}.")

    def first(self, **given: Any) -> Row | None:
        """Return the first that is found; the queryset has a limit of its own."""
        return next(iter(self.all(**given)), None)


class PreparedValues:
    """The same of a `values_list`, or of a union of some: rows, not objects."""

    def __init__(self, queryset: Callable[[], QuerySet[Any, Any]]) -> None:
        self._queryset = queryset
        self._statement: _Statement | None = None

    def all(self, **given: Any) -> list[Any]:
        """Return what is found in one statement, row by row."""
        if self._statement is None:
            self._statement = _Statement(self._queryset())
        return list(self._statement.rows(given))


class _Statement:
    def __init__(self, queryset: Any) -> None:
        if queryset._prefetch_related_lookups or queryset._known_related_objects:
            raise ValueError("Only what a single statement finds can be prepared.")
        self._compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        self._sql, values = self._compiler.as_sql()
        self._values = [_value(value) for value in values]
        self._converters = self._compiler.get_converters([column[0] for column in self._compiler.select])

    def rows(self, given: dict[str, Any]) -> Iterable[Sequence[Any]]:
        connection = connections[DEFAULT_DB_ALIAS]  # of this thread
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [value(given, connection) for value in self._values])
            found: list[Sequence[Any]] = cursor.fetchall()
        return self._compiler.apply_converters(found, self._converters) if self._converters else found


class _Select(_Statement):
    def __init__(self, queryset: Any) -> None:
        super().__init__(queryset)
        compiler = self._compiler
        self._rows = _Rows(compiler.klass_info, compiler.select, compiler.annotation_col_map)

    def objects(self, given: dict[str, Any]) -> list[Any]:
        return list(self._rows.objects(self.rows(given)))


def _value(value: Any) -> Callable[[dict[str, Any], Any], Any]:
    if not isinstance(value, Given):
        return lambda given, connection: value
    name, field = value.name, value.output_field
    return lambda given, connection: field.get_db_prep_value(given[name], connection)


class _Rows:
    """Makes the objects of one model out of rows, with those that they refer to (cf. django.db.models.query)."""

    def __init__(
        self, kind: dict[str, Any], select: Sequence[Any], annotations: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._model = kind["model"]
        columns = kind["select_fields"]
        self._columns = slice(columns[0], columns[-1] + 1)
        self._names = [select[column][0].target.attname for column in columns]
        self._key = itemgetter(columns[self._names.index(self._model._meta.pk.attname)])
        self._annotations = tuple(annotations.items())
        self._related = [
            (_Rows(related, select), related["local_setter"], related["remote_setter"])
            for related in kind.get("related_klass_infos", ())
        ]

    def objects(self, rows: Iterable[Sequence[Any]]) -> Iterator[Any]:
        made: dict[int, dict[Any, Any]] = {}
        return (self._object(row, made) for row in rows)

    def _object(self, row: Sequence[Any], made: dict[int, dict[Any, Any]]) -> Any:
        found = self._model.__new__(self._model)
        state = found._state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        found.__dict__.update(zip(self._names, row[self._columns], strict=True))
        for name, column in self._annotations:
            setattr(found, name, row[column])
        for related, set_here, set_there in self._related:
            key = related._key(row)
            known = made.setdefault(id(related), {})
            if key is not None and key not in known:
                known[key] = related._object(row, made)
            other = None if key is None else known[key]
            set_here(found, other)
            if other is not None:
                set_there(other, found)
        return found
