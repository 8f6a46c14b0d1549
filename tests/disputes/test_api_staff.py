"""What staff do through the API: rule, refund, cancel; each shown first, with a reason, once, and written down."""

import pytest
from django.urls import reverse

from bookings.models import Booking
from disputes.operations import contest_no_show, open_dispute, report_no_show
from instainstru import clock
from instainstru.models import StaffAction
from payments.models import Operation
from payments.policy.states import Party
from tests.bookings.test_api_races import all_at_once


@pytest.fixture
def client(api, ruler):
    return api(ruler)


@pytest.fixture
def contested(stage, lesson) -> Booking:
    report = report_no_show(
        booking=lesson, actor=stage.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now()
    )
    contest_no_show(report=report, actor=stage.instructor, statement="I was there.", now=clock.now())
    return lesson


@pytest.fixture
def settled(stage) -> Booking:
    booking = stage.book(hours_ahead=30)
    stage.travel_to(booking.ends_at)
    stage.travel(hours=25)
    booking.refresh_from_db()
    assert booking.payment.status == "settled"
    return booking


def act(client, action: str, booking, key: str | None = None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(reverse(f"api:booking-{action}", args=[booking.ref]), body, headers=headers)


def previewed(client, action: str, booking, **body) -> dict:
    answer = act(client, f"{action}-preview", booking, **body)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def refused(answer, status: int, code: str) -> dict:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    return problem


class TestRulingOnNoShows:
    @pytest.mark.rule("P8.3")
    @pytest.mark.parametrize(
        ("ruling", "sentence", "outcome"),
        [
            ("instructor_absent", "Your instructor did not come.", "instructor_no_show_full_refund"),
            ("both_absent", "Neither side came.", "mutual_no_show_full_refund"),
            ("student_absent", "", "student_no_show_full_payout"),
        ],
    )
    def test_does_what_was_shown(self, client, stage, contested, ruling, sentence, outcome):
        preview = previewed(client, "no-show-ruling", contested, ruling=ruling)
        assert sentence in preview["plan"]["student"]["sentence"]

        answer = act(
            client, "no-show-ruling", contested, ruling=ruling, reason="Both were heard.", preview=preview["preview"]
        )

        assert answer.status_code == 200, answer.json()
        (case,) = answer.json()["cases"]
        assert (case["state"], case["outcome"]["ruling"]) == ("ended", ruling)
        assert case["outcome"]["reason"] == "Both were heard."
        assert case["outcome"]["plan"] == preview["plan"]
        assert answer.json()["booking"]["status"] == "no_show"
        contested.payment.refresh_from_db()
        assert contested.payment.settlement_outcome == outcome
        assert stage.disorder() == []

    @pytest.mark.rule("P8.3")
    def test_unfounded_everything_goes_on(self, client, contested):
        preview = previewed(client, "no-show-ruling", contested, ruling="unfounded")
        assert (preview["preview"], preview["plan"]) == ("nothing-moves", None)
        assert preview["sentence"].startswith("The lesson's payment goes on")

        answer = act(client, "no-show-ruling", contested, ruling="unfounded", reason="It ran.", preview="nothing-moves")

        assert answer.json()["booking"]["payment_status"] == "authorized"
        assert answer.json()["cases"][0]["outcome"]["ruling"] == "unfounded"
        assert StaffAction.objects.get().began == f"no_show:{contested.ref}"

    @pytest.mark.parametrize("agreed", ["0" * 32, "nothing-moves"])
    def test_something_else_than_was_agreed_to_is_refused_with_the_fresh_preview(self, client, contested, agreed):
        fresh = previewed(client, "no-show-ruling", contested, ruling="instructor_absent")

        answer = act(client, "no-show-ruling", contested, ruling="instructor_absent", reason="Heard.", preview=agreed)

        assert refused(answer, 409, "preview_stale")["fresh"] == fresh
        assert not StaffAction.objects.exists()

    def test_wants_a_reason_and_a_preview(self, client, contested):
        problem = refused(act(client, "no-show-ruling", contested, ruling="unfounded"), 400, "validation_failed")

        assert {fault["pointer"] for fault in problem["errors"]} == {"#/reason", "#/preview"}

    def test_the_same_key_rules_once(self, client, contested):
        preview = previewed(client, "no-show-ruling", contested, ruling="instructor_absent")
        body = {"ruling": "instructor_absent", "reason": "Heard.", "preview": preview["preview"]}

        first, again = (act(client, "no-show-ruling", contested, key="once", **body) for _ in range(2))

        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert StaffAction.objects.count() == 1
        refused(act(client, "no-show-ruling", contested, **body), 409, "already_settled")

    def test_the_same_key_many_times_at_once_rules_once(self, client, contested):
        preview = previewed(client, "no-show-ruling", contested, ruling="instructor_absent")
        body = {"ruling": "instructor_absent", "reason": "Heard.", "preview": preview["preview"]}

        answers = all_at_once([lambda: act(client, "no-show-ruling", contested, key="once", **body)] * 4)

        assert {answer.status_code for answer in answers} <= {200, 202, 409}
        problems = {answer.json()["code"] for answer in answers if answer.status_code == 409}
        assert problems <= {"idempotency_key_in_use"}
        assert StaffAction.objects.count() == 1

    @pytest.mark.rule("P10.4")
    def test_goes_on_when_stripe_is_silent(self, client, stage, contested):
        preview = previewed(client, "no-show-ruling", contested, ruling="student_absent")
        stage.simulator.order_fault("capture", "lost_answer")
        body = {"ruling": "student_absent", "reason": "Heard.", "preview": preview["preview"]}

        answer = act(client, "no-show-ruling", contested, key="once", **body)

        assert (answer.status_code, answer.json()["state"]) == (202, "under_way")
        stage.travel(minutes=2)
        replayed = act(client, "no-show-ruling", contested, key="once", **body)
        assert (replayed.status_code, replayed.json()["booking"]["payment_status"]) == (200, "settled")
        assert stage.disorder() == []

    def test_nothing_to_rule_on(self, client, lesson):
        refused(act(client, "no-show-ruling-preview", lesson, ruling="unfounded"), 409, "already_settled")
        refused(act(client, "dispute-ruling-preview", lesson, ruling="student_wins"), 409, "already_settled")


class TestRulingOnDisputes:
    @pytest.mark.rule("P8.4")
    def test_for_the_student_after_the_payout(self, client, stage, settled):
        body = {"statement": "As the student told us.", "on_behalf_of": "student"}
        opened = act(client, "disputes", settled, **body)
        assert (opened.status_code, opened.json()["on_behalf_of"]) == (201, "student")
        preview = previewed(client, "dispute-ruling", settled, ruling="student_wins")
        assert preview["plan"]["student"]["card_refunded_cents"] == 13_440
        assert preview["plan"]["instructor"]["paid_cents"] == -10_560

        answer = act(
            client, "dispute-ruling", settled, ruling="student_wins", reason="Heard.", preview=preview["preview"]
        )

        assert answer.status_code == 200
        assert answer.json()["cases"][0]["outcome"]["plan"] == preview["plan"]
        settled.payment.refresh_from_db()
        assert settled.payment.settlement_outcome == "student_wins_dispute_full_refund"
        assert stage.disorder() == []

    @pytest.mark.rule("P8.4")
    def test_for_the_instructor_everything_goes_on(self, client, stage, lesson):
        open_dispute(booking=lesson, actor=stage.student, by=Party.STUDENT, statement="Short.", now=clock.now())

        answer = act(
            client, "dispute-ruling", lesson, ruling="instructor_wins", reason="It ran.", preview="nothing-moves"
        )

        assert answer.json()["booking"]["payment_status"] == "authorized"
        assert "won by the instructor" in answer.json()["cases"][0]["outcome"]["sentence"]

    def test_staff_say_on_behalf_of_whom(self, client, settled):
        problem = refused(act(client, "disputes", settled, statement="It was short."), 400, "validation_failed")

        assert problem["errors"][0]["pointer"] == "#/on_behalf_of"


class TestReportingByStaff:
    @pytest.mark.rule("P8.1")
    def test_says_who_was_absent(self, client, lesson):
        refused(act(client, "no-show-reports", lesson), 400, "validation_failed")

        answer = act(client, "no-show-reports", lesson, absent="student", statement="As the log shows.")

        assert (answer.status_code, answer.json()["opened_by"], answer.json()["absent"]) == (201, "staff", "student")
        assert {action["action"] for action in answer.json()["available_actions"]} == {"withdraw", "add_evidence"}


class TestRefunding:
    @pytest.mark.rule("P8.6")
    def test_does_what_was_shown_and_is_written_down(self, client, stage, settled, ruler):
        preview = previewed(client, "refund", settled, cents=2_000)
        assert preview["student"]["card_refunded_cents"] == 2_000

        answer = act(client, "refund", settled, cents=2_000, reason="It began late.", preview=preview["preview"])

        assert (answer.status_code, answer.json()["state"], answer.json()["kind"]) == (200, "done", "staff_refund")
        written = StaffAction.objects.get()
        assert (written.actor, written.action, written.subject) == (ruler, "refund", settled.ref)
        assert (written.reason, written.began) == ("It began late.", f"operation:{answer.json()['reference']}")
        assert written.shown == {
            "cents": 2_000,
            "bearer": "platform",
            "again": False,
            "preview": preview["preview"],
        }
        assert (written.before["card_refunded_cents"], written.address) == (0, "127.0.0.1")
        assert stage.disorder() == []

    @pytest.mark.rule("P8.6")
    def test_the_same_amount_asked_twice_is_one_refund_until_it_is_wanted_again(self, client, stage, settled):
        def refund(**more):
            preview = previewed(client, "refund", settled, cents=2_000)["preview"]
            return act(client, "refund", settled, cents=2_000, reason="It began late.", preview=preview, **more)

        first, again = refund().json(), refund().json()
        once_more = refund(again=True).json()

        assert first["reference"] == again["reference"] != once_more["reference"]
        settled.payment.refresh_from_db()
        assert settled.payment.refunded_to_card_cents == 4_000
        assert stage.disorder() == []

    @pytest.mark.rule("P8.6")
    def test_the_instructor_bears_it_in_proportion(self, client, settled):
        preview = previewed(client, "refund", settled, cents=6_720, bearer="instructor")

        assert preview["instructor"]["paid_cents"] == -5_280

    @pytest.mark.rule("P8.6")
    def test_is_refused_with_what_can_be_done(self, client, settled, lesson):
        refused(act(client, "refund-preview", settled, cents=13_441), 422, "refund_exceeds_captured")
        refused(act(client, "refund-preview", lesson, cents=2_000), 409, "cancel_instead")
        refused(act(client, "refund-preview", settled, cents=0), 400, "validation_failed")
        stale = act(client, "refund", settled, cents=2_000, reason="Late.", preview="0" * 32)
        fresh = previewed(client, "refund", settled, cents=2_000)
        assert refused(stale, 409, "preview_stale")["fresh"] == fresh

    @pytest.mark.rule("P8.1")
    def test_waits_for_the_ruling_while_a_case_is_open(self, client, contested):
        refused(act(client, "refund-preview", contested), 409, "under_review")
        refused(act(client, "staff-cancel-preview", contested, with_refund=True), 409, "under_review")


class TestCancelling:
    @pytest.mark.rule("P8.7")
    @pytest.mark.parametrize(("with_refund", "outcome"), [(True, "admin_refund"), (False, "admin_no_refund")])
    def test_does_what_was_shown_once(self, client, stage, with_refund, outcome):
        booking = stage.book(hours_ahead=20)
        preview = previewed(client, "staff-cancel", booking, with_refund=with_refund)
        body = {"with_refund": with_refund, "reason": "Asked for by phone.", "preview": preview["preview"]}

        first, again = (act(client, "staff-cancel", booking, key="once", **body) for _ in range(2))

        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        booking.refresh_from_db()
        assert (booking.status, booking.cancelled_by) == ("cancelled", "staff")
        assert booking.payment.settlement_outcome == outcome
        assert Operation.objects.filter(payment=booking.payment, kind="staff_cancel").count() == 1
        done = StaffAction.objects.get()
        assert done.action == ("cancel-with-refund" if with_refund else "cancel-without-refund")
        assert done.after["booking"] == "cancelled"
        assert stage.disorder() == []


@pytest.mark.parametrize("action", ["no-show-ruling", "dispute-ruling", "refund", "staff-cancel"])
def test_what_moves_money_is_throttled_as_such(client, lesson, settings, action):
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"read": "9/min", "write": "9/min", "money": "1/min"}
    }

    answers = [act(client, action, lesson).status_code for _ in range(2)]
    previews = [act(client, f"{action}-preview", lesson).status_code for _ in range(2)]

    assert answers == [400, 429]
    assert 429 not in previews
