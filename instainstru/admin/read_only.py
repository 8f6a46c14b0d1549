"""Records that staff look at and the product alone writes."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.db.models import AutoField
from django.http import HttpRequest

from instainstru.admin.columns import NOTHING, shown
from instainstru.admin.paginator import BoundedPaginator


class NobodyWrites:
    """Takes the rights to add, change and delete from everybody, superusers too."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ShowsMoneyAndTime(BaseModelAdmin):
    """Shows amounts in dollars and instants in UTC: in lists, on pages and in inlines alike."""

    empty_value_display = NOTHING

    def get_fields(self, request: HttpRequest, obj: object = None) -> Any:
        """All that is stored, unless the page says what it shows."""
        if self.fields:
            return self.fields
        stored = [field.name for field in self.opts.fields if not isinstance(field, AutoField)]
        return [*stored, *self.readonly_fields]

    def get_fieldsets(self, request: HttpRequest, obj: object = None) -> Any:
        return [
            (title, {**options, "fields": [shown(self.model, name) for name in flatten(options["fields"])]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> Any:
        """All that is shown: Django knows what nobody writes only where it is told so."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class ReadOnlyInline(NobodyWrites, ShowsMoneyAndTime, admin.TabularInline):
    """Rows that belong to a row, to be looked at."""

    can_delete = False
    extra = max_num = 0
    template = "admin/read_only_inline.html"


class ReadOnlyAdmin(NobodyWrites, ShowsMoneyAndTime, admin.ModelAdmin):
    """The base of every admin page whose rows nobody may add, change or delete by hand; all money is such."""

    actions = None
    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counting every choice of every filter, too

    def get_list_display(self, request: HttpRequest) -> Any:
        return [shown(self.model, name) for name in super().get_list_display(request)]
