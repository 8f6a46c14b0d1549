"""Booking on the pages: the quote, the agreement to exactly that quote, and what follows on the bank's answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.urls import reverse

from bookings.models import Booking, Service
from instainstru import clock
from payments.models import Payer
from tests.factories import UserFactory
from tests.pages import hidden_in, links_in, signed_in, words_of


@pytest.fixture
def browser(stage):
    return signed_in(stage.student)


def lesson(stage, *, hours: float = 72, minutes: int = 60, **more: str) -> str:
    """The address of the page on which a lesson of the stage's service is booked."""
    at = f"{clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%MZ}"
    return f"{reverse('checkout')}?{urlencode({'service': stage.service.ref, 'minutes': minutes, 'at': at, **more})}"


def agree(browser, page: str, **changed: str):
    """Look at a quote and agree to it."""
    return browser.post(page, hidden_in(browser.get(page)) | changed)


class TestTheQuote:
    def test_itemises_what_the_lesson_costs_and_when_the_card_pays(self, stage, browser):
        said = words_of(browser.get(lesson(stage)))

        assert "Lesson, 60 minutes $120.00" in said
        assert "Booking protection fee, 12% $14.40" in said
        assert "Your card pays $134.40" in said
        assert "Visa ending in 4242" in said
        assert "Held on Wed, Mar 4, 2026, 7:00 AM PST" in said
        assert "Charged on Fri, Mar 6, 2026, 8:00 AM PST" in said
        assert "Thu, Mar 5, 2026, 10:00 AM – 11:00 AM EST" in said
        assert "Thu, Mar 5, 2026, 7:00 AM – 8:00 AM PST" in said

    def test_inside_a_day_holds_the_card_now(self, stage, browser):
        said = words_of(browser.get(lesson(stage, hours=20)))

        assert "Held now $134.40" in said
        assert "The lesson is booked once your bank agrees." in said

    @pytest.mark.parametrize(
        ("chosen", "credits", "card"),
        [({}, "$50.00", "$84.40"), ({"credits": "20"}, "$20.00", "$114.40"), ({"credits": ""}, None, "$134.40")],
    )
    def test_uses_as_much_credit_as_is_chosen_and_all_of_it_unless_told(self, stage, browser, chosen, credits, card):
        stage.give_credit(5_000)

        said = words_of(browser.get(lesson(stage, **chosen)))

        assert f"Your card pays {card}" in said
        assert (f"Credits −{credits}" in said) == (credits is not None)

    def test_credit_never_pays_the_fee(self, stage, browser):
        stage.give_credit(50_000)

        said = words_of(browser.get(lesson(stage)))

        assert "You can use up to $120.00 of credit" in said
        assert "Your card pays $14.40" in said

    @pytest.mark.parametrize(
        ("chosen", "fault"), [("60", "You can use at most $50.00"), ("much", "Write an amount in dollars")]
    )
    def test_credit_that_cannot_be_used_is_named(self, stage, browser, chosen, fault):
        stage.give_credit(5_000)

        said = words_of(browser.get(lesson(stage, credits=chosen)))

        assert fault in said
        assert "Your card pays $134.40" in said

    def test_a_student_without_a_card_saves_one_first(self, stage):
        page = lesson(stage)

        answer = signed_in(UserFactory()).get(page)

        assert "Save a card first, then you can book." in words_of(answer)
        assert f"{reverse('card')}?{urlencode({'next': page}, safe='/')}" in links_in(answer)

    def test_a_time_that_is_taken_is_told_at_once(self, stage, browser):
        booked = stage.book(hours_ahead=72, student=stage.student)

        answer = browser.get(lesson(stage))

        assert answer.status_code == 409
        assert "That time is not free any more. Choose another time." in words_of(answer)
        assert reverse("instructor-page", args=[booked.instructor.ref]) in links_in(answer)[0]

    def test_a_time_that_is_over_is_told(self, stage, browser):
        answer = browser.get(lesson(stage, hours=-1))

        assert answer.status_code == 409
        assert "The lesson has already started." in words_of(answer)

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"service": "svc_nothing"},
            {"minutes": "75"},
            {"minutes": "soon"},
            {"at": "tomorrow"},
            {"at": "2026-03-05T15:00"},
            {"at": "2026-13-45T15:00Z"},
        ],
    )
    def test_a_lesson_that_does_not_exist_is_not_found(self, stage, browser, query):
        whole = {"service": stage.service.ref, "minutes": 60, "at": "2026-03-05T15:00Z"}

        assert browser.get(reverse("checkout"), whole | query if query else {}).status_code == 404


