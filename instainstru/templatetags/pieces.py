"""Small pieces of pages that every app draws alike: status pills, form fields, navigation, pages of a list."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# What a state means to the one who reads it; the colour follows the meaning, and the word is always there too.
TONES = {
    "good": {
        "confirmed",
        "completed",
        "authorized",
        "settled",
        "available",
        "sent",
        "active",
        "done",
        "succeeded",
        "won",
    },
    "waiting": {
        "pending",
        "scheduled",
        "in_progress",
        "waiting",
        "reserved",
        "queued",
        "open",
        "planned",
        "unanswered",
    },
    "attention": {
        "payment_method_required",
        "manual_review",
        "locked",
        "frozen",
        "failed",
        "under_review",
        "stuck",
        "halted",
        "contested",
        "refused",
        "action_required",
    },
    "over": {
        "cancelled",
        "no_show",
        "expired",
        "forfeited",
        "revoked",
        "consumed",
        "skipped",
        "absent",
        "closed",
        "lost",
    },
}


@register.simple_tag
def pill(status: str, label: str = "") -> SafeString:
    """Show a state as a pill: `{% pill booking.status %}`, or with words of one's own."""
    tone = next((tone for tone, states in TONES.items() if status in states), "plain")
    words = label or str(status).replace("_", " ").capitalize()
    return format_html('<span class="pill pill-{}">{}</span>', tone, words)


@register.inclusion_tag("pieces/pages.html", takes_context=True)
def page_links(context: template.Context, page: Any, back: str = "Newer", on: str = "Older") -> dict[str, Any]:
    """Show links to the rows before and after those of a `CursorPage`, keeping the rest of the query."""
    request: HttpRequest = context["request"]
    return {
        "back": back,
        "on": on,
        "newer": _with_cursor(request, page.newer) if page.newer else None,
        "older": _with_cursor(request, page.older) if page.older else None,
    }


@register.inclusion_tag("pieces/nav_link.html", takes_context=True)
def nav_link(context: template.Context, name: str, label: str, count: int = 0) -> dict[str, Any]:
    """Show one entry of the navigation, marked on its own page and below it; none if nobody serves that name."""
    try:
        url = reverse(name)
    except NoReverseMatch:
        return {"url": None}
    path = context["request"].path if "request" in context else ""
    is_current = path == url or path.startswith(f"{url}/")
    return {"url": url, "label": label, "count": count, "is_current": is_current}


@register.inclusion_tag("pieces/field.html")
def field_row(field: Any) -> dict[str, Any]:
    """Show one form field: label, control, help and errors, tied together for screen readers."""
    return {"field": field}


def _with_cursor(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
