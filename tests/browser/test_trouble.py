"""A lesson that went wrong, in a real browser: the student reports, the instructor contests with a PDF, both see it.

With `SCREENSHOTS=folder` a picture of each page is kept there.
"""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from disputes.models import Evidence, NoShowReport
from disputes.operations import open_dispute, report_no_show, rule_dispute
from instainstru import clock
from payments.policy.states import DisputeRuling, Party
from tests.browser.conftest import DESKTOP, PHONE
from tests.disputes.conftest import PDF_BYTES, picture


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def keep(tab, name: str) -> None:
    """Check a page, and keep its picture if pictures are wanted."""
    tab.check()
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        tab.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_reported_contested_with_a_pdf_and_seen_by_both(stage, opens, tmp_path):
    log, photo = tmp_path / "log of the call.pdf", tmp_path / "room.png"
    log.write_bytes(PDF_BYTES)
    photo.write_bytes(picture(size=(320, 200)))
    booking = stage.book(hours_ahead=30)
    stage.travel(hours=30.5)
    student, instructor = opens(stage.student, viewport=PHONE), opens(stage.instructor, viewport=DESKTOP)

    student.go(reverse("booking", args=[booking.ref]))
    student.says("Something went wrong?", "Say that your instructor did not come.")
    keep(student, "trouble-student-lesson")
    student.press("Report a no-show")
    student.page.get_by_label("What happened?").fill("I waited for half an hour, and nobody came.")
    student.page.get_by_label("A file").set_input_files(photo)
    keep(student, "trouble-report")
    student.press("Report the no-show")
    student.says("Reported.", "You reported that the instructor did not come", "room.png")
    keep(student, "trouble-student-reported")

    instructor.go(reverse("booking", args=[booking.ref]))
    instructor.says("The student reported that you did not come", "The report can be contested until then.")
    keep(instructor, "trouble-instructor-lesson")
    instructor.press("See what each side says and shows")
    instructor.press("Contest the report")
    instructor.says("I waited for half an hour, and nobody came.")
    instructor.page.get_by_label("What happened?").fill("I was in the call all the time; see its log.")
    instructor.page.get_by_label("A file").set_input_files(
        {"name": "log.pdf", "mimeType": "application/pdf", "buffer": b"no PDF at all"}
    )
    instructor.press("I was there")
    instructor.says("That is no picture and no PDF that we can read.")
    keep(instructor, "trouble-contest-wrong-file")
    assert not NoShowReport.objects.get().is_contested
    instructor.page.get_by_label("A file").set_input_files(log)
    instructor.press("I was there")
    instructor.says("Contested. Our staff decide.", "log of the call.pdf")
    keep(instructor, "trouble-instructor-contested")

    student.go(reverse("booking-cases", args=[booking.ref]))
    student.says("It is contested, so our staff decide.", "I was in the call all the time", "log of the call.pdf")
    keep(student, "trouble-student-contested")
    with student.page.expect_download() as saved:
        student.page.get_by_role("link", name="log of the call.pdf").click()
    assert saved.value.suggested_filename == "log of the call.pdf"
    assert Path(saved.value.path()).read_bytes() == PDF_BYTES
    student.page.get_by_role("link", name="room.png").click()
    student.page.wait_for_url(f"**{reverse('evidence-file', args=[Evidence.objects.earliest('id').ref])}")


def test_how_it_ended_is_told_to_each_side_with_its_money(stage, opens, staff):
    booking = stage.book(hours_ahead=30)
    stage.travel(hours=30.5)
    open_dispute(
        booking=booking, actor=stage.student, by=Party.STUDENT, statement="It lasted ten minutes.", now=clock.now()
    )
    report_no_show(booking=booking, actor=stage.instructor, by=Party.INSTRUCTOR, absent=Party.STUDENT, now=clock.now())
    rule_dispute(
        booking=booking, ruling=DisputeRuling.STUDENT_WINS, actor=staff, reason="The log says so.", now=clock.now()
    )

    student, instructor = opens(stage.student, dark=True), opens(stage.instructor, viewport=PHONE)
    for tab, said in ((student, "No longer held on your card $134.40"), (instructor, "You are not paid.")):
        tab.go(reverse("booking-cases", args=[booking.ref]))
        tab.says("Our staff decided. The dispute was decided for", said, "It ended with another case.")
    keep(student, "trouble-student-ended")
    keep(instructor, "trouble-instructor-ended")
    student.go(reverse("booking", args=[booking.ref]))
    student.says("A dispute about this lesson was decided for you.")
    keep(student, "trouble-student-lesson-ended")
    student.go(reverse("booking-cases", args=[stage.book(hours_ahead=60).ref]))
    student.says("Nothing was reported about this lesson.")
    keep(student, "trouble-nothing")
