"""How amounts, instants, states and pages of lists are shown; references."""

import re
from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from instainstru.accounts.models import User
from instainstru.paging import cursor_page
from instainstru.references import ALPHABET, new_reference
from tests.factories import UserFactory


def drawn(template, **context):
    return Template(template).render(Context(context)).strip()


@pytest.mark.parametrize(
    ("cents", "shown"), [(0, "$0.00"), (5, "$0.05"), (13_440, "$134.40"), (-123_456, "-$1,234.56"), (None, "")]
)
def test_cents_are_shown_as_dollars(cents, shown):
    assert drawn("{{ cents|dollars }}", cents=cents) == shown


BEFORE_DST = datetime(2026, 3, 8, 6, 30, tzinfo=UTC)
AFTER_DST = datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "zone", "shown"),
    [
        (BEFORE_DST, "America/New_York", "Sun, Mar 8, 2026, 1:30 AM EST"),
        (AFTER_DST, "America/New_York", "Sun, Mar 8, 2026, 3:30 AM EDT"),
        (BEFORE_DST, "America/Sao_Paulo", "Sun, Mar 8, 2026, 3:30 AM UTC-03"),
        (None, "UTC", ""),
    ],
)
def test_an_instant_is_shown_in_a_zone_with_its_name(instant, zone, shown):
    assert drawn("{{ instant|in_zone:zone }}", instant=instant, zone=zone) == shown


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        (datetime(2026, 3, 8, 4, 0, tzinfo=UTC), "Sat, Mar 7, 2026, 10:00 PM – 11:00 PM EST"),
        (datetime(2026, 3, 8, 6, 0, tzinfo=UTC), "Sat, Mar 7, 2026, 10:00 PM EST – Sun, Mar 8, 2026, 1:00 AM EST"),
    ],
)
def test_a_span_names_its_day_once_if_it_can(end, shown):
    start = datetime(2026, 3, 8, 3, 0, tzinfo=UTC)

    assert drawn("{% span_in_zone start end zone %}", start=start, end=end, zone="America/New_York") == shown


def test_an_instant_can_be_read_by_machines_too():
    shown = drawn("{{ instant|time_element:'UTC' }}", instant=BEFORE_DST)

    assert shown == '<time datetime="2026-03-08T06:30:00+00:00">Sun, Mar 8, 2026, 6:30 AM UTC</time>'


@pytest.mark.parametrize(
    ("status", "tone"),
    [
        ("confirmed", "good"),
        ("scheduled", "waiting"),
        ("manual_review", "attention"),
        ("no_show", "over"),
        ("?", "plain"),
    ],
)
def test_a_state_is_a_word_in_the_colour_of_its_meaning(status, tone):
    words = status.replace("_", " ").capitalize()

    assert drawn("{% pill status %}", status=status) == f'<span class="pill pill-{tone}">{words}</span>'


def test_a_state_is_text_and_nothing_else():
    assert "<b>" not in drawn("{% pill status %}", status="<b>")


# --- Pages of lists -----------------------------------------------------------------------------------------------


def names_and_links(url):
    request = RequestFactory().get(url)
    page = cursor_page(User.objects.all(), request, size=2)
    links = drawn("{% page_links page %}", page=page, request=request)
    found = {rel: link.replace("&amp;", "&") for link, rel in re.findall(r'href="([^"]+)" rel="(\w+)"', links)}
    return [user.name for user in page.rows], found


@pytest.mark.django_db
def test_pages_lead_down_and_up_again_and_keep_the_rest_of_the_query():
    for number in range(5):
        UserFactory(name=f"u{number}")

    first, down = names_and_links("/?status=open")
    second, middle = names_and_links(f"/{down['next']}")
    third, up = names_and_links(f"/{middle['next']}")
    again, _ = names_and_links(f"/{up['prev']}")
    top, at_the_top = names_and_links(f"/{middle['prev']}")

    assert [first, second, third, again, top] == [["u4", "u3"], ["u2", "u1"], ["u0"], ["u2", "u1"], ["u4", "u3"]]
    assert "status=open" in middle["next"]
    assert "prev" not in down
    assert "next" not in up
    assert "prev" not in at_the_top


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["", "nonsense", "before-", "after-x", "sideways-3", "before-99999999999999999999"])
def test_a_cursor_that_means_nothing_shows_the_first_page(cursor):
    UserFactory(name="u0")

    assert names_and_links(f"/?cursor={cursor}")[0] == ["u0"]


# --- References ---------------------------------------------------------------------------------------------------


def test_references_are_told_apart_and_read_aloud():
    references = {new_reference("bk") for _ in range(1000)}

    assert len(references) == 1000
    assert all(re.fullmatch(rf"bk_[{ALPHABET}]{{16}}", reference) for reference in references)
    assert not set("ilou") & set(ALPHABET)
