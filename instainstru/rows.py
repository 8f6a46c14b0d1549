"""Rows that know how they were read, so that writing them writes what has changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

from django.db import models


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
            self.save(update_fields=changed)
        self._as_read = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}

    def _changed(self, known: dict[str, Any]) -> Sequence[str]:
        now = self.__dict__
        return [name for name, value in known.items() if now.get(name, value) != value]
