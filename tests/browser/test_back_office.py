"""The back office in a real browser, by light and by dark, on a desk and on a phone.

Our own pages are checked like all others; Django's lists and forms are only looked at. With `SCREENSHOTS=folder` a
picture of each page is kept there.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from bookings.models import Booking
from bookings.operations import cancel_booking
from disputes.models import Evidence, NoShowReport
from disputes.operations import contest_no_show, report_no_show, take_in_from_bank
from instainstru import clock
from payments.policy.states import Party
from tests.browser.conftest import Opens, Tab
from tests.browser.test_every_page import LOOKS
from tests.factories import UserFactory
from tests.stage import Stage


@pytest.fixture
def contested(stage: Stage, settings: Any, tmp_path: Path) -> NoShowReport:
    """A report of the student's with a photo, which the instructor contests."""
    settings.MEDIA_ROOT = tmp_path
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at + timedelta(minutes=30))
    report = report_no_show(
        booking=booking, actor=stage.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now(),
        statement="I waited for half an hour in the call. Nobody came, and nobody answered my messages.",
    )  # fmt: skip
    photo = Evidence(
        report=report, by=Party.STUDENT, author=stage.student, statement="The empty call, at ten past.",
        file_name="call.png", content_type="image/png", bytes=len(PHOTO), shown_at=clock.now(),
    )  # fmt: skip
    photo.file.save("call.png", ContentFile(PHOTO))
    stage.travel(hours=2)
    return contest_no_show(
        report=report, actor=stage.instructor, statement="I was there from ten to eleven.", now=clock.now()
    )


@pytest.fixture
def stuck(stage: Stage) -> Booking:
    """A cancellation whose reversal Stripe refuses, once."""
    booking = stage.book(hours_ahead=72)
    stage.travel_to(booking.starts_at - timedelta(hours=16))
    stage.simulator.order_fault("reverse", "refuse")
    cancel_booking(booking=booking, actor=stage.student, reason="I can't come.", now=clock.now())
    return booking


PHOTO = (Path(__file__).parent / "photo.png").read_bytes()


def case_page(case: NoShowReport | Any) -> str:
    return reverse(f"admin:disputes_{case._meta.model_name}_change", args=[case.pk])


def page_of(booking: Booking) -> str:
    return reverse("admin:bookings_booking_change", args=[booking.pk])


