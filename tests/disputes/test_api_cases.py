"""What students and instructors do about a lesson that went wrong, through the API."""

from datetime import timedelta

import pytest
from django.urls import reverse

from disputes.models import NoShowReport
from disputes.operations import take_in_from_bank
from instainstru import clock
from tests.disputes.conftest import upload


@pytest.fixture
def sam(api, stage):
    return api(stage.student)


@pytest.fixture
def ines(api, stage):
    return api(stage.instructor)


def ask(client, name: str, ref: str, key: str | None = None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(reverse(f"api:{name}", args=[ref]), body, headers=headers)


def report(client, booking, **body):
    return ask(client, "booking-no-show-reports", booking.ref, **body)


def cases(client, booking) -> dict:
    answer = client.get(reverse("api:booking-cases", args=[booking.ref]))
    assert answer.status_code == 200
    return answer.json()


def offered(shown: dict) -> set[str]:
    return {action["action"] for action in shown["available_actions"]}


def refused(answer, status: int, code: str) -> dict:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    return problem


class TestReporting:
    @pytest.mark.rule("P8.1")
    def test_freezes_and_tells_both_sides(self, sam, ines, lesson):
        assert offered(cases(sam, lesson)) == {"report_no_show", "open_dispute"}

        answer = report(sam, lesson, statement="I waited for half an hour.")

        assert answer.status_code == 201
        mine = answer.json()
        assert (mine["kind"], mine["state"], mine["opened_by"], mine["absent"]) == (
            "no_show",
            "open",
            "student",
            "instructor",
        )
        assert mine["ref"].startswith("ns_")
        assert mine["title"] == "You reported that the instructor did not come"
        assert offered(mine) == {"withdraw", "add_evidence"}
        seen = cases(ines, lesson)
        assert seen["booking"]["payment_status"] == "manual_review"
        theirs = seen["cases"][0]
        assert theirs["statements"] == [
            {"by": "student", "at": mine["opened_at"], "text": "I waited for half an hour."}
        ]
        assert offered(theirs) == {"contest", "add_evidence"}
        assert offered(seen) == {"report_no_show", "open_dispute"}

    @pytest.mark.rule("P8.1")
    def test_is_offered_until_a_day_after_the_end_and_no_longer(self, stage, sam, lesson):
        (until,) = {action["possible_until"] for action in cases(sam, lesson)["available_actions"]}
        assert until == f"{lesson.ends_at + timedelta(hours=24):%Y-%m-%dT%H:%M:%SZ}"
        stage.stand_at(lesson.ends_at + timedelta(hours=24))
        assert offered(cases(sam, lesson)) == {"report_no_show", "open_dispute"}

        stage.stand_at(lesson.ends_at + timedelta(hours=24, microseconds=1))

        assert offered(cases(sam, lesson)) == set()
        refused(report(sam, lesson), 409, "report_window_closed")
        refused(ask(sam, "booking-disputes", lesson.ref, statement="Too short."), 409, "dispute_window_closed")

    def test_before_the_start_is_refused_with_its_code(self, sam, stage):
        booking = stage.book(hours_ahead=72)

        assert cases(sam, booking) == {
            "booking": {"ref": booking.ref, "status": "confirmed", "payment_status": "scheduled"},
            "cases": [],
            "available_actions": [],
        }
        refused(report(sam, booking), 409, "report_window_closed")
        refused(ask(sam, "booking-disputes", booking.ref, statement="Too short."), 409, "lesson_not_started")

    @pytest.mark.rule("P8.2")
    def test_each_other_counts_as_contested(self, sam, ines, lesson):
        report(sam, lesson)

        answer = report(ines, lesson, statement="It was you who did not come.")

        assert (answer.status_code, answer.json()["state"]) == (201, "contested")
        assert [case["state"] for case in cases(sam, lesson)["cases"]] == ["contested", "contested"]

    def test_twice_with_a_key_is_once_and_without_one_is_refused(self, sam, lesson):
        first, again = (report(sam, lesson, key="once", statement="Nobody came.") for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert NoShowReport.objects.count() == 1
        refused(report(sam, lesson, key="once", statement="Somebody came."), 422, "idempotency_key_reused")
        refused(report(sam, lesson), 409, "already_reported")

    def test_what_staff_alone_say_is_theirs(self, sam, lesson):
        """A student who names a side reports the instructor all the same."""
        assert report(sam, lesson, absent="student").json()["absent"] == "instructor"


class TestContestingAndWithdrawing:
    @pytest.mark.rule("P8.2")
    def test_contested_it_waits_for_staff(self, sam, ines, lesson):
        ref = report(sam, lesson).json()["ref"]

        answer = ask(ines, "no-show-report-contest", ref, statement="I was in the call.")

        assert (answer.status_code, answer.json()["state"]) == (200, "contested")
        assert answer.json()["statements"][0]["text"] == "I was in the call."
        assert offered(answer.json()) == {"add_evidence"}
        refused(ask(sam, "no-show-report-withdraw", ref), 409, "under_review")

    @pytest.mark.rule("P8.2")
    def test_within_a_day_and_no_later(self, stage, sam, ines, lesson):
        shown = report(sam, lesson).json()
        reported_at = clock.now()
        deadline = reported_at + timedelta(hours=24)
        assert shown["deadlines"][0]["at"] == f"{deadline:%Y-%m-%dT%H:%M:%SZ}"

        stage.stand_at(deadline + timedelta(microseconds=1))

        refused(ask(ines, "no-show-report-contest", shown["ref"]), 409, "contest_window_closed")
        assert "contest" not in offered(cases(ines, lesson)["cases"][0])

    @pytest.mark.rule("P8.2")
    def test_withdrawn_everything_goes_on(self, sam, lesson):
        ref = report(sam, lesson).json()["ref"]

        answer = ask(sam, "no-show-report-withdraw", ref, key="once")
        again = ask(sam, "no-show-report-withdraw", ref, key="once")

        assert (answer.status_code, answer.json()["state"]) == (200, "ended")
        assert answer.json()["outcome"]["resolution"] == "withdrawn"
        assert answer.json() == again.json()
        assert cases(sam, lesson)["booking"]["payment_status"] == "authorized"
        refused(ask(sam, "no-show-report-withdraw", ref), 409, "already_settled")
        refused(report(sam, lesson), 409, "already_reported")

    def test_only_the_side_concerned(self, sam, ines, lesson):
        ref = report(sam, lesson).json()["ref"]

        refused(ask(sam, "no-show-report-contest", ref), 403, "permission_denied")
        refused(ask(ines, "no-show-report-withdraw", ref), 403, "permission_denied")

    @pytest.mark.rule("P8.3")
    def test_uncontested_it_stands_and_the_money_is_told_to_each_side(self, stage, sam, ines, lesson):
        report(sam, lesson)

        stage.travel(hours=25)

        mine, theirs = cases(sam, lesson)["cases"][0], cases(ines, lesson)["cases"][0]
        assert mine["outcome"]["resolution"] == theirs["outcome"]["resolution"] == "confirmed"
        assert mine["outcome"]["ruling"] == "instructor_absent"
        assert mine["outcome"]["sentence"].endswith("Your card is not charged.")
        assert mine["outcome"]["plan"]["student"]["card_freed_cents"] == 13_440
        assert mine["outcome"]["plan"]["instructor"] is None
        assert "you are not paid" in theirs["outcome"]["sentence"]
        assert theirs["outcome"]["plan"]["student"] is None
        assert mine["outcome"]["reason"] == ""
        assert offered(mine) == offered(theirs) == set()
        assert stage.disorder() == []


class TestDisputing:
    @pytest.mark.rule("P8.4")
    def test_says_by_when_both_sides_are_heard(self, sam, ines, lesson):
        answer = ask(sam, "booking-disputes", lesson.ref, key="once", statement="It lasted ten minutes.")

        assert answer.status_code == 201
        case = answer.json()
        assert (case["kind"], case["state"], case["on_behalf_of"]) == ("dispute", "open", "student")
        assert [deadline["at"] for deadline in case["deadlines"]] == [
            f"{clock.now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (3, 7)
        ]
        assert ask(sam, "booking-disputes", lesson.ref, key="once", statement="It lasted ten minutes.").json() == case
        refused(ask(sam, "booking-disputes", lesson.ref, statement="Once more."), 409, "already_reported")
        refused(ask(ines, "booking-disputes", lesson.ref, statement="Me too."), 409, "under_review")
        assert offered(cases(ines, lesson)) == {"report_no_show"}

    def test_wants_to_know_what_was_wrong(self, sam, lesson):
        problem = refused(ask(sam, "booking-disputes", lesson.ref), 400, "validation_failed")

        assert problem["errors"][0]["pointer"] == "#/statement"


class TestChargebacks:
    def test_are_shown_to_both_sides_and_heard_of_the_instructor_alone(self, api, stage, lesson, sam, ines):
        stage.travel_to(lesson.ends_at + timedelta(hours=24), run_what_is_due_then=True)
        lesson.payment.refresh_from_db()
        opened = stage.simulator.dispute(lesson.payment.intent_id)
        take_in_from_bank(dispute_id=opened["id"], now=clock.now())

        mine, theirs = cases(sam, lesson)["cases"][0], cases(ines, lesson)["cases"][0]

        assert (mine["kind"], mine["state"]) == ("chargeback", "open")
        assert "Your bank has taken back $134.40" in mine["sentence"]
        assert offered(mine) == set()
        assert offered(theirs) == {"add_evidence"}
        refused(ask(sam, "case-evidence", mine["ref"], statement="It is true."), 409, "evidence_closed")
        shown = ines.post(reverse("api:case-evidence", args=[mine["ref"]]), {"file": upload()}, format="multipart")
        assert shown.status_code == 201
        assert len(cases(ines, lesson)["cases"][0]["evidence"]) == 1
        assert cases(sam, lesson)["cases"][0]["evidence"] == []
        assert sam.get(reverse("api:evidence-file", args=[shown.json()["ref"]])).status_code == 404


class TestCosts:
    def test_reading_cases_keeps_its_budget_of_statements(self, sam, ines, lesson, django_assert_max_num_queries):
        report(sam, lesson)
        ask(ines, "booking-disputes", lesson.ref, statement="The student was rude.")
        for number in range(3):
            ref = cases(sam, lesson)["cases"][0]["ref"]
            ask(sam, "case-evidence", ref, statement=f"Piece {number}")

        with django_assert_max_num_queries(12):
            shown = cases(sam, lesson)["cases"]

        assert sorted(len(case["evidence"]) for case in shown) == [0, 3]
