"""A booking's page tells its whole story, in order, to whoever may look, in a fixed number of statements."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.html import escape

from bookings.admin.story import records_of, timeline_of
from bookings.admin.story.records import with_everybody
from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from instainstru import clock
from instainstru.models import StaffAction
from instainstru.notifications.models import Message
from tests.admin.conftest import page_of
from tests.bookings.factories import BookingFactory


def story_of(booking):
    return timeline_of(records_of(with_everybody(Booking.objects).get(pk=booking.pk)))


def told(booking):
    """The kinds of a story's entries with their words, in order; messages have a test of their own."""
    return [(entry.kind, getattr(entry, "what", "")) for entry in story_of(booking) if entry.kind != "told"]


def text_of(response):
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# --- The story ----------------------------------------------------------------------------------------------------


def test_a_completed_lesson(completed):
    assert told(completed) == [
        ("lesson", "The student asked for the lesson."),
        ("accepted", "Checkout"),
        ("ended", "Checkout"),
        ("credits", "Reserved"),
        ("lesson", "The booking is confirmed and holds its time."),
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
    ]


def test_a_late_cancellation(cancelled_late):
    story = story_of(cancelled_late)
    accepted = next(entry for entry in story if entry.kind == "accepted" and entry.operation == 3)
    charged = next(entry for entry in story if entry.kind == "called" and entry.what == "Charge the card")

    assert told(cancelled_late)[-11:] == [
        ("accepted", "Student cancels"),
        ("called", "Charge the card"),
        ("booked", "Card charged"),
        ("called", "Take the transfer back"),
        ("booked", "Transfer reversed"),
        ("called", "Pay the instructor"),
        ("booked", "Instructor paid"),
        ("ended", "Student cancels"),
        ("booked", "Student cancel ended"),
        ("credits", "Issued"),
        ("lesson", "The booking is cancelled by the student; its time is free."),
    ]
    assert (accepted.rule, accepted.by, accepted.inputs) == ("P7.3", "Sam Student", (("Reason given", "I am ill."),))
    assert [(call.what, call.amount) for call in accepted.calls] == [
        ("Charge the card", 13_440),
        ("Take the transfer back", 10_560),
        ("Pay the instructor", 5_280),
    ]
    assert (charged.amount, charged.to_instructor, charged.state) == (13_440, 10_560, "succeeded")
    assert charged.object_id == cancelled_late.payment.intent_id
    assert charged.key.startswith(cancelled_late.ref)


def test_a_stuck_cancellation_says_what_stripe_said_and_what_was_booked(stuck):
    story = story_of(stuck)
    refused = next(entry for entry in story if entry.kind == "called" and entry.state == "refused")
    ended = next(entry for entry in story if entry.kind == "ended" and entry.operation == refused.operation)
    booked = next(entry for entry in story if entry.kind == "booked" and entry.what == "Card charged")

    assert (refused.what, refused.error_code) == ("Take the transfer back", "balance_insufficient")
    assert ended.is_stopped
    assert ended.came_of_it == (
        "The payment is frozen: Taking the instructor's transfer back was refused.",
        "$120.00 of credit issued.",
    )
    assert [(line.account, line.debit, line.credit) for line in booked.lines] == [
        ("Platform's balance", 13_020, None),
        ("Stripe's fees", 420, None),
        ("Instructor's balance", 10_560, None),
        ("Held for the booking", None, 13_440),
        ("Platform's balance", None, 10_560),
    ]


def test_a_move_is_told_with_both_times(stage):
    booking = stage.book()
    to = booking.starts_at + timedelta(days=2)
    reschedule_booking(booking=booking, actor=stage.student, new_starts_at=to, now=clock.now())

    [moved] = [entry for entry in story_of(booking) if entry.kind == "moved"]

    assert (moved.from_start, moved.to_start, moved.rule) == (booking.starts_at, to, "P6.1")


def test_messages_are_told_with_what_became_of_them(stage):
    booking = stage.book()
    sent, given_up = Message.objects.filter(reference=booking.ref).order_by("id")
    Message.objects.filter(pk=sent.pk).update(sent_at=clock.now(), next_try_at=None)
    Message.objects.filter(pk=given_up.pk).update(failure="SMTPException: no such box", next_try_at=None)

    first, second = (entry for entry in story_of(booking) if entry.kind == "told")

    assert (first.subject, first.sent_at) == (f"Booked: {booking.service_title} with Ines Instructor", clock.now())
    assert "Ines Instructor" in first.text
    assert second.failure == "SMTPException: no such box"


def test_an_unanswered_call_is_told_as_such(browses, support, stage):
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=18))
    stage.simulator.order_fault("capture", "lost_answer")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    [call] = [entry for entry in story_of(booking) if entry.kind == "called" and entry.what == "Charge the card"]
    page = text_of(browses(support).get(page_of(booking)))

    assert (call.state, call.tries, call.asked_again_at) == ("unanswered", 1, clock.now() + timedelta(minutes=1))
    assert "Student cancels is being carried out: charge the card." in page
    assert "Stripe is asked again: charge the card." in page


def test_what_came_first_stands_first(cancelled_late):
    story = story_of(cancelled_late)

    assert [entry.at for entry in story] == sorted(entry.at for entry in story)


# --- The page -------------------------------------------------------------------------------------------------------


