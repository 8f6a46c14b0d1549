"""Amounts in templates: `{{ booking.lesson_price_cents|dollars }}`."""

from django import template

from instainstru import money

register = template.Library()


@register.filter
def dollars(cents: int | None) -> str:
    """Write integer cents as dollars; nothing stays nothing."""
    return "" if cents is None else money.dollars(cents)
