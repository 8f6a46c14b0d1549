"""How many messages wait to be read, for the navigation."""

from typing import Any

from django import template

from instainstru.notifications import queries

register = template.Library()


@register.simple_tag
def unread_messages(user: Any) -> int:
    return queries.unread_count(user) if user.is_authenticated else 0
