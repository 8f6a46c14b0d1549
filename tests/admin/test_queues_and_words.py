"""The first page says what waits, the most pressing first; and every word of the policy has words for staff."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.admin import queues as bookings_queues
from bookings.admin.actions import ACTIONS
from bookings.admin.words import STAFF_ACTIONS
from disputes.admin import queues as disputes_queues
from disputes.admin import words as disputes_words
from disputes.admin.actions.evidence import SubmitEvidence
from disputes.models.resolution import Resolution
from instainstru.admin import queues
from payments.admin import queues as payments_queues
from payments.admin import words
from payments.admin.account_locks import LiftLock
from payments.policy.accounts import Account
from payments.policy.states import (
    Action,
    BookingStatus,
    Call,
    DisputeRuling,
    Fault,
    NoShowRuling,
    Outcome,
    Party,
    PaymentStatus,
    ReviewReason,
)
from tests.admin.conftest import page_of

HOME = reverse("admin:index")


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# --- What waits -------------------------------------------------------------------------------------------------------


def test_every_queue_is_registered_once():
    names = [queue.name for queue in queues._registered]

    assert len(names) == len(set(names))
    assert {queue.name for queue in (*payments_queues.QUEUES, *bookings_queues.QUEUES, *disputes_queues.QUEUES)} <= set(
        names
    )


def test_nothing_waits(browses, support):
    page = text_of(browses(support).get(HOME))

    assert "Nothing waits for you." in page
    assert "Empty: " in page


def test_a_stopped_payment_waits_with_its_deadline_and_leads_to_its_booking(browses, support, stuck):
    response = browses(support).get(HOME)

    [queue] = response.context["work_queues"]
    [item] = queue.items
    assert (queue.title, queue.count, queue.is_overdue) == (
        "Taking the instructor's transfer back was refused", 1, False,
    )  # fmt: skip
    assert queue.next_deadline == stuck.payment.review_since + timedelta(hours=24)
    assert (item.label, item.since) == (stuck.ref, stuck.payment.review_since)
    assert browses(support).get(item.url, follow=True).redirect_chain == [(page_of(stuck), 302)]
    assert stuck.ref in text_of(browses(support).get(queue.url))


def test_a_hold_that_lapses_sooner_is_the_deadline(browses, support, never_captured):
    payment = never_captured.payment
    payment.capture_before = payment.review_since + timedelta(hours=5)
    payment.save()

    [queue] = browses(support).get(HOME).context["work_queues"]

    assert queue.next_deadline == payment.capture_before


def test_after_its_deadline_it_is_overdue(browses, support, stage, stuck):
    stage.stand_at(stuck.payment.review_since + timedelta(hours=25))

    assert "Overdue since" in text_of(browses(support).get(HOME))


def test_an_unanswered_operation_waits_after_an_hour(browses, support, stage):
    stage.simulator.order_fault("authorize", "timeout_before", times="always")
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=23, minutes=1))
    assert browses(support).get(HOME).context["work_queues"] == []

    stage.travel(minutes=2)

    [queue] = browses(support).get(HOME).context["work_queues"]
    assert queue.title == "Stripe has not answered for more than an hour"
    assert queue.items[0].label == f"{booking.ref}-2"
    assert text_of(browses(support).get(queue.url)).count("Authorization due") == 1


def test_an_unpaid_lesson_waits_until_it_is_cancelled(browses, support, stage):
    booking = stage.book()
    stage.use_card("declined")
    stage.travel_to(booking.starts_at - timedelta(hours=22))

    [queue] = browses(support).get(HOME).context["work_queues"]

    assert queue.next_deadline == booking.starts_at - timedelta(hours=12)
    assert booking.ref in text_of(browses(support).get(queue.url))


def test_a_debt_waits_without_a_deadline(browses, support, stage):
    booking = stage.book()
    stage.use_card("declines_later")
    stage.stand_at(booking.ends_at + timedelta(hours=24))  # an outage of ours: the card was never tried before
    stage.travel(hours=80)

    [queue] = browses(support).get(HOME).context["work_queues"]

    assert (queue.title, queue.next_deadline) == ("Owed by students after the payout was advanced", None)
    assert queue.items[0].detail == "Sam Student owes $134.40"
    assert "The student can book nothing new" in text_of(browses(support).get(page_of(booking)))


def test_who_may_not_look_sees_no_queue(browses, staff, stuck):
    page = browses(staff).get(HOME)

    assert page.context["work_queues"] == page.context["empty_queues"] == []


def test_the_first_page_asks_little(browses, support, stuck):
    browser = browses(support)
    browser.get(HOME)

    with CaptureQueriesContext(connection) as captured:
        assert browser.get(HOME).status_code == 200

    assert len(captured) <= 35  # one for each empty queue, two for one with something in it


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("enumeration", "said"),
    [
        (BookingStatus, words.BOOKING_STATUSES),
        (PaymentStatus, words.PAYMENT_STATUSES),
        (ReviewReason, words.REVIEW_REASONS),
        (Outcome, words.OUTCOMES),
        (Action, words.ACTIONS),
        (Call, words.CALLS),
        (Call, words.DIRECTIONS),
        (Fault, words.FAULTS),
        (Party, words.PARTIES),
        (Account, words.ACCOUNTS),
        (Party, disputes_words.SIDES),
        (NoShowRuling, disputes_words.NO_SHOW_RULINGS),
        (DisputeRuling, disputes_words.DISPUTE_RULINGS),
        (Resolution, disputes_words.RESOLUTIONS),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_word_of_the_policy_has_words_for_staff(enumeration, said):
    assert set(said) == set(enumeration)


def test_every_action_of_staff_has_words_in_the_story():
    others = {SubmitEvidence.name, LiftLock.name}

    assert {action.name for action in ACTIONS} | others < set(STAFF_ACTIONS)


def test_a_word_of_a_later_policy_is_said_as_it_is():
    assert words.in_words("something_new", words.OUTCOMES) == "Something new"
    assert words.in_words("", words.OUTCOMES) == ""
