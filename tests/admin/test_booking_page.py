"""A booking's page tells its whole story, in order, to whoever may look, in a fixed number of statements."""

import re

from bookings.admin.story import records_of, timeline_of
from bookings.admin.story.records import with_everybody
from bookings.models import Booking
from tests.admin.conftest import page_of


def story_of(booking):
    return timeline_of(records_of(with_everybody(Booking.objects).get(pk=booking.pk)))


def told(booking):
    """The kinds of a story's entries with their words, in order."""
    return [(entry.kind, getattr(entry, "what", "")) for entry in story_of(booking)]


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_a_completed_lesson(browses, support, completed):
    assert told(completed) == [
        ("lesson", "The student asked for the lesson."),
        ("accepted", "Checkout"),
        ("ended", "Checkout"),
        ("credits", "Reserved"),
        ("lesson", "The booking is confirmed and holds its time."),
        ("told", ""),
        ("told", ""),
        ("accepted", "Authorization due"),
        ("called", "Hold on the card"),
        ("ended", "Authorization due"),
        ("accepted", "Settlement"),
        ("called", "Charge the card"),
        ("booked", "Card charged"),
        ("called", "Pay the instructor"),
        ("booked", "Instructor paid"),
        ("ended", "Settlement"),
        ("booked", "Settle ended"),
        ("credits", "Consumed"),
        ("lesson", "The lesson counts as given."),
        ("told", ""),
        ("told", ""),
    ]

    page = text_of(browses(support).get(page_of(completed)))

    assert "Lesson completed, paid in full" in page
    assert "Card pays $104.40" in page
    assert "Has $105.60" in page
    assert "Nothing: this booking’s story is at its end." in page
