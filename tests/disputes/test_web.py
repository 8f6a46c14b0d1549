"""The pages about a lesson that went wrong: what each side is told, and what it does there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from disputes.models import Evidence, LessonDispute, NoShowReport
from disputes.operations import contest_no_show, open_dispute, report_no_show, rule_dispute, rule_no_show
from disputes.operations.evidence import add_evidence, inspect
from disputes.urls import urlpatterns
from instainstru import clock
from instainstru.templatetags.times import in_zone
from payments.policy.states import DisputeRuling, NoShowRuling, Party
from tests.bookings.factories import InstructorFactory
from tests.disputes.conftest import PDF_BYTES, kept_in, picture, upload
from tests.factories import UserFactory
from tests.pages import links_in, signed_in, words_of


@pytest.fixture
def sam(stage):
    return signed_in(stage.student)


@pytest.fixture
def ines(stage):
    return signed_in(stage.instructor)


@pytest.fixture
def report(stage, lesson) -> NoShowReport:
    return report_no_show(
        booking=lesson,
        actor=stage.student,
        by=Party.STUDENT,
        absent=Party.INSTRUCTOR,
        statement="Nobody was in the call.",
        now=clock.now(),
    )


def page(name: str, ref: str) -> str:
    return reverse(name, args=[ref])


def says(client, name: str, ref: str) -> str:
    return words_of(client.get(page(name, ref)))


class TestOnTheLessonsPage:
    def test_nothing_before_the_start(self, stage, sam):
        assert "Something went wrong?" not in says(sam, "booking", stage.book(hours_ahead=72).ref)

    def test_what_can_be_done_and_until_when(self, sam, ines, lesson):
        said = says(sam, "booking", lesson.ref)

        assert "Something went wrong?" in said
        assert "Report a no-show Say that your instructor did not come." in said
        assert said.count("Possible until Wed, Mar 4, 2026, 2:00 PM PST") == 2
        assert "Say that your student did not come." in says(ines, "booking", lesson.ref)

    def test_what_is_under_way(self, sam, ines, lesson, report):
        assert "You reported that the instructor did not come Open" in says(sam, "booking", lesson.ref)
        said = says(ines, "booking", lesson.ref)
        assert "The student reported that you did not come Open" in said
        assert "The report can be contested until then." in said

    @pytest.mark.rule("P8.4")
    def test_what_a_ruling_made_of_it(self, stage, sam, ines, lesson, staff):
        open_dispute(booking=lesson, actor=stage.student, by=Party.STUDENT, statement="Short.", now=clock.now())
        rule_dispute(
            booking=lesson, ruling=DisputeRuling.STUDENT_WINS, actor=staff, reason="Heard both.", now=clock.now()
        )

        assert "A dispute about this lesson was decided for you." in says(sam, "booking", lesson.ref)
        assert "A dispute about this lesson was decided for the student." in says(ines, "booking", lesson.ref)

    @pytest.mark.parametrize(("name", "most"), [("booking", 15), ("booking-cases", 11)])
    def test_costs_little_however_much_was_shown(self, stage, sam, lesson, report, name, most):
        def statements() -> int:
            with CaptureQueriesContext(connection) as counted:
                assert sam.get(page(name, lesson.ref)).status_code == 200
            return len(counted)

        few = statements()
        for number in range(5):
            add_evidence(case=report, actor=stage.student, by=Party.STUDENT, statement=str(number), now=clock.now())

        assert statements() == few <= most


class TestReporting:
    def test_says_what_it_does_and_does_it_once(self, sam, lesson):
        here = page("no-show-report", lesson.ref)
        assert "The lesson’s money stays where it is until that is decided." in words_of(sam.get(here))

        answers = [sam.post(here, {"statement": "I waited."}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 302]
        assert {answer.url for answer in answers} == {page("booking-cases", lesson.ref)}
        assert NoShowReport.objects.get().statement == "I waited."

    def test_takes_a_file_along(self, sam, ines, lesson, media):
        sam.post(page("no-show-report", lesson.ref), {"statement": "I waited.", "file": upload(picture(), "me.png")})

        assert len(kept_in(media)) == 1
        answer = ines.get(page("booking-cases", lesson.ref))
        assert "The student" in words_of(answer)
        assert "me.png" in words_of(answer)
        assert page("evidence-file", Evidence.objects.get().ref) in links_in(answer)

    def test_a_file_that_is_not_taken_changes_nothing_and_says_why(self, sam, lesson, media):
        sent = {"statement": "I waited.", "file": upload(b"MZ program", "proof.pdf")}
        answer = sam.post(page("no-show-report", lesson.ref), sent)

        assert answer.status_code == 422
        assert "That is no picture and no PDF that we can read." in words_of(answer)
        assert "I waited." in answer.content.decode()
        assert not NoShowReport.objects.exists()
        assert kept_in(media) == []

    def test_a_file_that_is_too_large_says_so(self, sam, lesson, media, settings):
        settings.LARGEST_UPLOAD = 100
        answer = sam.post(page("no-show-report", lesson.ref), {"file": upload(PDF_BYTES + bytes(100))})

        assert (answer.status_code, kept_in(media)) == (422, [])
        assert "The file is larger than 10 MB." in words_of(answer)

    def test_too_late_leads_back_and_says_why(self, stage, sam, lesson):
        stage.stand_at(lesson.ends_at + timedelta(hours=24, microseconds=1))

        assert sam.get(page("no-show-report", lesson.ref)).url == page("booking-cases", lesson.ref)
        answer = sam.post(page("no-show-report", lesson.ref), {})
        assert answer.status_code == 409
        assert "A no-show can be reported" in words_of(answer)


class TestContesting:
    def test_says_until_when_and_what_was_said(self, stage, ines, report):
        said = says(ines, "report-contest", report.ref)

        assert "Nobody was in the call." in said
        until = in_zone(report.reported_at + timedelta(hours=24), stage.instructor.zone)
        assert f"Possible until {until} ." in said

    def test_with_words_and_a_pdf_once(self, sam, ines, lesson, report):
        sent = {"statement": "I was in the call.", "file": upload()}
        first = ines.post(page("report-contest", report.ref), sent)
        again = ines.post(page("report-contest", report.ref), {"statement": "I was in the call.", "file": upload()})

        assert (first.status_code, again.status_code) == (302, 302)
        report.refresh_from_db()
        assert report.is_contested
        assert Evidence.objects.count() == 1
        said = says(sam, "booking-cases", lesson.ref)
        assert "The instructor , Tue" in said
        assert "I was in the call." in said
        assert "log of the call.pdf" in said

    def test_is_not_for_the_reporter(self, sam, report):
        assert sam.get(page("report-contest", report.ref)).status_code == 404
        assert sam.post(page("report-contest", report.ref)).status_code == 404


class TestWithdrawing:
    def test_asks_first_and_ends_it_once(self, sam, lesson, report):
        assert "you can’t report it again" in says(sam, "report-withdraw", report.ref)

        answers = [sam.post(page("report-withdraw", report.ref)) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 302]
        said = says(sam, "booking-cases", lesson.ref)
        assert "How it ended The report was withdrawn. The lesson's payment goes on" in said
        assert says(sam, "booking", lesson.ref).count("Report a no-show") == 0

    def test_is_refused_once_it_is_contested(self, stage, sam, report):
        contest_no_show(report=report, actor=stage.instructor, now=clock.now())

        answer = sam.post(page("report-withdraw", report.ref))

        assert answer.status_code == 409
        assert "under review" in words_of(answer)


class TestDisputing:
    def test_wants_to_know_what_was_wrong(self, sam, lesson):
        answer = sam.post(page("dispute-open", lesson.ref), {"statement": ""})

        assert answer.status_code == 422
        assert not LessonDispute.objects.exists()

    def test_opens_once_and_says_by_when_it_is_decided(self, sam, lesson):
        for _ in range(2):
            assert sam.post(page("dispute-open", lesson.ref), {"statement": "It was short."}).status_code == 302

        assert LessonDispute.objects.count() == 1
        said = says(sam, "booking-cases", lesson.ref)
        assert "You opened a dispute" in said
        assert "Our staff decide by then." in said


class TestEvidence:
    def test_wants_words_or_a_file(self, sam, report):
        answer = sam.post(page("evidence-add", report.ref), {"statement": " "})

        assert answer.status_code == 422
        assert "Write something, choose a file, or do both." in words_of(answer)

    def test_is_added_and_seen_by_both(self, sam, ines, lesson, report):
        sam.post(page("evidence-add", report.ref), {"statement": "Here I am waiting.", "file": upload(picture(), "x")})

        for client in (sam, ines):
            said = says(client, "booking-cases", lesson.ref)
            assert "Here I am waiting." in said
            assert "x.png" in said

    def test_a_file_comes_as_a_file(self, stage, ines, report):
        piece = add_evidence(
            case=report, actor=stage.student, by=Party.STUDENT, file=inspect(upload()), now=clock.now()
        )
        answer = ines.get(page("evidence-file", piece.ref))

        assert b"".join(answer.streaming_content) == PDF_BYTES
        assert answer["Content-Disposition"] == 'attachment; filename="log of the call.pdf"'
        assert answer["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"

    def test_an_ended_case_takes_none(self, stage, sam, lesson, report, staff):
        contest_no_show(report=report, actor=stage.instructor, now=clock.now())
        rule_no_show(
            booking=lesson, ruling=NoShowRuling.INSTRUCTOR_ABSENT, actor=staff, reason="No log.", now=clock.now()
        )

        assert sam.get(page("evidence-add", report.ref)).status_code == 302
        answer = sam.post(page("evidence-add", report.ref), {"statement": "Too late."}, follow=True)
        assert "No evidence of yours is taken in this case any more." in words_of(answer)
        assert "Our staff decided. The instructor's absence stands." in words_of(answer)
        assert "No longer held on your card $134.40" in words_of(answer)
        assert "No log." not in words_of(answer)


OF_A_BOOKING = ["booking-cases", "no-show-report", "dispute-open"]
OF_A_CASE = ["report-contest", "report-withdraw", "evidence-add"]


class TestWhoseTheyAre:
    @pytest.mark.parametrize("name", OF_A_BOOKING + OF_A_CASE)
    def test_not_a_strangers_and_nobodys_without_logging_in(self, lesson, report, outsider, staff, name):
        path = page(name, lesson.ref if name in OF_A_BOOKING else report.ref)

        for stranger in (outsider, InstructorFactory().user):
            assert signed_in(stranger).get(path).status_code == 404
            assert signed_in(stranger).post(path).status_code in (404, 405)
        assert signed_in(staff).get(path).status_code == 403  # they have the back office
        assert signed_in(None).get(path).status_code == 302

    def test_no_page_is_forgotten(self):
        assert {pattern.name for pattern in urlpatterns} == {*OF_A_BOOKING, *OF_A_CASE, "evidence-file"}

    @pytest.mark.parametrize("name", OF_A_BOOKING[1:] + OF_A_CASE)
    def test_nothing_is_changed_without_a_token_of_ours(self, stage, lesson, report, name):
        for user in (stage.student, stage.instructor):
            client = signed_in(user)
            client.handler.enforce_csrf_checks = True

            path = page(name, lesson.ref if name in OF_A_BOOKING else report.ref)
            assert client.post(path, {"statement": "Forged.", "file": upload()}).status_code == 403

    def test_files_are_the_parties_and_staffs(self, stage, report, staff):
        piece = add_evidence(
            case=report, actor=stage.student, by=Party.STUDENT, file=inspect(upload()), now=clock.now()
        )
        path = page("evidence-file", piece.ref)

        for user in (stage.student, stage.instructor, staff):
            assert b"".join(signed_in(user).get(path).streaming_content) == PDF_BYTES
        assert signed_in(UserFactory()).get(path).status_code == 404
        assert signed_in(None).get(path).status_code == 302

    @pytest.mark.parametrize("ref", ["ns_nothing", "bk_nothing", "zz", "ev_nothing"])
    def test_what_does_not_exist_is_not_there(self, sam, ref):
        for name in (*OF_A_BOOKING, *OF_A_CASE, "evidence-file"):
            assert sam.get(page(name, ref)).status_code == 404


def test_an_empty_page_says_so(stage, sam):
    said = says(sam, "booking-cases", stage.book(hours_ahead=72).ref)

    assert "Nothing was reported about this lesson." in said
    assert "From the start of the lesson until a day after its end" in said
