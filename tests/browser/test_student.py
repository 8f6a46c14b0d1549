"""A student in a real browser: books, cancels, gets past a card that is refused and a bank that asks."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from bookings.models import Booking
from instainstru import clock
from tests.browser.conftest import PHONE
from tests.factories import PASSWORD, UserFactory


def lesson(stage, *, hours: float) -> str:
    at = f"{clock.now() + timedelta(hours=hours):%Y-%m-%dT%H:%MZ}"
    return f"{reverse('checkout')}?service={stage.service.ref}&minutes=60&at={at}"


def test_from_the_first_page_to_a_booked_lesson_and_back(stage, opens):
    """Logs in on the way, saves a first card, books, and cancels on the page that shows what that means."""
    newcomer = UserFactory(name="Nora New", time_zone="America/New_York")
    tab = opens(viewport=PHONE)
    page = tab.page

    tab.go("/")
    page.get_by_label("What do you want to learn?").fill("Patient lessons")
    tab.press("Find an instructor")
    tab.press("Ines Instructor")
    tab.press("60 min $120.00")
    page.get_by_text("Thursday, Mar 5").first.click()
    tab.press("Thursday, Mar 5, 10:00 AM")

    page.get_by_label("E-mail address").fill(newcomer.email)
    page.get_by_label("Password").fill(PASSWORD)
    tab.press("Log in")

    tab.says("Thu, Mar 5, 2026, 10:00 AM – 11:00 AM EST", "Save a card first, then you can book.")
    tab.press("Save a card")
    page.get_by_label("A card that works").check()
    tab.press("Save card")

    tab.says("Visa ending in 4242 is saved.", "Your card pays $134.40")
    page.get_by_label("A note to your instructor").fill("I know three chords.")
    tab.press("Book for $134.40")

    tab.says("Your lesson is booked.", "I know three chords.")
    booking = Booking.objects.get()
    assert (booking.student, booking.status) == (newcomer, "confirmed")

    tab.press("Cancel lesson")
    tab.says("Your card is not charged.")
    tab.press("Keep lesson")
    tab.press("Cancel lesson")
    page.get_by_label("Reason").fill("I am ill.")
    tab.press("Cancel lesson")

    tab.says("The lesson is cancelled.", "You cancelled it.", "I am ill.")
    booking.refresh_from_db()
    assert booking.payment.settlement_outcome == "student_cancel_gt24_no_charge"


def test_an_impatient_double_click_is_one_cancellation(stage, opens):
    booking = stage.book(hours_ahead=5)
    tab = opens(stage.student)
    tab.go(reverse("booking-cancel", args=[booking.ref]))

    with tab.page.expect_navigation(url=f"**{reverse('booking', args=[booking.ref])}"):
        tab.page.get_by_role("button", name="Cancel lesson").dblclick()

    tab.says("The lesson is cancelled.", "Charged to your card $134.40", "New credit $60.00")
    assert booking.payment.operations.filter(kind="student_cancel").count() == 1
    assert stage.disorder() == []


def test_a_declined_card_is_put_right_by_another(stage, opens):
    stage.use_card("declined")
    tab = opens(stage.student)

    tab.go(lesson(stage, hours=20))
    tab.press("Book for $134.40")
    assert tab.heading == "Your card was refused"
    tab.says("The card was declined.", "You have until Mon, Mar 2, 2026, 7:30 AM PST")
    tab.check()

    tab.press("Use another card")
    tab.page.get_by_label("A card that works").check()
    tab.press("Save card")

    tab.says("Visa ending in 4242 is saved.", "the payment is through", "Your lesson is booked.")
    assert Booking.objects.get().status == "confirmed"


@pytest.mark.parametrize(("answer", "status"), [("Complete", "confirmed"), ("Fail", "pending")])
def test_the_banks_own_page_is_gone_to_and_come_back_from(stage, opens, answer, status):
    stage.use_card("requires_3ds")
    tab = opens(stage.student)

    tab.go(lesson(stage, hours=20))
    tab.press("Book for $134.40")
    assert tab.heading == "Your bank wants you to confirm"
    tab.press("Confirm with your bank")
    assert tab.page.url.startswith(stage.simulator.url)
    tab.press(answer)

    assert tab.page.url.startswith(tab.site)
    tab.says("Your lesson is booked." if status == "confirmed" else "Your card was refused")
    assert Booking.objects.get().status == status


def test_a_lesson_is_booked_with_the_keyboard_alone(stage, opens):
    stage.give_credit(5_000)
    tab = opens(stage.student)
    page = tab.page
    tab.go(reverse("instructor-page", args=[stage.service.instructor.ref]))

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reach(page, "60 min $120.00")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    reach(page, "Tuesday, Mar 3")
    page.keyboard.press("Enter")  # unfolds the day
    reach(page, "Tuesday, Mar 3, 12:00 PM")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    reach(page, label="Credits to use, in dollars")
    page.keyboard.press("Control+a")
    page.keyboard.type("20")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab.says("Your card pays $114.40")

    reach(page, label="A note to your instructor")
    page.keyboard.type("Hello")
    reach(page, "Book for $114.40")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    tab.says("Your lesson is booked.", "Hello")
    booking = Booking.objects.get()
    assert booking.payment.credits_cents == 2_000
    assert f"{booking.starts_at:%Y-%m-%d %H:%M}" == "2026-03-03 20:00"


def test_what_is_wrong_is_told_where_the_eye_and_the_focus_are(stage, opens):
    stage.give_credit(5_000)
    tab = opens(stage.student)
    tab.go(f"{lesson(stage, hours=72)}&credits=99")

    tab.says("You can use at most $50.00 for this lesson.")
    field = tab.page.get_by_label("Credits to use, in dollars")
    expect(field).to_have_attribute("aria-invalid", "true")
    tab.check()


def test_a_lesson_is_moved(stage, opens):
    booking = stage.book(hours_ahead=72)
    tab = opens(stage.student)

    tab.go(reverse("booking", args=[booking.ref]))
    tab.press("Move lesson")
    tab.page.get_by_text("Wednesday, Mar 4").first.click()
    tab.press("Wednesday, Mar 4, 12:00 PM")
    tab.says("The lesson moves. $134.40 will be held on your card 24 hours before the new start.")
    tab.press("Move lesson")

    tab.says("The lesson is moved.", "Wed, Mar 4, 2026, 12:00 PM – 1:00 PM PST")


def reach(page, name: str | None = None, *, label: str | None = None) -> None:
    """Press Tab until the control of that name has the focus, and see that the focus can be seen."""
    for _ in range(150):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const at = document.activeElement, style = getComputedStyle(at);
                return {
                    text: at.innerText?.replace(/\\s+/g, " ").trim() ?? "",
                    labels: [...(at.labels ?? [])].map((label) => label.innerText.replace(/\\s+/g, " ").trim()),
                    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
                };
            }"""
        )
        if (name and name in focused["text"]) or (label and any(label in text for text in focused["labels"])):
            assert focused["seen"], f"Nothing shows that {name or label} has the focus."
            return
    raise AssertionError(f"Tab never reaches {name or label}.")
