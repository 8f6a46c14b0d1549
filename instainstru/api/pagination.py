"""Pages of lists: by cursor, so that a page stays right while rows are added before it."""

from typing import Any

from django.core.exceptions import ValidationError as InvalidValue
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """The newest first, 20 to a page; `page_size` asks for up to 100."""

    ordering = "-id"
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, InvalidValue):  # a cursor that decodes, but holds no position of this list
            raise ValidationError({"cursor": "This cursor is not one of this list's."}) from None
