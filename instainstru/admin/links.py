"""Links to what an app above knows: a booking is found by its reference, which everything about it carries."""

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

BOOKING = "bk_"


def booking_url(reference: str) -> str | None:
    """Return the address of the booking's page that a reference or an operation's name belongs to, or None."""
    if not reference.startswith(BOOKING):
        return None
    try:
        return reverse("admin:booking-of-reference", args=[reference.partition("-")[0]])
    except NoReverseMatch:
        return None


def booking_link(reference: str, words: str = "") -> SafeString | str:
    """Write a reference as a link to its booking's page, which tells the whole story; other text stays as it is."""
    url = booking_url(reference)
    return format_html('<a href="{}">{}</a>', url, words or reference) if url else reference
