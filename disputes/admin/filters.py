"""Filters that ask staff's own questions of cases."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from payments.admin.filters import InWords
from payments.admin.words import PARTIES


class Happened(admin.SimpleListFilter):
    """Whether an instant has come, in words for both."""

    instant: str
    words: dict[bool, str]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("no", self.words[False]), ("yes", self.words[True])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(**{f"{self.instant}__isnull": self.value() == "no"})


class OpenOrClosed(Happened):
    title = "case"
    parameter_name = "closed"
    instant = "resolved_at"
    words = {False: "Open", True: "Closed"}


class Contested(Happened):
    title = "the other side"
    parameter_name = "contested"
    instant = "contested_at"
    words = {False: "Has not contested it", True: "Contests it"}


class Submitted(Happened):
    title = "our evidence"
    parameter_name = "submitted"
    instant = "submitted_at"
    words = {False: "Not submitted", True: "Submitted"}


class ShownBy(InWords):
    words = PARTIES
    called = "shown by"
