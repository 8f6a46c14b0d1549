"""An instructor in a real browser: from a new account to a page that students can book, and a lesson given."""

from django.urls import reverse

from bookings.models import Instructor
from payments.models import Payee
from tests.factories import UserFactory


def test_from_a_new_account_to_being_bookable(stage, opens):
    new = UserFactory(as_instructor=True, name="Nils New")
    tab = opens(new)
    page = tab.page

    tab.go("/")
    tab.press("Say who you are")
    page.get_by_label("Headline").fill("Chess, from the first move")
    page.get_by_label("English").check()
    page.get_by_label("City").fill("Boston")
    page.get_by_label("Students can find me").check()
    tab.press("Save")

    tab.press("Offer a service")
    page.get_by_label("Title").fill("Chess openings")
    page.get_by_label("Subject").select_option("sports")
    page.get_by_label("Online").check()
    page.get_by_label("Price for an hour, in dollars").fill("50")
    page.get_by_label("60 min", exact=True).check()
    tab.press("Put on offer")
    tab.says("It is $60.00 for an hour.")
    tab.check()
    page.get_by_label("Price for an hour, in dollars").fill("75")
    tab.press("Put on offer")
    tab.says("“Chess openings” is on offer.")

    tab.press("Write down your weekly hours")
    page.get_by_label("From on Tuesday, line 1").fill("09:00")
    page.get_by_label("to on Tuesday, line 1").fill("17:00")
    tab.press("Save the week")
    tab.says("Your week is saved.")

    tab.go(reverse("payouts"))
    tab.press("Set up payouts")
    assert page.url.startswith(stage.simulator.url)
    tab.press("Complete")
    tab.says("You can be paid now.")

    instructor = Instructor.objects.get(user=new)
    assert Payee.objects.get(user=new).is_payable
    visitor = opens()
    visitor.go(reverse("instructor-page", args=[instructor.ref]))
    visitor.says("Chess openings", "60 min $75.00", "Tuesday, Mar 3", "9:00 AM")


def test_a_lesson_that_was_given_is_marked_complete(stage, opens):
    booking = stage.book(hours_ahead=2)
    stage.stand_at(booking.ends_at)
    tab = opens(stage.instructor)

    tab.go("/")
    tab.says("To be marked complete")
    tab.press(booking.service_title)
    tab.press("Mark complete")

    tab.says("Marked complete.", "You marked it complete.", "You are paid $105.60.")
