"""Staff read a case, rule on it, and see the money move; only what is legal now is offered, to whoever may."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connections
from django.urls import reverse

from bookings.operations import cancel_booking
from disputes.models import Chargeback, Evidence, LessonDispute, NoShowReport
from disputes.operations import contest_no_show, open_dispute, report_no_show, take_in_from_bank
from instainstru import clock
from instainstru.models import StaffAction
from payments.models import AccountLock
from payments.policy.states import Party
from tests.admin.conftest import confirm_page, fresh, page_of
from tests.admin.test_booking_page import told
from tests.admin.test_confirmation import confirm, sent_from, text_of

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def case_page(case):
    return reverse(f"admin:disputes_{case._meta.model_name}_change", args=[case.pk])


def offered(browser, page):
    return {offer.url.rstrip("/").rpartition("/")[2] for offer in browser.get(page).context["possible_actions"]}


def report(stage, booking, *, by=Party.STUDENT):
    absent = Party.INSTRUCTOR if by == Party.STUDENT else Party.STUDENT
    actor = stage.student if by == Party.STUDENT else stage.instructor
    return report_no_show(
        booking=booking, actor=actor, by=by, absent=absent, statement="I waited for half an hour.", now=clock.now()
    )


def dispute(stage, booking):
    return open_dispute(
        booking=booking, actor=stage.student, by=Party.STUDENT, statement="Half of it was missing.", now=clock.now()
    )


@pytest.fixture
def started(stage):
    """A lesson that started an hour ago; the money is held on the card."""
    booking = stage.book()
    stage.travel_to(booking.starts_at + timedelta(minutes=30))
    return fresh(booking)


@pytest.fixture
def contested(stage, started):
    """A report of the student's that the instructor contests."""
    filed = report(stage, started)
    stage.travel(hours=1)
    return contest_no_show(report=filed, actor=stage.instructor, statement="I was there at ten.", now=clock.now())


@pytest.fixture
def disputed(stage, completed):
    """A settled lesson, paid by card and credits, that staff dispute for the student."""
    return open_dispute(
        booking=completed, actor=stage.student, by=Party.STAFF, on_behalf_of=Party.STUDENT, now=clock.now(),
        statement="Half of it was missing.",
    )  # fmt: skip


@pytest.fixture
def charged_back(stage, completed):
    """A chargeback about a settled lesson."""
    found = stage.simulator.dispute(completed.payment.intent_id)
    chargeback = take_in_from_bank(dispute_id=found["id"], now=clock.now())
    assert chargeback is not None
    return chargeback


# --- Reading --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P8.5")
def test_a_reports_page_says_what_both_sides_say_and_until_when(browses, support, contested):
    page = text_of(browses(support).get(case_page(contested)))

    for words in (
        "Contested The student reported that the instructor did not come.",
        "Student: Sam Student",
        "I waited for half an hour.",
        "Instructor: Ines Instructor",
        "I was there at ten.",
        "Staff are to have ruled",
        "The hold on the card lapses",
        "It is not charged because of that",
        "Held on the card $134.40",
        "Before that authorized",
        f"{contested.booking.ref}, the whole story",
    ):
        assert words in page


def test_a_chargebacks_page_says_until_when_the_bank_takes_evidence(browses, support, charged_back):
    page = text_of(browses(support).get(case_page(charged_back)))

    assert "took $104.40 back" in page
    assert "The bank takes evidence until" in page
    assert "Nothing was submitted so far." in page


@pytest.mark.rule("P8.5")
def test_cases_stand_in_the_bookings_story_with_who_and_why(browses, finance, contested):
    confirm(browses(finance), confirm_page(contested.booking, "rule-no-show", "?ruling=instructor_absent"))

    story = [what for kind, what in told(contested.booking) if kind == "case"]
    page = text_of(browses(finance).get(page_of(contested.booking)))

    assert story == [
        "The student reported the instructor absent.",
        "The instructor contested the report of a no-show.",
        "The report of a no-show ended: ruled by staff. The instructor was absent.",
    ]
    assert "“I was there at ten.”" in page
    assert "Fiona Finance ruled on the no-show" in page


