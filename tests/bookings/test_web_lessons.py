"""A user's lessons on the pages: lists, one lesson in every state for either side, and what can be done with it."""

from datetime import timedelta

import pytest
from django.urls import reverse

from bookings.models import Booking
from bookings.operations import cancel_booking, mark_complete
from instainstru import clock
from payments import operations as payments
from payments.policy.states import Bearer
from tests.pages import hidden_in, links_in, signed_in, words_of


@pytest.fixture
def student_says(stage):
    """What the page of a booking says to its student."""
    return lambda booking: words_of(signed_in(stage.student).get(page(booking)))


@pytest.fixture
def instructor_says(stage):
    return lambda booking: words_of(signed_in(stage.instructor).get(page(booking)))


def page(booking: Booking, name: str = "booking") -> str:
    return reverse(name, args=[booking.ref])


class TestLists:
    def shown(self, user, show):
        answer = signed_in(user).get(reverse("bookings"), {"show": show})
        return [booking.ref for booking, _ in answer.context["rows"]]

    def test_each_lesson_is_where_it_belongs(self, stage):
        soon, later = stage.book(hours_ahead=30), stage.book(hours_ahead=60)
        cancelled = stage.book(hours_ahead=90)
        cancel_booking(booking=cancelled, actor=stage.student, now=clock.now())
        given = stage.book(hours_ahead=2)
        stage.use_card("declined")
        refused = stage.book(hours_ahead=5)
        stage.stand_at(clock.now() + timedelta(hours=4))

        assert self.shown(stage.student, "upcoming") == [refused.ref, soon.ref, later.ref]
        assert self.shown(stage.student, "past") == [cancelled.ref, given.ref]
        assert self.shown(stage.student, "attention") == [refused.ref]
        assert self.shown(stage.instructor, "upcoming") == [soon.ref, later.ref]  # nobody told them of the other
        assert self.shown(stage.instructor, "attention") == [given.ref]
        assert self.shown(stage.student, "anything") == self.shown(stage.student, "upcoming")

    def test_long_lists_have_pages_in_the_order_of_the_lessons(self, stage):
        for hours in range(25, 49):
            stage.book(hours_ahead=hours)
        client, seen, url = signed_in(stage.student), [], reverse("bookings")
        while url:
            answer = client.get(url)
            seen += [booking.starts_at for booking, _ in answer.context["rows"]]
            older = answer.context["page"].older
            url = older and f"{reverse('bookings')}?cursor={older}"

        assert len(seen) == 24
        assert seen == sorted(seen)

    def test_empty_lists_say_so(self, stage):
        for show, said in [("upcoming", "No lessons are coming up."), ("attention", "Nothing needs you.")]:
            assert said in words_of(signed_in(stage.student).get(reverse("bookings"), {"show": show}))


class TestHomes:
    def test_a_student_sees_what_comes_and_what_cannot_wait(self, stage):
        stage.book(hours_ahead=30)
        stage.use_card("declined")
        refused = stage.book(hours_ahead=5)
        stage.give_credit(2_500)

        answer = signed_in(stage.student).get("/")

        said = words_of(answer)
        assert "$25.00 of credit" in said
        assert "You have until Mon, Mar 2, 2026, 7:30 AM PST (30 minutes left)" in said
        assert page(refused, "booking-pay") in links_in(answer)
        assert said.count("with Ines Instructor") == 1  # what is not booked is no next lesson

    def test_an_instructor_sees_today_apart_from_later(self, stage):
        today, tomorrow = stage.book(hours_ahead=5), stage.book(hours_ahead=30)
        given = stage.book(hours_ahead=1)
        stage.stand_at(given.ends_at)

        context = signed_in(stage.instructor).get("/").context

        assert [[booking for booking, _ in context[name]] for name in ("wanting", "today", "later")] == [
            [given],
            [today],
            [tomorrow],
        ]