def keep_picture(tab: Tab, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("look", LOOKS)
def test_every_kind_of_page_can_be_read(opens: Opens, stage: Stage, stuck: Booking, look: str) -> None:
    stage.give_credit(3_000)
    completed = stage.book(hours_ahead=30, credits=3_000)
    stage.travel_to(completed.ends_at + timedelta(hours=25))
    ahead = stage.book(hours_ahead=120)
    stage.use_card("declined")
    refused = stage.book(hours_ahead=30)
    stage.travel(hours=8)
    tab = opens(UserFactory(as_superuser=True, name="Susi Super"), **LOOKS[look])

    for name, path in {
        "home": reverse("admin:index"),
        "booking-completed": page_of(completed),
        "booking-stuck": page_of(stuck),
        "booking-ahead": page_of(ahead),
        "booking-refused": page_of(refused),
        "retry": reverse("admin:bookings_booking_do", args=[stuck.pk, "retry"]),
        "resolve": reverse("admin:bookings_booking_do", args=[stuck.pk, "resolve"]),
        "refund-how-much": reverse("admin:bookings_booking_do", args=[completed.pk, "refund"]),
        "refund": reverse("admin:bookings_booking_do", args=[completed.pk, "refund"]) + "?amount=20&bearer=instructor",
        "cancel": reverse("admin:bookings_booking_do", args=[ahead.pk, "cancel-with-refund"]),
    }.items():
        tab.go(path)
        tab.check()
        keep_picture(tab, f"{name}-{look}")

    for name, path in {
        "bookings": reverse("admin:bookings_booking_changelist"),
        "payments": reverse("admin:payments_payment_changelist"),
        "payment": reverse("admin:payments_payment_change", args=[stuck.payment_id]),
        "operations": reverse("admin:payments_operation_changelist"),
        "operation": reverse("admin:payments_operation_change", args=[stuck.payment.operations.last().pk]),
        "journal": reverse("admin:payments_journalentry_changelist"),
        "lots": reverse("admin:credits_creditlot_changelist"),
    }.items():
        tab.go(path)
        keep_picture(tab, f"{name}-{look}")


def test_from_the_first_page_to_money_that_moves(opens: Opens, stage: Stage, stuck: Booking) -> None:
    """A new member of staff finds what waits, reads why, tries again, and sees it in the story."""
    tab = opens(UserFactory(as_superuser=True, name="Susi Super"))

    tab.go(reverse("admin:index"))
    tab.says("Taking the instructor's transfer back was refused")
    tab.press(stuck.ref)
    tab.says("insufficient funds", "What you can do")
    tab.press("Try again…")
    tab.says("Take the transfer back", "$105.60", "instructor → platform")
    tab.page.get_by_label("Why").fill("The instructor has topped up the account.")
    tab.press("Take the transfer back: $105.60")

    tab.says("It went through. The payment is settled.", "Susi Super retried what was refused")
    keep_picture(tab, "booking-retried")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_of_a_case_can_be_read(opens: Opens, stage: Stage, contested: NoShowReport, look: str) -> None:
    completed = stage.book(hours_ahead=30)
    stage.travel_to(completed.ends_at + timedelta(hours=25))
    completed.refresh_from_db()
    chargeback = take_in_from_bank(
        dispute_id=stage.simulator.dispute(completed.payment.intent_id)["id"], now=clock.now()
    )
    tab = opens(UserFactory(as_superuser=True, name="Susi Super"), **LOOKS[look])
    do = "admin:bookings_booking_do"

    for name, path in {
        "home-with-cases": reverse("admin:index"),
        "report": case_page(contested),
        "chargeback": case_page(chargeback),
        "booking-reported": page_of(contested.booking),
        "booking-charged-back": page_of(completed),
        "rulings": reverse(do, args=[contested.booking_id, "rule-no-show"]),
        "ruling": reverse(do, args=[contested.booking_id, "rule-no-show"]) + "?ruling=student_absent",
        "ruling-unfounded": reverse(do, args=[contested.booking_id, "rule-no-show"]) + "?ruling=unfounded",
        "open-dispute": reverse(do, args=[contested.booking_id, "open-dispute"]) + "?on_behalf_of=student",
    }.items():
        tab.go(path)
        tab.check()
        keep_picture(tab, f"{name}-{look}")

    for name, path in {
        "reports": reverse("admin:disputes_noshowreport_changelist"),
        "chargebacks": reverse("admin:disputes_chargeback_changelist"),
        "evidence": reverse("admin:disputes_evidence_changelist"),
        "freezes": reverse("admin:payments_freeze_changelist"),
    }.items():
        tab.go(path)
        keep_picture(tab, f"{name}-{look}")


def test_from_the_contested_report_to_the_ruling(opens: Opens, stage: Stage, contested: NoShowReport) -> None:
    """A new member of staff finds the case, reads both sides, rules, and sees the money move."""
    tab = opens(UserFactory(as_superuser=True, name="Susi Super"))

    tab.go(reverse("admin:index"))
    tab.says("Contested no-shows, to be ruled")
    tab.press(contested.booking.ref)
    tab.says("I waited for half an hour", "The empty call, at ten past.", "I was there from ten to eleven.")
    tab.press("Rule on the no-show…")
    tab.says("The instructor was absent", "Release the hold $134.40", "The report is unfounded")
    tab.page.get_by_role("link", name="Choose this…").first.click()
    tab.page.get_by_label("Why").fill("The photo shows an empty call.")
    tab.press("Rule: the instructor was absent, $134.40 back")

    tab.says(
        "It went through. The payment is settled.",
        "Susi Super ruled on the no-show",
        "The report of a no-show ended: ruled by staff. The instructor was absent.",
        "Instructor absent, everything given back",
    )
    keep_picture(tab, "booking-ruled")