class TestBooking:
    def test_a_day_ahead_the_lesson_is_booked_at_once(self, stage, browser):
        answer = agree(browser, lesson(stage), note="I know three chords.")

        booking = Booking.objects.get()
        assert answer.url == reverse("booking", args=[booking.ref])
        assert (booking.status, booking.payment.status) == ("confirmed", "scheduled")
        assert booking.student_note == "I know three chords."
        assert "Your lesson is booked." in words_of(browser.get(answer.url))

    def test_inside_a_day_the_card_is_held(self, stage, browser):
        agree(browser, lesson(stage, hours=20, credits="0"))

        booking = Booking.objects.get()
        assert (booking.status, booking.payment.status) == ("confirmed", "authorized")
        assert booking.payment.authorized_cents == 13_440

    def test_credit_is_reserved_as_it_was_agreed(self, stage, browser):
        stage.give_credit(5_000)

        agree(browser, lesson(stage, credits="20.00"))

        assert Booking.objects.get().payment.credits_cents == 2_000

    def test_a_second_click_and_a_reload_book_nothing_more(self, stage, browser):
        page = lesson(stage)
        form = hidden_in(browser.get(page))

        first, second = (browser.post(page, form) for _ in range(2))

        assert Booking.objects.count() == 1
        assert first.url == second.url

    def test_two_clicks_at_the_same_instant_are_one_lesson(self, stage):
        page, browsers = lesson(stage), [signed_in(stage.student) for _ in range(4)]
        form = hidden_in(browsers[0].get(page))

        def click(browser):
            try:
                return browser.post(page, form).url
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=len(browsers)) as threads:
            led_to = set(threads.map(click, browsers))

        assert led_to == {reverse("booking", args=[Booking.objects.get().ref])}

    def test_what_the_form_books_is_what_it_showed(self, stage, browser):
        """The price has changed since; nothing moves yet, and still it is asked again (P5.1)."""
        page = lesson(stage)
        form = hidden_in(browser.get(page)) | {"note": "Please in C major"}
        Service.objects.filter(pk=stage.service.pk).update(hourly_price_cents=20_000)

        stale = browser.post(page, form)

        assert stale.status_code == 409
        assert not Booking.objects.exists()
        said = words_of(stale)
        assert "What this would do has changed since it was shown." in said
        assert "Your card pays $224.00" in said
        assert "Please in C major" in said

        agreed = browser.post(page, hidden_in(stale) | {"note": "Please in C major"})
        assert agreed.url == reverse("booking", args=[Booking.objects.get().ref])

    def test_a_window_that_has_passed_is_asked_again(self, stage, browser):
        """P3.1: shown as early, agreed to as middle."""
        page = lesson(stage, hours=24)
        form = hidden_in(browser.get(page))
        stage.stand_at(clock.now() + timedelta(minutes=1))

        answer = browser.post(page, form)

        assert answer.status_code == 409
        assert "Held now" in words_of(answer)

    def test_credit_that_was_spent_meanwhile_is_asked_again(self, stage, browser):
        stage.give_credit(5_000)
        page = lesson(stage)
        form = hidden_in(browser.get(page))
        stage.book(hours_ahead=100, credits=4_000)

        answer = browser.post(page, form)

        assert answer.status_code == 409
        assert Booking.objects.count() == 1
        assert "You can use at most $10.00" in words_of(answer)

    @pytest.mark.parametrize("gone", ["preview", "token", "credits"])
    def test_a_form_that_was_tampered_with_books_nothing(self, stage, browser, gone):
        page = lesson(stage)
        form = hidden_in(browser.get(page))
        del form[gone]

        assert browser.post(page, form).status_code == 422
        assert not Booking.objects.exists()

    def test_a_note_that_is_too_long_is_kept_and_named(self, stage, browser):
        answer = agree(browser, lesson(stage), note="la" * 1_001)

        assert answer.status_code == 422
        assert "A note to your instructor : Ensure this value has at most 2000 characters" in words_of(answer)

    def test_a_time_that_was_taken_meanwhile_is_told(self, stage, browser):
        page = lesson(stage)
        form = hidden_in(browser.get(page))
        rival = UserFactory()
        Payer.objects.create(user=rival, customer_id="cus_rival", payment_method_id="pm_rival", card_last4="4242")
        stage.book(hours_ahead=72, student=rival)

        answer = browser.post(page, form)

        assert answer.status_code == 409
        assert "That time is not free any more." in words_of(answer)
        assert Booking.objects.filter(student=stage.student).count() == 0

    def test_an_account_that_owes_is_told_where_to_pay(self, stage, browser):
        Payer.objects.get(user=stage.student).account_locks.create(
            reason="collection_failed", reference="bk_owed", locked_at=clock.now()
        )

        answer = browser.get(lesson(stage))

        assert "This account is locked" in words_of(answer)
        assert f"{reverse('bookings')}?show=attention" in links_in(answer)