class TestALesson:
    def test_that_is_booked_says_what_it_costs_what_comes_next_and_what_cancelling_does(self, stage, student_says):
        stage.give_credit(2_000)
        booking = stage.book(hours_ahead=72, credits=2_000)

        said = student_says(booking)

        assert "Your lesson is booked." in said
        assert "Thu, Mar 5, 2026, 10:00 AM – 11:00 AM EST" in said
        assert "Thu, Mar 5, 2026, 7:00 AM – 8:00 AM PST" in said
        assert "Lesson $120.00 Booking protection fee, 12% $14.40 Credits -$20.00 Your card pays $114.40" in said
        assert "Wed, Mar 4, 2026, 7:00 AM PST $114.40 is held on Visa ending in 4242." in said
        assert "Fri, Mar 6, 2026, 8:00 AM PST Visa ending in 4242 is charged $114.40." in said
        assert (
            "If you cancel until Wed, Mar 4, 2026, 7:00 AM PST Your card is not charged. $20.00 goes back to your "
            "credits. If you cancel until Wed, Mar 4, 2026, 7:00 PM PST Your card is charged $114.40. $20.00 goes back "
            "to your credits. You get $100.00 in new credits. If you cancel until Thu, Mar 5, 2026, 7:00 AM PST Your "
            "card is charged $114.40. $20.00 goes back to your credits. You get $40.00 in new credits."
        ) in said

    def test_shows_its_instructor_the_pay_and_not_the_students_card(self, stage, instructor_says):
        booking = stage.book(hours_ahead=72)

        said = instructor_says(booking)

        assert "Lesson $120.00 Our fee, 12% -$14.40 For you $105.60" in said
        assert "You are paid $105.60." in said
        assert "Visa" not in said
        assert "protection fee" not in said

    def test_whose_card_is_held_says_so(self, stage, student_says):
        booking = stage.book(hours_ahead=20)

        said = student_says(booking)

        assert "So far Held on your card $134.40" in said
        assert "What has happened Mon, Mar 2, 2026, 7:00 AM PST The lesson was booked." in said
        assert "$134.40 was held on your card." in said

    def test_that_took_place_is_paid_for(self, stage, student_says, instructor_says):
        booking = stage.book(hours_ahead=20)
        stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)

        assert "The lesson took place and is paid for." in student_says(booking)
        assert "$134.40 was charged to your card." in student_says(booking)
        assert "The lesson took place and you are paid." in instructor_says(booking)
        assert "$105.60 was paid to you." in instructor_says(booking)

    def test_tells_the_instructor_what_a_refund_took_back(self, stage, staff, instructor_says):
        stage.give_credit(5_000)
        booking = stage.book(credits=5_000)  # so that the pay has come in two parts, and goes in two
        stage.travel_to(booking.ends_at + timedelta(hours=25))
        payments.refund_by_staff(
            payment_id=booking.payment_id,
            actor=staff,
            cents=None,
            bearer=Bearer.INSTRUCTOR,
            reason="The lesson was cut short.",
            now=clock.now(),
        )

        told = instructor_says(booking)
        assert told.index("$105.60 was paid to you.") < told.index("$105.60 was taken back from you.")

    def test_whose_card_was_refused_leads_to_paying(self, stage, student_says, instructor_says):
        booking = stage.book(hours_ahead=30)
        stage.use_card("declined")
        stage.travel(hours=6.5)

        assert "Your lesson is booked, but your card was refused when it was to be held." in student_says(booking)
        assert "Please see to it by Tue, Mar 3, 2026, 1:00 AM PST" in student_says(booking)
        assert "$134.40 is tried again on Visa ending in 0341." in student_says(booking)
        assert page(booking, "booking-pay") in links_in(signed_in(stage.student).get(page(booking)))
        assert "The student's card was refused." in instructor_says(booking)
        assert page(booking, "booking-pay") not in links_in(signed_in(stage.instructor).get(page(booking)))

    def test_that_was_never_paid_for_is_over(self, stage, student_says, instructor_says):
        booking = stage.book(hours_ahead=30)
        stage.use_card("declined")
        stage.travel(hours=19)

        assert "It was cancelled because it was not paid for in time." in student_says(booking)
        assert "It was cancelled because it was not paid for in time." in instructor_says(booking)

    def test_whose_call_is_unanswered_is_in_progress(self, stage, student_says):
        booking = stage.book(hours_ahead=20)
        stage.simulator.order_fault("capture", "timeout_before", times="always")

        cancel_booking(booking=booking, actor=stage.student, now=clock.now())

        said = student_says(booking)
        assert "In progress." in said
        assert "Look again" in said
        assert "Cancelled" in said