def test_the_head_says_how_it_stands_in_both_zones_and_whose_it_is(browses, support, completed):
    response = browses(support).get(page_of(completed))
    page = text_of(response)

    assert "Completed: the lesson was given." in page
    assert "Lesson completed, paid in full" in page
    assert "Thu, Mar 5, 2026, 10:00 AM – 11:00 AM EST (America/New_York)" in page
    assert "Thu, Mar 5, 2026, 3:00 PM – 4:00 PM UTC" in page
    assert "this booking’s story is at its end" in page
    for link in (
        reverse("admin:accounts_user_change", args=[completed.student_id]),
        reverse("admin:bookings_instructor_change", args=[completed.instructor_id]),
        reverse("admin:payments_payment_change", args=[completed.payment_id]),
    ):
        assert f'href="{link}"' in response.content.decode()


def test_the_money_of_every_side(browses, support, completed):
    page = text_of(browses(support).get(page_of(completed)))

    for row in (
        "Card pays $104.40",
        "Instructor gets $105.60",
        "by a top-up $1.20",
        "Paid $104.40",
        "Spent $30.00",
        "By the charge $104.40",
        "Paid apart $1.20",
        "Has $105.60",
        "Fee income $28.80",
        "Stripe's fees -$3.33",
        "Earned $25.47",
        "Holds for the booking $0.00",
    ):
        assert escape(row) in page


def test_what_happens_next_and_when(browses, support, stage):
    booking = stage.book()

    page = text_of(browses(support).get(page_of(booking)))

    assert "Wed, Mar 4, 2026, 3:00 PM UTC in 2 days $134.40 is held on the card." in page
    assert "The lesson starts." in page
    assert "The lesson is settled: the card is charged $134.40, the instructor is paid $105.60." in page


def test_a_clockwork_that_is_behind_shows(browses, support, stage):
    booking = stage.book()
    stage.stand_at(booking.starts_at - timedelta(hours=3))

    assert "(overdue: the clockwork is behind) $134.40 is held on the card." in text_of(
        browses(support).get(page_of(booking))
    )


def test_a_refused_card_and_who_has_to_act(browses, support, stage):
    booking = stage.book()
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - timedelta(hours=22))

    page = text_of(browses(support).get(page_of(booking)))

    assert "The student has to give another card, or try this one again." in page
    assert "Your card was declined" in page
    assert "Whose fault: the card or its bank." in page
    assert "Still unpaid, it is cancelled by the clockwork." in page


@pytest.mark.parametrize(("who", "most"), [("support", 25), ("finance", 50)])
def test_the_number_of_statements_does_not_grow_with_the_story(
    request, browses, stage, who, most, django_assert_max_num_queries
):
    """Finance is offered what is possible, which is asked of the policy action by action."""
    short = BookingFactory()
    long = stage.book(hours_ahead=200)
    for day in range(2, 6):
        to = long.starts_at + timedelta(days=day)
        reschedule_booking(booking=long, actor=stage.student, new_starts_at=to, now=clock.now())
    browser = browses(request.getfixturevalue(who))

    with django_assert_max_num_queries(most) as first:
        assert browser.get(page_of(short)).status_code == 200
    with django_assert_max_num_queries(most) as second:
        assert browser.get(page_of(long)).status_code == 200

    assert len(story_of(long)) > 25
    assert len(second) - len(first) <= 2  # steps and postings: a story without any reads none


def test_a_reference_leads_to_the_page(browses, support, stage):
    booking = stage.book()
    url = reverse("admin:booking-of-reference", args=[booking.ref])

    assert browses(support).get(url).headers["Location"] == page_of(booking)
    assert browses(support).get(reverse("admin:booking-of-reference", args=["bk_unknown"])).status_code == 404


def test_nothing_is_styled_or_scripted_inline(browses, superuser, stuck):
    """The Content-Security-Policy would drop it."""
    html = browses(superuser).get(page_of(stuck)).content.decode()

    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", html)


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_is_only_read(browses, superuser, stage, method):
    booking = stage.book()

    assert getattr(browses(superuser), method)(page_of(booking), {"status": "cancelled"}).status_code == 403
    booking.refresh_from_db()
    assert booking.status == "confirmed"


# --- Notes ----------------------------------------------------------------------------------------------------------


def write_note(browser, booking, **changes):
    page = browser.get(page_of(booking))
    form = page.context["note_form"]
    body = {"note": "Called; they will come.", "ticket": form["ticket"].value()} | changes
    return browser.post(reverse("admin:bookings_booking_note", args=[booking.pk]), body, follow=True), body


def test_support_leaves_a_note_that_becomes_part_of_the_story(browses, support, stage):
    booking = stage.book()

    response, _ = write_note(browses(support), booking)

    assert "Saul Support wrote a note “Called; they will come.”" in text_of(response)
    note = StaffAction.objects.get()
    assert (note.action, note.subject, note.actor, note.address) == ("note", booking.ref, support, "127.0.0.1")


def test_a_note_sent_twice_is_one_note(browses, support, stage):
    booking, browser = stage.book(), browses(support)
    _, body = write_note(browser, booking)

    again, _ = write_note(browser, booking, **body)

    assert "This note was kept already." in text_of(again)
    assert StaffAction.objects.count() == 1


def test_a_note_says_something(browses, support, stage):
    response, _ = write_note(browses(support), stage.book(), note="  ")

    assert "A note says something" in text_of(response)
    assert not StaffAction.objects.exists()


def test_who_may_not_write_notes_is_not_asked(browses, staff, stage):
    booking = stage.book()
    url = reverse("admin:bookings_booking_note", args=[booking.pk])

    assert browses(staff).post(url, {"note": "Mine", "ticket": "t"}).status_code == 403
    assert browses(staff).get(page_of(booking)).status_code == 403
