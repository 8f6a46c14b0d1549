"""Serializers that only tell, several times quicker than DRF tells.

DRF builds the fields of a serializer and of all that is nested in it anew for each request, and asks each field about
each object. Here a class's fields are built once and shared by all requests, and what is plain in them is read from an
object in one go. The fields stay what they are: the API's description reads them, and whatever is not known to be plain
they tell themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from operator import attrgetter
from types import FunctionType, MethodType
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models.manager import BaseManager
from rest_framework import serializers
from rest_framework.fields import Field, SkipField, is_simple_callable
from rest_framework.relations import PKOnlyObject
from rest_framework.settings import api_settings

Told = TypeVar("Told")
Tell = Callable[[Any], Any]

_context: ContextVar[Mapping[str, Any]] = ContextVar("output_context")


class Out(serializers.Serializer[Told]):
    """A serializer that only tells, in the very words of DRF's own, and instants in UTC.

    `to_representation` and `get_attribute` may be overridden, and see the context of the answer that is being made.
    What they keep on `self` other answers would see, too.
    """

    _shared: _Shared | None = None  # of one that all requests share

    @property
    def context(self) -> Mapping[str, Any]:  # DRF asks the root for it, from far below
        return super().context if self._shared is None else _context.get()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        if self._shared is not None:
            return self._shared.tell(instance)
        shared = _shared_by_all(type(self))._shared
        assert shared is not None
        token = _context.set(self.context)
        try:
            return shared.tell(instance)
        finally:
            _context.reset(token)


class _Shared:
    """How the objects of one serializer are told, prepared once for all requests."""

    def __init__(self, serializer: Out[Any]) -> None:
        self._serializer = serializer
        self._no_answer: dict[str, Any] = {}  # the names in their order
        plain: list[tuple[str, str, type, Tell]] = []
        self._others: list[tuple[str, Tell]] = []
        for name, field in serializer.fields.items():
            if field.write_only:
                continue
            self._no_answer[name] = None
            if _is_attribute(field):
                plain.append((name, ".".join(field.source_attrs), *_as_it_is(field)))
            else:
                self._others.append((name, _asked_of(field)))
        self._plain = [(name, usual, convert) for name, _, usual, convert in plain]
        # Of one name alone a getter gives the value; of two and more a tuple. Every object has a class.
        self._read = attrgetter(*(source for _, source, _, _ in plain), "__class__", "__class__")

    def tell(self, instance: Any) -> dict[str, Any]:
        try:
            if isinstance(instance, Mapping):
                raise AttributeError
            values = self._read(instance)
        except (AttributeError, KeyError, ObjectDoesNotExist):  # DRF knows what stands for what is not there
            return serializers.Serializer.to_representation(self._serializer, instance)
        told = self._no_answer.copy()
        for (name, usual, convert), value in zip(self._plain, values, strict=False):
            told[name] = value if value.__class__ is usual or value is None else convert(value)
        for name, tell in self._others:
            try:
                told[name] = tell(instance)
            except SkipField:
                del told[name]
        return told


class _ContextInUse(Mapping[str, Any]):
    """The context of the answer that is being made, for those that all answers share."""

    def __getitem__(self, key: str) -> Any:
        return _context.get()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_context.get())

    def __len__(self) -> int:
        return len(_context.get())


@functools.cache
def _shared_by_all(kind: type[Out[Any]]) -> Out[Any]:
    root = kind(context=_ContextInUse())
    _share(root)
    return root


def _share(serializer: Out[Any]) -> None:
    for field in serializer.fields.values():
        nested = field.child if isinstance(field, serializers.ListSerializer) else field
        if isinstance(nested, Out):
            _share(nested)
        if isinstance(field, serializers.DateTimeField) and not hasattr(field, "timezone"):
            field.timezone = UTC  # or a zone that happened to be active would show in the answer
    serializer._shared = _Shared(serializer)


def _is_attribute(field: Field[Any, Any, Any, Any]) -> bool:
    """Return whether what a field tells is simply an attribute of the object, or one of an attribute's."""
    return (
        type(field).get_attribute is Field.get_attribute
        and field.source != "*"
        # An object on the way that is a mapping has values by these names, and attributes as well.
        and not any(hasattr(dict, name) for name in field.source_attrs)
    )


def _as_it_is(field: Any) -> tuple[type, Tell]:
    """Return the type of the values that a field tells as they are, and how it tells all others."""

    def convert(value: Any) -> Any:
        if is_simple_callable(value):
            value = value()
        return None if value is None else tell(value)

    tell = _told_by(field)
    if isinstance(field, Out):
        return _Nothing, lambda value: tell(value) if value.__class__ not in _CALLED else convert(value)
    match type(field).to_representation:
        case serializers.CharField.to_representation:
            return str, convert
        case serializers.IntegerField.to_representation:
            return int, convert
        case serializers.BooleanField.to_representation:
            return bool, convert
        case serializers.ChoiceField.to_representation if all(type(choice) is str for choice in field.choices):
            return str, convert
        case serializers.DateTimeField.to_representation if _is_iso(field):
            return _Nothing, lambda value: _written(value) if getattr(value, "tzinfo", None) is UTC else convert(value)
    return _Nothing, convert


class _Nothing:
    """The type of no value."""


_CALLED = frozenset({FunctionType, MethodType, functools.partial})  # what DRF calls instead of telling it


def _asked_of(field: Field[Any, Any, Any, Any]) -> Tell:
    """Return how a field tells of the object itself what is no plain attribute of it."""
    if type(field) is serializers.SerializerMethodField:
        return getattr(field.parent, field.method_name)
    tell, get_attribute = _told_by(field), field.get_attribute

    def ask(instance: Any) -> Any:
        value = get_attribute(instance)
        if (value.pk if isinstance(value, PKOnlyObject) else value) is None:
            return None
        return tell(value)

    return ask


def _told_by(field: Field[Any, Any, Any, Any]) -> Tell:
    if isinstance(field, Out) and type(field).to_representation is Out.to_representation and field._shared is not None:
        return field._shared.tell
    if type(field) is not serializers.ListSerializer or not isinstance(field.child, Out):
        return field.to_representation
    tell = _told_by(field.child)

    def tell_all(values: Any) -> list[Any]:
        return [tell(value) for value in (values.all() if isinstance(values, BaseManager) else values)]

    return tell_all


def _is_iso(field: serializers.DateTimeField) -> bool:
    return getattr(field, "format", api_settings.DATETIME_FORMAT) == "iso-8601" and field.timezone is UTC


def _written(instant: datetime) -> str:
    return f"{instant.isoformat()[:-6]}Z"