class TestMarkingComplete:
    def test_is_offered_from_the_end_on_to_the_instructor_alone(self, stage, student_says, instructor_says):
        booking = stage.book(hours_ahead=2)
        assert "Mark complete" not in instructor_says(booking)

        stage.stand_at(booking.ends_at)

        assert "Mark complete" in instructor_says(booking)
        assert "Mark complete" not in student_says(booking)

    def test_changes_the_lesson_and_says_when_the_pay_comes(self, stage):
        booking = stage.book(hours_ahead=2)
        stage.stand_at(booking.ends_at)

        answer = signed_in(stage.instructor).post(page(booking, "booking-complete"), follow=True)

        said = words_of(answer)
        assert answer.redirect_chain == [(page(booking), 302)]
        assert "Marked complete. You are paid a day after the lesson's end." in said
        assert "You marked it complete." in said

    def test_too_soon_or_twice_is_refused_with_what_can_be_done(self, stage):
        booking = stage.book(hours_ahead=2)
        browser = signed_in(stage.instructor)

        early = browser.post(page(booking, "booking-complete"))
        stage.stand_at(booking.ends_at)
        mark_complete(booking=booking, now=clock.now())
        twice = browser.post(page(booking, "booking-complete"))

        assert (early.status_code, twice.status_code) == (409, 409)
        assert "The lesson has not ended yet. Mark it complete from its end on. Back to the lesson" in words_of(early)
        assert "The lesson is completed." in words_of(twice)


