"""Staff decide about money through one page: they see what it does, say why, and it happens once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.urls import reverse

from bookings.operations import cancel_booking
from instainstru import clock
from instainstru.models import StaffAction
from payments import operations as payments
from payments.models import Operation
from payments.policy.states import Bearer
from tests.admin.conftest import confirm_page, fresh, page_of

REASON = "The instructor has topped up the account."


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def sent_from(page, **changes):
    """What a browser sends of a confirmation page that somebody has filled in."""
    html = page.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(preview|ticket)" value="([^"]+)"', html))
    return hidden | {"reason": REASON} | changes


def confirm(browser, url, **changes):
    """Open the page and send it back; the answer is the page that one ends on."""
    return browser.post(url, sent_from(browser.get(url), **changes), follow=True)


# --- What the page shows --------------------------------------------------------------------------------------------


def test_the_page_shows_the_plan_before_it_acts(browses, finance, stuck):
    page = text_of(browses(finance).get(confirm_page(stuck, "retry")))

    for shown in (
        "P10.3, P7.2",
        "Frozen because Taking the instructor's transfer back was refused",
        "Stripe said balance_insufficient",
        "Instructor has $105.60",
        "1 Take the transfer back $105.60 instructor → platform",
        "Student Your card is charged $134.40. You get $120.00 in new credits.",
        "Instructor The student cancelled. You are not paid; the time is free again.",
        "The payment is settled. Outcome: Student cancelled 12 to 24 hours ahead, full credit.",
        "If Stripe refuses, it stops and waits for staff (P10.3).",
        "Take the transfer back: $105.60",
    ):
        assert shown.replace("'", "&#x27;") in page
    assert not StaffAction.objects.exists()


def test_cancel_stands_left_and_the_verb_right(browses, finance, stuck):
    html = browses(finance).get(confirm_page(stuck, "retry")).content.decode()

    decision = html[html.index('<div class="decision">') :]
    assert decision.index(f'href="{page_of(stuck)}"') < decision.index('<button type="submit">')


def test_giving_up_says_what_is_lost(browses, finance, stuck):
    page = text_of(browses(finance).get(confirm_page(stuck, "resolve")))

    assert "Losses and goodwill $105.60 debit in our books" in page
    assert "You keep the $105.60 that you have; nothing more is paid to you." in page
    assert "Give up and lose $105.60" in page
    assert "This can&#x27;t be taken back" in page


# --- What it does ---------------------------------------------------------------------------------------------------


def test_a_retry_moves_the_money_and_is_written_down(browses, finance, stage, stuck):
    response = confirm(browses(finance), confirm_page(stuck, "retry"))

    payment = fresh(stuck).payment
    assert (payment.status, payment.instructor_payout_cents) == ("settled", 0)
    assert "It went through. The payment is settled." in text_of(response)
    assert "Fiona Finance retried what was refused" in text_of(response)
    entry = StaffAction.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.reason) == (finance, "retry", stuck.ref, REASON)
    assert (entry.began, entry.address, entry.done_at) == (f"operation:{stuck.ref}-3", "127.0.0.1", clock.now())
    assert entry.before["frozen_because"] == "reversal_refused"
    assert entry.after["under_way"] == f"{stuck.ref}-3"
    assert entry.shown["movements"][0]["amount"] == "$105.60"
    assert stage.disorder() == []


def test_a_retry_that_is_refused_again_says_so_and_waits_again(browses, finance, stage, stuck):
    stage.simulator.order_fault("reverse", "refuse")

    response = confirm(browses(finance), confirm_page(stuck, "retry"))

    assert "Stripe refused. balance_insufficient" in text_of(response)
    assert fresh(stuck).payment.status == "manual_review"
    assert browses(finance).get(confirm_page(stuck, "retry")).status_code == 200


def test_a_retry_without_an_answer_is_under_way(browses, finance, stage, stuck):
    stage.simulator.order_fault("reverse", "timeout_before")

    response = confirm(browses(finance), confirm_page(stuck, "retry"))

    assert "Stripe has not answered yet." in text_of(response)
    stage.travel(minutes=1)
    stage.travel(minutes=1)
    assert fresh(stuck).payment.status == "settled"


def test_a_capture_is_decided_anew_when_nothing_has_moved(browses, finance, stage, never_captured):
    confirm(browses(finance), confirm_page(never_captured, "retry"))

    payment = fresh(never_captured).payment
    assert (payment.status, payment.captured_cents, payment.student_credit_cents) == ("settled", 13_440, 12_000)
    assert StaffAction.objects.get().began == f"operation:{never_captured.ref}-4"
    assert stage.disorder() == []


def test_giving_up_settles_at_a_loss(browses, finance, stage, stuck):
    response = confirm(browses(finance), confirm_page(stuck, "resolve"))

    payment = fresh(stuck).payment
    assert (payment.status, payment.settlement_outcome) == ("settled", "student_cancel_12_24_full_credit")
    assert payment.instructor_payout_cents == 10_560
    assert "Given up by staff" in text_of(response)
    assert StaffAction.objects.get().after["payment"] == "settled"
    assert stage.disorder() == []


def test_giving_up_a_capture_frees_the_card(browses, finance, stage, never_captured):
    page = text_of(browses(finance).get(confirm_page(never_captured, "resolve")))
    assert "Release the hold $134.40" in page

    confirm(browses(finance), confirm_page(never_captured, "resolve"))

    payment = fresh(never_captured).payment
    assert (payment.settlement_outcome, payment.authorized_cents) == ("payment_failed_no_charge", 0)
    assert stage.simulator.live_holds() == []
    assert stage.disorder() == []


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_done(browses, finance, stuck, reason):
    response = confirm(browses(finance), confirm_page(stuck, "retry"), reason=reason)

    assert "This field is required." in text_of(response)
    assert fresh(stuck).payment.status == "manual_review"
    assert not StaffAction.objects.exists()


# --- Once, and only what was shown ----------------------------------------------------------------------------------


def test_a_page_sent_twice_acts_once(browses, finance, stage, stuck):
    browser, url = browses(finance), confirm_page(stuck, "retry")
    body = sent_from(browser.get(url))
    browser.post(url, body)
    calls = len(stage.simulator.requests())

    again = browser.post(url, body, follow=True)

    assert "That was done already" in text_of(again)
    assert len(stage.simulator.requests()) == calls
    assert StaffAction.objects.count() == 1


def test_a_double_click_acts_once(browses, finance, stage, stuck):
    url = confirm_page(stuck, "retry")
    body = sent_from(browses(finance).get(url))

    def click(_):
        try:
            return browses(finance).post(url, body).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=4) as clicks:
        answers = list(clicks.map(click, range(4)))

    assert set(answers) == {302}
    assert StaffAction.objects.count() == 1
    assert fresh(stuck).payment.instructor_payout_cents == 0
    assert stage.disorder() == []


def test_a_second_member_of_staff_is_told_that_nothing_is_left(browses, finance, superuser, stuck):
    late = sent_from(browses(superuser).get(confirm_page(stuck, "retry")))
    confirm(browses(finance), confirm_page(stuck, "retry"))

    response = browses(superuser).post(confirm_page(stuck, "retry"), late, follow=True)

    assert "The money of this booking has been settled." in text_of(response)
    assert StaffAction.objects.count() == 1


def test_a_stale_page_is_shown_anew_and_keeps_the_reason(browses, finance, stage):
    """The plan that was seen took back half of what it would take back now."""
    booking = stage.book()
    stage.travel_to(booking.ends_at + timedelta(hours=25))
    browser, url = browses(finance), confirm_page(booking, "refund", "?amount=&bearer=platform")
    body = sent_from(browser.get(url))
    payments.refund_by_staff(
        payment_id=booking.payment_id, actor=finance, cents=4_000, bearer=Bearer.PLATFORM, reason="A part.",
        now=clock.now(),
    )  # fmt: skip

    stale = browser.post(url, body)

    assert stale.status_code == 409
    assert "What this would do has changed since it was shown." in text_of(stale)
    assert REASON in text_of(stale)
    assert "Refund $94.40" in text_of(stale)
    assert fresh(booking).payment.refunded_to_card_cents == 4_000
    browser.post(url, sent_from(stale))
    assert fresh(booking).payment.refunded_to_card_cents == 13_440
    assert stage.disorder() == []


def test_a_plan_that_changes_while_it_is_sent_is_caught_under_the_lock(browses, finance, stuck, monkeypatch):
    """What the page is compared with was read without a lock; the operation compares again."""
    browser, url = browses(finance), confirm_page(stuck, "retry")
    body = sent_from(browser.get(url), preview="0" * 32)
    monkeypatch.setattr("payments.policy.plan.Plan.digest", property(lambda plan: next(digests)))
    digests = iter(["0" * 32, "1" * 32, "1" * 32])

    assert browser.post(url, body).status_code == 409
    assert not StaffAction.objects.exists()


def test_what_fails_is_not_written_down_either(browses, finance, stuck, monkeypatch):
    monkeypatch.setattr("payments.engine.write_attempts", lambda *_: 1 / 0)
    browser = browses(finance)
    browser.raise_request_exception = False

    assert confirm(browser, confirm_page(stuck, "retry")).status_code == 500
    assert not StaffAction.objects.exists()
    assert Operation.objects.stuck().count() == 1


# --- Who may --------------------------------------------------------------------------------------------------------

ACTIONS = ["retry", "resolve", "cancel-with-refund", "cancel-without-refund", "refund"]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("who", "status"), [("support", 403), ("staff", 403), ("student", 302), ("instructor", 302)])
def test_only_finance_decides_about_money(request, browses, stuck, who, status, action):
    browser = browses(request.getfixturevalue(who))

    assert browser.get(confirm_page(stuck, action)).status_code == status
    assert browser.post(confirm_page(stuck, action), {"reason": REASON}).status_code == status
    assert not StaffAction.objects.exists()
    assert fresh(stuck).payment.status == "manual_review"


def test_the_page_offers_what_is_possible_to_those_who_may(browses, finance, support, stuck, stage):
    ahead = stage.book()

    def offered(user, booking):
        return [offer.label for offer in browses(user).get(page_of(booking)).context["possible_actions"]]

    assert offered(finance, stuck) == ["Try again", "Give up", "Refund", "Open a dispute"]
    assert offered(finance, ahead) == ["Cancel with refund", "Cancel without refund"]
    assert offered(support, stuck) == ["Open a dispute"]
    assert offered(support, ahead) == []


def test_what_is_not_possible_is_refused_with_what_can_be_done(browses, finance, stage):
    booking = stage.book()

    response = browses(finance).get(confirm_page(booking, "refund", "?amount=20&bearer=platform"), follow=True)

    assert response.redirect_chain == [(page_of(booking), 302)]
    assert "Cancel the booking, with or without refund." in text_of(response)


def test_unknown_actions_and_bookings_are_not_found(browses, superuser, stage):
    booking = stage.book()

    assert browses(superuser).get(confirm_page(booking, "burn")).status_code == 404
    unknown = reverse("admin:bookings_booking_do", args=[booking.pk + 1, "retry"])
    assert browses(superuser).get(unknown).status_code == 404


# --- Refunds and cancellations ----------------------------------------------------------------------------------------


def test_a_refund_asks_first_how_much_and_at_whose_cost(browses, finance, stage, completed):
    browser = browses(finance)
    first = browser.get(confirm_page(completed, "refund"))
    assert "Amount in dollars" in text_of(first)
    url = confirm_page(completed, "refund", "?amount=20.00&bearer=instructor")
    page = text_of(browser.get(url))
    assert "Refund the card $20.00 platform → student&#x27;s card" in page
    assert "instructor → platform" in page

    response = confirm(browser, url)

    assert "It went through." in text_of(response)
    assert fresh(completed).payment.refunded_to_card_cents == 2_000
    assert stage.disorder() == []


@pytest.mark.parametrize("amount", ["-1", "20.001", "abc", "1000000000"])
def test_an_amount_that_is_none_is_asked_again(browses, finance, completed, amount):
    page = browses(finance).get(confirm_page(completed, "refund", f"?amount={amount}&bearer=platform"))

    assert page.context["form"].errors
    assert not StaffAction.objects.exists()


def test_the_same_amount_twice_is_one_refund_unless_asked_for_on_purpose(browses, finance, stage, completed):
    browser, url = browses(finance), confirm_page(completed, "refund", "?amount=20&bearer=platform")
    confirm(browser, url)

    page = text_of(browser.get(url))
    confirm(browser, url)

    assert "asked twice it is one refund" in page
    assert fresh(completed).payment.refunded_to_card_cents == 2_000
    confirm(browser, f"{url}&again=on")
    assert fresh(completed).payment.refunded_to_card_cents == 4_000
    assert stage.disorder() == []


@pytest.mark.parametrize(
    ("action", "outcome", "captured", "kept"),
    [("cancel-with-refund", "admin_refund", 0, 0), ("cancel-without-refund", "admin_no_refund", 0, 0)],
)
def test_staff_cancel_a_lesson_that_is_held_on_the_card(browses, finance, stage, action, outcome, captured, kept):
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=20))
    page = text_of(browses(finance).get(confirm_page(booking, action)))
    assert "The booking is cancelled at once." in page
    assert "Release the hold $134.40" in page

    confirm(browses(finance), confirm_page(booking, action))

    cancelled = fresh(booking)
    assert (cancelled.status, cancelled.cancelled_by) == ("cancelled", "staff")
    assert (cancelled.payment.settlement_outcome, cancelled.payment.captured_cents) == (outcome, captured)
    assert stage.disorder() == []


def test_a_cancellation_that_meets_what_is_under_way_waits(browses, finance, stage):
    booking = stage.book()
    stage.simulator.order_fault("authorize", "timeout_before", times="always")
    stage.travel_to(booking.starts_at - timedelta(hours=23))

    response = confirm(browses(finance), confirm_page(booking, "cancel-with-refund"))

    assert "Accepted. It waits for the end of what is under way." in text_of(response)
    assert fresh(booking).status == "cancelled"


def test_cancelling_what_a_student_has_cancelled_is_not_offered(browses, finance, stage):
    booking = stage.book()
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())

    offers = browses(finance).get(page_of(booking)).context["possible_actions"]

    assert [offer.label for offer in offers] == ["Open a dispute"]


# --- What is written down stays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE instainstru_staffaction SET reason = 'Another.'",
        "DELETE FROM instainstru_staffaction",
        "TRUNCATE instainstru_staffaction",
    ],
)
def test_what_staff_did_is_neither_changed_nor_taken_away(browses, finance, stuck, statement):
    confirm(browses(finance), confirm_page(stuck, "retry"))

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert StaffAction.objects.get().reason == REASON


def test_the_audit_list_is_found_by_booking_and_by_name(browses, support, finance, stuck):
    confirm(browses(finance), confirm_page(stuck, "retry"))
    browser = browses(support)
    url = reverse("admin:instainstru_staffaction_changelist")

    for asked in (stuck.ref, "Fiona"):
        assert REASON in text_of(browser.get(url, {"q": asked}))
    page = browser.get(reverse("admin:instainstru_staffaction_change", args=[StaffAction.objects.get().pk]))
    assert "reversal_refused" in text_of(page)