class TestTheBanksNo:
    @pytest.mark.parametrize("card", ["declined", "insufficient_funds"])
    def test_a_refused_card_leads_to_what_can_be_done_and_until_when(self, stage, browser, card):
        stage.use_card(card)

        answer = agree(browser, lesson(stage, hours=20))

        booking = Booking.objects.get()
        assert booking.status == "pending"
        assert answer.url == reverse("booking-pay", args=[booking.ref])
        page = browser.get(answer.url)
        said = words_of(page)
        assert "The card was declined." in said
        assert "Your card was refused" in said
        assert "You have until Mon, Mar 2, 2026, 7:30 AM PST ; then the booking is given up, at no cost." in said
        assert "Try Visa ending in" in said
        assert f"{reverse('card')}?next=/bookings/{booking.ref}/pay" in links_in(page)

    def test_the_same_card_can_be_tried_again(self, stage, browser):
        stage.use_card("declined")
        page = agree(browser, lesson(stage, hours=20)).url

        again = browser.post(page)
        assert again.url == page

        stage.use_card("ok")
        paid = browser.post(page)
        booking = Booking.objects.get()
        assert paid.url == reverse("booking", args=[booking.ref])
        assert (booking.status, booking.payment.status) == ("confirmed", "authorized")
        assert "Your lesson is booked." in words_of(browser.get(paid.url))

    def test_a_bank_that_wants_a_word_is_one_link_away(self, stage, browser):
        stage.use_card("requires_3ds")

        answer = agree(browser, lesson(stage, hours=20))

        booking = Booking.objects.get()
        page = browser.get(answer.url)
        assert "Your bank wants you to confirm" in words_of(page)
        assert booking.payment.pending_intent_url in links_in(page)
        assert booking.payment.pending_intent_url.startswith(stage.simulator.url)

    @pytest.mark.parametrize(("agrees", "status"), [(True, "confirmed"), (False, "pending")])
    def test_coming_back_from_the_bank_shows_what_it_said(self, stage, browser, agrees, status):
        stage.use_card("requires_3ds")
        agree(browser, lesson(stage, hours=20))
        booking = Booking.objects.get()
        stage.simulator.finish_3ds(booking.payment.pending_intent_id, succeed=agrees)

        answer = browser.get(reverse("booking-paid", args=[booking.ref]))

        booking.refresh_from_db()
        assert booking.status == status
        assert answer.url == reverse("booking" if agrees else "booking-pay", args=[booking.ref])
        again = browser.get(reverse("booking-paid", args=[booking.ref]))
        assert again.status_code == 302

    def test_coming_back_without_having_answered_keeps_the_question(self, stage, browser):
        stage.use_card("requires_3ds")
        agree(browser, lesson(stage, hours=20))
        booking = Booking.objects.get()

        answer = browser.get(reverse("booking-paid", args=[booking.ref]), follow=True)

        assert "Confirm with your bank" in words_of(answer)

    def test_no_answer_at_all_is_shown_as_in_progress(self, stage, browser):
        stage.simulator.order_fault("authorize", "timeout_before", times="always")

        answer = agree(browser, lesson(stage, hours=20))

        page = browser.get(answer.url)
        said = words_of(page)
        assert "In progress." in said
        assert "Nothing is charged twice" in said
        assert links_in(page)[0] == answer.url  # look again
        paying = browser.get(reverse("booking-pay", args=[Booking.objects.get().ref]))
        assert "Your card is being asked" in words_of(paying)


def test_no_transaction_is_left_open(stage, browser):
    agree(browser, lesson(stage))

    assert not connection.in_atomic_block
    assert stage.disorder() == []