class TestCancelling:
    @pytest.mark.parametrize(
        ("hours", "sentence", "amounts"),
        [
            (72, "Your card is not charged.", "Charged to your card $0.00"),
            (
                20,
                "Your card is charged $134.40. You get $120.00 in new credits.",
                "Charged to your card $134.40 New credit, good for a year $120.00",
            ),
            (
                5,
                "Your card is charged $134.40. You get $60.00 in new credits.",
                "Charged to your card $134.40 New credit, good for a year $60.00",
            ),
        ],
    )
    def test_shows_a_student_the_plan_and_does_it(self, stage, hours, sentence, amounts):
        booking, browser = stage.book(hours_ahead=hours), signed_in(stage.student)

        shown = browser.get(page(booking, "booking-cancel"))
        said = words_of(shown)
        assert sentence in said
        assert amounts in said
        assert said.index("Keep lesson") < said.rindex("Cancel lesson")

        answer = browser.post(page(booking, "booking-cancel"), hidden_in(shown) | {"reason": " I am ill. "})
        assert answer.url == page(booking)
        booking.refresh_from_db()
        assert (booking.status, booking.cancelled_by, booking.cancellation_reason) == (
            "cancelled",
            "student",
            "I am ill.",
        )
        assert "The lesson is cancelled." in words_of(browser.get(answer.url))

    def test_shows_an_instructor_what_it_means_for_them(self, stage):
        booking, browser = stage.book(hours_ahead=5), signed_in(stage.instructor)

        shown = browser.get(page(booking, "booking-cancel"))
        assert "The lesson is cancelled and the student pays nothing. You are not paid." in words_of(shown)
        assert "Paid to you $0.00" in words_of(shown)

        browser.post(page(booking, "booking-cancel"), hidden_in(shown))
        booking.refresh_from_db()
        assert (booking.cancelled_by, booking.payment.settlement_outcome) == (
            "instructor",
            "instructor_cancel_full_refund",
        )

    @pytest.mark.rule("P7.11")
    def test_is_offered_while_money_waits_for_staff(self, stage, student_says, instructor_says):
        booking, browser = stage.book(hours_ahead=18), signed_in(stage.student)
        stage.simulator.order_fault("reverse", "refuse")
        there = f"{page(booking, 'booking-move')}?to=2026-03-06T17:00Z"
        browser.post(there, hidden_in(browser.get(there)))
        booking.payment.refresh_from_db()
        assert booking.payment.is_stopped

        assert "Move lesson" not in student_says(booking)
        for said in (student_says(booking), instructor_says(booking)):
            assert "Cancel lesson" in said
        assert "You get $120.00 in new credits" in student_says(booking)
        browser.post(page(booking, "booking-cancel"), hidden_in(browser.get(page(booking, "booking-cancel"))))
        booking.refresh_from_db()
        assert (booking.status, booking.cancelled_by) == ("cancelled", "student")

    def test_a_second_click_and_a_reload_change_nothing_more(self, stage):
        booking, browser = stage.book(hours_ahead=5), signed_in(stage.student)
        form = hidden_in(browser.get(page(booking, "booking-cancel")))

        answers = [browser.post(page(booking, "booking-cancel"), form) for _ in range(3)]
        looked_again = browser.get(page(booking, "booking-cancel"))

        assert {answer.url for answer in [*answers, looked_again]} == {page(booking)}
        assert booking.payment.operations.filter(kind="student_cancel").count() == 1
        assert stage.disorder() == []

    def test_a_window_that_has_passed_is_shown_before_it_is_done(self, stage):
        booking, browser = stage.book(hours_ahead=12), signed_in(stage.student)
        form = hidden_in(browser.get(page(booking, "booking-cancel"))) | {"reason": "I am ill."}
        stage.stand_at(clock.now() + timedelta(seconds=1))

        stale = browser.post(page(booking, "booking-cancel"), form)

        booking.refresh_from_db()
        assert stale.status_code == 409
        assert booking.status == "confirmed"
        said = words_of(stale)
        assert "What this would do has changed since it was shown." in said
        assert "You get $60.00 in new credits." in said
        assert "I am ill." in said
        assert browser.post(page(booking, "booking-cancel"), hidden_in(stale)).url == page(booking)

    def test_nothing_is_cancelled_that_was_not_shown(self, stage):
        booking = stage.book(hours_ahead=72)

        answer = signed_in(stage.student).post(page(booking, "booking-cancel"))

        booking.refresh_from_db()
        assert (answer.status_code, booking.status) == (409, "confirmed")

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_after_the_start_a_student_is_told_what_to_do_instead(self, stage, method):
        booking = stage.book(hours_ahead=2)
        stage.stand_at(booking.starts_at)

        answer = getattr(signed_in(stage.student), method)(page(booking, "booking-cancel"))

        assert answer.status_code == 409
        assert "The lesson has already started. If somebody did not come, report a no-show" in words_of(answer)
        assert page(booking) in links_in(answer)

    def test_an_unanswered_call_is_told_as_on_its_way(self, stage):
        booking, browser = stage.book(hours_ahead=5), signed_in(stage.student)
        form = hidden_in(browser.get(page(booking, "booking-cancel")))
        stage.simulator.order_fault("capture", "timeout_before", times="always")

        answer = browser.post(page(booking, "booking-cancel"), form, follow=True)

        assert "The lesson is cancelled. Its money is still on its way." in words_of(answer)