def test_the_bookings_page_names_the_open_case_and_what_it_waits_for(browses, support, contested):
    response = browses(support).get(page_of(contested.booking))

    assert "The no-show is contested: staff rule." in text_of(response)
    assert f'href="{case_page(contested)}"' in response.content.decode()


# --- Evidence -------------------------------------------------------------------------------------------------------


@pytest.fixture
def photo(contested, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    shown = Evidence(
        report=contested, by="student", author=contested.reporter, file_name='door".png', content_type="image/png",
        bytes=len(PIXEL), shown_at=clock.now(),
    )  # fmt: skip
    shown.file.save("door.png", ContentFile(PIXEL))
    return shown


def file_page(evidence):
    return reverse("admin:disputes_evidence_file", args=[evidence.pk])


@pytest.mark.rule("P8.5")
def test_a_file_is_handed_out_as_nothing_that_a_browser_runs(browses, support, photo):
    response = browses(support).get(file_page(photo))

    assert b"".join(response.streaming_content) == PIXEL
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"].endswith("sandbox")
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.rule("P8.5")
@pytest.mark.parametrize(("who", "status"), [("staff", 403), ("student", 302), ("outsider", 302)])
def test_a_file_is_for_those_who_may_look(request, browses, photo, who, status):
    assert browses(request.getfixturevalue(who)).get(file_page(photo)).status_code == status


def test_the_case_links_to_its_files(browses, support, photo, contested):
    html = browses(support).get(case_page(contested)).content.decode()

    assert f'<a href="{file_page(photo)}"><img src="{file_page(photo)}" alt="">' in html


# --- Ruling ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P8.3")
def test_every_ruling_stands_with_its_plan_beside_the_others(browses, finance, contested):
    page = text_of(browses(finance).get(confirm_page(contested.booking, "rule-no-show")))

    assert "The instructor was absent Release the hold $134.40 freed on the student&#x27;s card" in page
    assert "The student was absent Charge the card $134.40 student&#x27;s card → platform" in page
    assert "Both were absent Release the hold $134.40" in page
    assert "The report is unfounded No money moves." in page


@pytest.mark.rule("P8.3")
@pytest.mark.parametrize(
    ("ruling", "status", "payment", "outcome", "instructor_has"),
    [
        ("instructor_absent", "no_show", "settled", "instructor_no_show_full_refund", 0),
        ("student_absent", "no_show", "settled", "student_no_show_full_payout", 10_560),
        ("both_absent", "no_show", "settled", "mutual_no_show_full_refund", 0),
        ("unfounded", "confirmed", "authorized", "", 0),
    ],
)
def test_a_ruling_moves_the_money_and_is_written_down(
    browses, finance, stage, contested, ruling, status, payment, outcome, instructor_has
):
    url = confirm_page(contested.booking, "rule-no-show", f"?ruling={ruling}")
    response = confirm(browses(finance), url)

    booking = fresh(contested.booking)
    assert response.redirect_chain == [(page_of(booking), 302)]
    assert (booking.status, booking.payment.status, booking.payment.settlement_outcome) == (status, payment, outcome)
    assert booking.payment.instructor_payout_cents == instructor_has
    contested.refresh_from_db()
    assert (contested.ruling, contested.resolved_by) == (ruling, finance)
    entry = StaffAction.objects.get()
    assert (entry.action, entry.subject, entry.reason) == ("rule-no-show", booking.ref, contested.resolution_reason)
    assert (entry.before["open_cases"], entry.before["payment"]) == (contested.case, "manual_review")
    assert stage.disorder() == []


@pytest.mark.rule("P8.2")
def test_an_unfounded_report_says_what_settles_at_once_if_due(browses, finance, stage, contested):
    stage.travel_to(contested.booking.ends_at + timedelta(hours=25))
    url = confirm_page(contested.booking, "rule-no-show", "?ruling=unfounded")
    page = text_of(browses(finance).get(url))
    assert "Settlement is due already and begins at once." in page
    assert "Charge the card $105.60 of it goes on to the instructor. $134.40" in page

    confirm(browses(finance), url)

    payment = fresh(contested.booking).payment
    assert (payment.settlement_outcome, payment.instructor_payout_cents) == ("lesson_completed_full_payout", 10_560)
    assert stage.disorder() == []


@pytest.mark.rule("P8.4")
@pytest.mark.parametrize(
    ("ruling", "outcome", "refunded", "instructor_has"),
    [
        ("student_wins", "student_wins_dispute_full_refund", 10_440, 0),
        ("instructor_wins", "lesson_completed_full_payout", 0, 10_560),
    ],
)
def test_a_dispute_is_ruled(browses, finance, stage, disputed, ruling, outcome, refunded, instructor_has):
    page = text_of(browses(finance).get(confirm_page(disputed.booking, "rule-dispute")))
    assert "Take the payout back $1.20 instructor → platform" in page
    assert "Refund the card $104.40" in page

    confirm(browses(finance), confirm_page(disputed.booking, "rule-dispute", f"?ruling={ruling}"))

    payment = fresh(disputed.booking).payment
    assert (payment.status, payment.settlement_outcome) == ("settled", outcome)
    assert (payment.refunded_to_card_cents, payment.instructor_payout_cents) == (refunded, instructor_has)
    disputed.refresh_from_db()
    assert (disputed.ruling, disputed.resolved_by) == (ruling, finance)
    assert stage.disorder() == []


def test_a_ruling_sent_twice_rules_once(browses, finance, stage, contested):
    browser, url = browses(finance), confirm_page(contested.booking, "rule-no-show", "?ruling=instructor_absent")
    body = sent_from(browser.get(url))
    browser.post(url, body)
    calls = len(stage.simulator.requests())

    assert "That was done already" in text_of(browser.post(url, body, follow=True))
    assert len(stage.simulator.requests()) == calls
    assert StaffAction.objects.count() == 1


def test_a_double_click_rules_once(browses, finance, stage, contested):
    url = confirm_page(contested.booking, "rule-no-show", "?ruling=student_absent")
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
    assert fresh(contested.booking).payment.captured_cents == 13_440
    assert stage.disorder() == []


def test_a_ruling_whose_plan_has_changed_is_shown_anew(browses, finance, stage, contested):
    """Settlement falls due between the page and the click."""
    browser, url = browses(finance), confirm_page(contested.booking, "rule-no-show", "?ruling=unfounded")
    body = sent_from(browser.get(url))
    stage.travel_to(contested.booking.ends_at + timedelta(hours=25))

    stale = browser.post(url, body)

    assert stale.status_code == 409
    assert "Settlement is due already" in text_of(stale)
    contested.refresh_from_db()
    assert contested.is_open


def test_two_members_of_staff_rule_once(browses, finance, superuser, contested):
    url = confirm_page(contested.booking, "rule-no-show", "?ruling=both_absent")
    late = sent_from(browses(superuser).get(url))
    confirm(browses(finance), url)

    response = browses(superuser).post(url, late, follow=True)

    assert "The money of this booking has been settled." in text_of(response)
    assert StaffAction.objects.count() == 1


@pytest.mark.rule("P11")
def test_under_a_chargeback_nothing_is_ruled(browses, finance, stage, disputed):
    found = stage.simulator.dispute(fresh(disputed.booking).payment.intent_id)
    take_in_from_bank(dispute_id=found["id"], now=clock.now())
    browser = browses(finance)

    assert "rule-dispute" not in offered(browser, page_of(disputed.booking))
    refused = browser.get(confirm_page(disputed.booking, "rule-dispute", "?ruling=student_wins"), follow=True)
    assert "This booking is under review" in text_of(refused)
    assert "This booking is under review" in text_of(
        browser.get(confirm_page(disputed.booking, "rule-dispute"), follow=True)
    )


# --- Taking in ------------------------------------------------------------------------------------------------------


@pytest.mark.rule("P8.1")
def test_support_reports_a_no_show(browses, support, stage, started):
    url = confirm_page(started, "report-no-show", "?absent=student")
    page = text_of(browses(support).get(url))
    assert "The payment is frozen" in page
    assert "If it stands: charge the card $134.40, student&#x27;s card → platform" in page

    confirm(browses(support), url, reason="The instructor called us.")

    filed = NoShowReport.objects.get()
    assert (filed.reported_by, filed.absent, filed.statement) == ("staff", "student", "The instructor called us.")
    assert (filed.reporter, fresh(started).payment.review_reason) == (support, "no_show_reported")
    assert StaffAction.objects.get().began == filed.case
    assert stage.disorder() == []


@pytest.mark.rule("P8.4")
def test_support_opens_a_dispute_for_a_side(browses, support, stage, completed):
    url = confirm_page(completed, "open-dispute", "?on_behalf_of=instructor")
    assert "Ruled for the student: take the payout back $1.20" in text_of(browses(support).get(url))

    confirm(browses(support), url, reason="She wrote to us.")

    opened = LessonDispute.objects.get()
    assert (opened.opened_by, opened.on_behalf_of, opened.statement) == ("staff", "instructor", "She wrote to us.")
    assert fresh(completed).payment.review_reason == "dispute_open"


def test_a_page_that_asks_to_report_does_not_go_stale_by_a_second(browses, support, stage, started):
    browser, url = browses(support), confirm_page(started, "report-no-show", "?absent=student")
    body = sent_from(browser.get(url))
    stage.travel(seconds=40)

    browser.post(url, body)

    assert NoShowReport.objects.exists()


# --- What is offered, and to whom -----------------------------------------------------------------------------------

TAKE_IN = {"report-no-show", "open-dispute"}
CANCEL = {"cancel-with-refund", "cancel-without-refund"}

STATES = {  # what is legal in a state, by the right that it wants
    "ahead": {"money": CANCEL},
    "started": {"cases": TAKE_IN, "money": CANCEL},
    "reported": {"cases": TAKE_IN, "ruling": {"rule-no-show"}},
    "contested": {"cases": TAKE_IN, "ruling": {"rule-no-show"}},
    "disputed": {"ruling": {"rule-dispute"}},
    "charged_back": {"cases": {"open-dispute"}},
    "stuck_and_disputed": {"ruling": {"rule-dispute"}},
    "completed": {"cases": {"open-dispute"}, "money": {"refund"}},
    "cancelled_late": {"cases": {"open-dispute"}, "money": {"refund"}},
}
RIGHTS = {"staff": set(), "support": {"cases"}, "finance": {"cases", "ruling", "money"}}


@pytest.fixture
def ahead(stage):
    return stage.book()


@pytest.fixture
def reported(stage, started):
    return report(stage, started)


@pytest.fixture
def stuck_and_disputed(stage, stuck):
    """A stop beneath a dispute: nothing of the stop is for staff until the dispute is ruled."""
    return open_dispute(booking=stuck, actor=stage.student, by=Party.STAFF, on_behalf_of=Party.STUDENT, now=clock.now())


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.usefixtures("stage")
def test_groups_by_actions_by_states(request, browses, state):
    """Everything else is refused, to groups that lack the right with 403, to the others with the policy's reason."""
    found = request.getfixturevalue(state)
    booking = fresh(getattr(found, "booking", found))
    legal = STATES[state]
    every = {*TAKE_IN, *CANCEL, "rule-no-show", "rule-dispute", "refund", "retry", "resolve"}
    for group in ("support", "finance"):
        browser = browses(request.getfixturevalue(group))
        wanted = set().union(*(legal.get(right, set()) for right in RIGHTS[group]))
        pages = [page_of(booking)] + ([case_page(found)] if found is not booking and hasattr(found, "case") else [])
        for page in pages:
            assert offered(browser, page) - {"submit-evidence"} == wanted, group
        for action in every - wanted:
            answer = browser.get(confirm_page(booking, action, QUERIES.get(action, "")))
            held = group == "finance" or action in TAKE_IN
            assert answer.status_code == (302 if held else 403), (group, action)
    nobody = browses(request.getfixturevalue("staff"))
    assert {nobody.get(confirm_page(booking, action)).status_code for action in every} == {403}
    assert not StaffAction.objects.exists()


QUERIES = {
    "report-no-show": "?absent=student",
    "open-dispute": "?on_behalf_of=student",
    "rule-no-show": "?ruling=unfounded",
    "rule-dispute": "?ruling=instructor_wins",
    "refund": "?amount=&bearer=platform",
}


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize("action", ["cancel-with-refund", "cancel-without-refund", "refund"])
def test_under_a_case_the_rest_is_refused_for_staff_too(browses, finance, contested, action):
    answer = browses(finance).get(confirm_page(contested.booking, action, QUERIES.get(action, "")), follow=True)

    assert "This booking is under review, so its money stays where it is." in text_of(answer)


@pytest.mark.rule("P8.1")
@pytest.mark.parametrize("action", ["retry", "resolve"])
def test_a_stop_beneath_a_case_waits_for_the_ruling(browses, finance, stuck_and_disputed, action):
    answer = browses(finance).get(confirm_page(stuck_and_disputed.booking, action), follow=True)

    assert "This booking is under review, so its money stays where it is." in text_of(answer)


# --- Speaking for us in a chargeback ----------------------------------------------------------------------------------


@pytest.mark.rule("P11")
def test_finance_sends_our_evidence_to_the_bank_once(browses, finance, support, charged_back):
    browser, page = browses(finance), case_page(charged_back)
    url = reverse("admin:disputes_chargeback_do", args=[charged_back.pk, "submit-evidence"])
    assert offered(browses(support), page) == {"open-dispute"}
    assert browses(support).get(url).status_code == 403
    assert "The price that the student agreed to" in text_of(browser.get(url))

    response = confirm(browser, url, reason="The lesson was given in full.")

    assert "Sent. Now the bank decides." in text_of(response)
    charged_back.refresh_from_db()
    assert charged_back.submitted_at == clock.now()
    assert charged_back.submission.evidence["uncategorized_text"].startswith("The lesson was given in full.")
    assert "submit-evidence" not in offered(browser, page)
    assert "Fiona Finance sent our evidence to the bank" in text_of(browser.get(page_of(charged_back.booking)))
    assert queues(browser) == {}


@pytest.mark.rule("P11")
@pytest.mark.parametrize(("form", "magic"), [("pdf", b"%PDF"), ("zip", b"PK")])
def test_the_pack_can_be_read_before_it_is_sent(browses, support, staff, charged_back, form, magic):
    url = reverse("admin:disputes_chargeback_pack", args=[charged_back.pk, form])

    response = browses(support).get(url)

    assert response.content.startswith(magic)
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert f'href="{url}"' in browses(support).get(case_page(charged_back)).content.decode()
    assert browses(staff).get(url).status_code == 403


# --- Locks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(stage, charged_back):
    """The account that a lost chargeback has locked."""
    stage.simulator.decide_dispute(charged_back.booking.payment.intent_id, won=False)
    take_in_from_bank(dispute_id=charged_back.dispute_id, now=clock.now())
    return AccountLock.objects.get(reason="chargeback_lost")


def lock_page(lock, name="change", *args):
    return reverse(f"admin:payments_accountlock_{name}", args=[lock.pk, *args])


@pytest.mark.rule("P11")
def test_finance_lifts_the_lock_of_a_lost_chargeback(browses, finance, stage, locked, charged_back):
    browser = browses(finance)
    assert offered(browser, lock_page(locked)) == {"lift-lock"}

    response = confirm(browser, lock_page(locked, "do", "lift-lock"))

    locked.refresh_from_db()
    assert locked.lifted_at == clock.now()
    assert not locked.payer.is_locked
    assert "The student can book again." in text_of(response)
    entry = StaffAction.objects.get()
    assert (entry.action, entry.subject, entry.began) == ("lift-lock", locked.reference, f"account_lock:{locked.pk}")
    assert "Fiona Finance lifted the student&#x27;s lock" in text_of(browser.get(page_of(charged_back.booking)))
    assert offered(browser, lock_page(locked)) == set()


def test_lifting_twice_is_lifting_once(browses, finance, superuser, locked):
    late = sent_from(browses(superuser).get(lock_page(locked, "do", "lift-lock")))
    confirm(browses(finance), lock_page(locked, "do", "lift-lock"))

    response = browses(superuser).post(lock_page(locked, "do", "lift-lock"), late, follow=True)

    assert "has changed since it was shown" in text_of(response)
    assert StaffAction.objects.count() == 1


def test_a_debt_stays_owed_and_staff_are_warned(browses, finance, stage):
    booking = stage.book()
    stage.use_card("declines_later")
    stage.stand_at(booking.ends_at + timedelta(hours=24))  # an outage of ours: the card was never tried before
    stage.travel(hours=80)
    lock = AccountLock.objects.get()

    page = text_of(browses(finance).get(lock_page(lock, "do", "lift-lock")))
    confirm(browses(finance), lock_page(lock, "do", "lift-lock"))

    assert "The student still owes the money" in page
    assert "$134.40 stays owed." in page
    assert fresh(booking).payment.owed_cents == 13_440


def test_support_lifts_no_lock(browses, support, locked):
    assert browses(support).get(lock_page(locked, "do", "lift-lock")).status_code == 403
    assert offered(browses(support), lock_page(locked)) == set()


# --- Queues ---------------------------------------------------------------------------------------------------------

HOME = reverse("admin:index")


def queues(browser):
    return {queue.title: queue for queue in browser.get(HOME).context["work_queues"]}


def test_a_contested_no_show_waits_to_be_ruled_in_72_hours(browses, support, contested):
    found = queues(browses(support))

    queue = found.pop("Contested no-shows, to be ruled")
    [item] = queue.items
    assert item.deadline == contested.contested_at + timedelta(hours=72)
    assert (item.label, item.url) == (contested.booking.ref, case_page(contested))
    assert found == {}
    assert contested.booking.ref in text_of(browses(support).get(queue.url))


def test_a_hold_that_lapses_sooner_is_when_to_rule(browses, support, contested):
    payment = contested.booking.payment
    payment.refresh_from_db()
    payment.capture_before = clock.now() + timedelta(hours=5)
    payment.save()

    [item] = queues(browses(support))["Contested no-shows, to be ruled"].items

    assert item.deadline == payment.capture_before


def test_two_reports_that_cross_each_other_wait_once(browses, support, stage, started):
    report(stage, started)
    report(stage, started, by=Party.INSTRUCTOR)

    assert queues(browses(support))["Contested no-shows, to be ruled"].count == 1


def test_what_nobody_contests_is_shown_without_a_deadline(browses, support, stage, reported):
    found = queues(browses(support))

    [queue] = found.values()
    assert (queue.title, queue.next_deadline) == ("No-shows that nobody has contested so far", None)
    assert "confirmed at" in queue.items[0].detail


def test_a_hold_that_lapses_before_the_confirmation_waits_for_staff(browses, support, reported):
    payment = reported.booking.payment
    payment.refresh_from_db()
    payment.capture_before = clock.now() + timedelta(hours=5)
    payment.save()

    [(title, queue)] = queues(browses(support)).items()

    assert title == "No-shows whose hold on the card lapses before they are confirmed"
    assert queue.next_deadline == payment.capture_before


def test_disputes_and_chargebacks_wait_with_their_own_deadlines(browses, support, stage, disputed):
    browser = browses(support)
    assert queues(browser)["Disputes, to be ruled"].next_deadline == disputed.rule_by

    found = stage.simulator.dispute(fresh(disputed.booking).payment.intent_id)
    take_in_from_bank(dispute_id=found["id"], now=clock.now())

    chargeback = Chargeback.objects.get()
    waiting = queues(browser)
    assert set(waiting) == {"Chargebacks that wait for our evidence"}
    assert waiting["Chargebacks that wait for our evidence"].next_deadline == chargeback.respond_by


def test_a_halted_operation_is_told(browses, support, stage):
    """A cancellation that waits for Stripe's answer, and meets a report."""
    booking = stage.book()
    stage.travel_to(booking.starts_at - timedelta(hours=6))
    stage.simulator.order_fault("reverse", "timeout_before", times="always")
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())
    open_dispute(booking=booking, actor=stage.student, by=Party.STAFF, on_behalf_of=Party.STUDENT, now=clock.now())
    stage.simulator.order_fault("reverse", "none")
    stage.travel(minutes=2)

    page = text_of(browses(support).get(page_of(booking)))

    assert "Student cancels was begun and is halted" in page
