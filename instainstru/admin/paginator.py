"""Pages of tables that only grow."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNTED = 10_000  # rows; nobody pages further, and counting millions for every page is what makes an admin slow


class BoundedPaginator(Paginator):
    """Counts no further than to `COUNTED`; older rows are found by filters, dates and search."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, COUNTED)

    @property
    def has_more(self) -> bool:
        """Whether there are rows that were not counted."""
        return self._counted > COUNTED

    @cached_property
    def _counted(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the admin pages nothing else
        return rows.order_by()[: COUNTED + 1].count()