class TestPaying:
    def test_a_lesson_that_is_paid_for_wants_nothing(self, stage):
        booking, browser = stage.book(hours_ahead=20), signed_in(stage.student)

        assert browser.get(page(booking, "booking-pay")).url == page(booking)
        answer = browser.post(page(booking, "booking-pay"))
        assert answer.status_code == 409
        assert "The money of this booking has been settled." in words_of(answer)

    def test_a_card_that_works_again_pays_and_the_lesson_stays_booked(self, stage):
        booking, browser = stage.book(hours_ahead=30), signed_in(stage.student)
        stage.use_card("declined")
        stage.travel(hours=7)
        said = words_of(browser.get(page(booking, "booking-pay")))
        assert "The lesson is booked, but it has to be paid for." in said
        assert "You have until Tue, Mar 3, 2026, 1:00 AM PST ; then the lesson is cancelled, at no cost." in said

        stage.use_card("ok")
        answer = browser.post(page(booking, "booking-pay"), follow=True)

        assert "Thank you, the payment is through." in words_of(answer)
        assert "Held on your card $134.40" in words_of(answer)

    def test_a_bank_that_asks_while_nobody_is_there_is_answered_later(self, stage):
        booking, browser = stage.book(hours_ahead=30), signed_in(stage.student)
        stage.use_card("requires_3ds")
        stage.travel(hours=6.5)
        said = words_of(browser.get(page(booking, "booking-pay")))
        assert "Your bank wants you to confirm" in said
        assert "Confirm with your bank" in said

        asked = browser.post(page(booking, "booking-pay"), follow=True)

        booking.payment.refresh_from_db()
        assert booking.payment.pending_intent_url in links_in(asked)
        stage.simulator.finish_3ds(booking.payment.pending_intent_id)
        answer = browser.get(page(booking, "booking-paid"), follow=True)
        assert "Thank you, the payment is through." in words_of(answer)

    def test_what_is_owed_long_after_the_lesson_can_be_paid(self, stage, student_says):
        booking, browser = stage.book(hours_ahead=20), signed_in(stage.student)
        stage.simulator.order_fault("capture", "refuse", times="always")
        stage.simulator.order_fault("authorize", "refuse", times="always")
        stage.travel_to(booking.ends_at + timedelta(hours=24 + 73))

        assert "You owe $134.40; until it is paid nothing new can be booked." in student_says(booking)
        listed = browser.get(reverse("bookings"), {"show": "attention"})
        assert page(booking) in links_in(listed)
        assert "The lesson is over, and it is still to be paid for." in words_of(
            browser.get(page(booking, "booking-pay"))
        )

        for call in ("capture", "authorize"):
            stage.simulator.order_fault(call, "none")
        answer = browser.post(page(booking, "booking-pay"), follow=True)

        assert "Thank you, the payment is through." in words_of(answer)
        assert "Charged to your card $134.40" in words_of(answer)

    def test_a_debt_that_the_bank_asks_about_is_told_as_charged(self, stage, student_says):
        booking = stage.book(hours_ahead=20)
        stage.simulator.order_fault("capture", "refuse", times="always")
        stage.simulator.order_fault("authorize", "refuse", times="always")
        stage.travel_to(booking.ends_at + timedelta(hours=24 + 73))
        for call in ("capture", "authorize"):
            stage.simulator.order_fault(call, "none")
        stage.use_card("requires_3ds")

        browser = signed_in(stage.student)
        browser.post(page(booking, "booking-pay"))
        booking.payment.refresh_from_db()
        stage.simulator.finish_3ds(booking.payment.pending_intent_id)
        browser.get(page(booking, "booking-paid"))

        told = student_says(booking)
        assert "$134.40 was charged to your card." in told[told.index("Your bank wanted you to confirm") :]


class TestMoving:
    def test_offers_the_instructors_free_times_but_its_own(self, stage):
        booking, browser = stage.book(hours_ahead=72), signed_in(stage.student)

        answer = browser.get(page(booking, "booking-move"), {"week": "2026-03-05"})

        links = links_in(answer)
        assert f"{page(booking, 'booking-move')}?to=2026-03-05T15:15Z" in links  # it does not stand in its own way
        assert "Keep it where it is" in words_of(answer)

    def test_shows_what_moving_does_and_moves(self, stage):
        booking, browser = stage.book(hours_ahead=72), signed_in(stage.student)
        there = f"{page(booking, 'booking-move')}?to=2026-03-06T17:00Z"

        shown = browser.get(there)
        assert "The lesson moves. $134.40 will be held on your card 24 hours before the new start." in words_of(shown)
        answers = [browser.post(there, hidden_in(shown), follow=True) for _ in range(2)]

        booking.refresh_from_db()
        assert f"{booking.starts_at:%Y-%m-%dT%H:%MZ}" == "2026-03-06T17:00Z"
        assert "The lesson is moved." in words_of(answers[0])
        assert (
            "The lesson was moved from Thu, Mar 5, 2026, 10:00 AM EST to Fri, Mar 6, 2026, 12:00 PM EST."
        ) in words_of(answers[1])
        assert booking.moves.count() == 1

    def test_inside_a_day_says_that_it_charges_and_can_be_done_once(self, stage):
        booking, browser = stage.book(hours_ahead=20), signed_in(stage.student)
        there = f"{page(booking, 'booking-move')}?to=2026-03-06T17:00Z"

        shown = browser.get(there)
        said = words_of(shown)
        assert "your card is charged $134.40 now. It can't be moved again" in said
        assert "Charged to your card $134.40" in said
        browser.post(there, hidden_in(shown))

        again = browser.get(page(booking, "booking-move"))
        assert again.status_code == 409
        assert "can't be moved again" in words_of(again)
        assert "Move lesson" not in words_of(browser.get(page(booking)))

    def test_a_preview_that_is_stale_is_shown_anew(self, stage):
        booking, browser = stage.book(hours_ahead=24), signed_in(stage.student)
        there = f"{page(booking, 'booking-move')}?to=2026-03-06T17:00Z"
        form = hidden_in(browser.get(there))
        stage.stand_at(clock.now() + timedelta(seconds=1))

        stale = browser.post(there, form)

        booking.refresh_from_db()
        assert stale.status_code == 409
        assert not booking.moves.exists()
        assert "your card is charged $134.40 now" in words_of(stale)

    def test_a_refused_card_leaves_the_lesson_where_it_was(self, stage):
        booking, browser = stage.book(hours_ahead=72), signed_in(stage.student)
        stage.use_card("declined")
        there = f"{page(booking, 'booking-move')}?to=2026-03-03T05:00Z"

        answer = browser.post(there, hidden_in(browser.get(there)))

        booking.refresh_from_db()
        assert answer.status_code == 402
        assert not booking.moves.exists()
        assert "The card was declined." in words_of(answer)
        assert links_in(answer)[0].startswith(f"{reverse('card')}?next=")

    def test_a_time_that_is_taken_leads_to_others(self, stage):
        booking, browser = stage.book(hours_ahead=72), signed_in(stage.student)
        stage.book(hours_ahead=98)
        there = f"{page(booking, 'booking-move')}?to={clock.now() + timedelta(hours=98):%Y-%m-%dT%H:%MZ}"

        answer = browser.post(there, hidden_in(browser.get(there)))

        assert answer.status_code == 409
        assert page(booking, "booking-move") in links_in(answer)

    @pytest.mark.parametrize("to", ["soon", "2026-03-06T17:00", "2026-13-06T17:00Z"])
    def test_a_time_that_is_none_asks_for_one(self, stage, to):
        booking = stage.book(hours_ahead=72)

        answer = signed_in(stage.student).get(page(booking, "booking-move"), {"to": to})

        assert "Move your lesson" in words_of(answer)
