"""What the two sides do with a booking: cancel, move, pay, confirm, complete; each once, and with what was agreed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.models import Booking
from instainstru.locks import booking_mutex
from payments.models import Operation
from tests.stage import Stage


@pytest.fixture
def client(api, student) -> APIClient:
    return api(student)


def act(client, action: str, booking, key: str | None = None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(reverse(f"api:booking-{action}", args=[booking.ref]), body, headers=headers)


def seen(client, booking) -> dict:
    return client.get(reverse("api:booking", args=[booking.ref])).json()


def refused(answer, status: int, code: str) -> dict:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    return problem


class TestCancelling:
    @pytest.mark.rule("P7.3")
    def test_shows_first_what_it_then_does(self, client, stage: Stage):
        booking = stage.book(hours_ahead=6)

        preview = act(client, "cancel-preview", booking).json()
        assert preview["rule"] == "P7.3"
        assert preview["instructor"] is None
        assert (preview["student"]["card_charged_cents"], preview["student"]["credits_issued_cents"]) == (13_440, 6_000)
        assert "$134.40" in preview["student"]["sentence"]

        answer = act(client, "cancel", booking, preview=preview["preview"], reason="I am ill.")
        operation = answer.json()
        assert (answer.status_code, operation["state"]) == (200, "done")
        assert operation["plan"] == preview
        assert operation["booking"] == {"ref": booking.ref, "status": "cancelled", "payment_status": "settled"}
        after = seen(client, booking)
        assert after["cancellation_reason"] == "I am ill."
        assert after["payment"]["student"]["credits_issued_cents"] == 6_000
        assert stage.disorder() == []

    def test_tells_the_instructor_what_it_pays(self, api, stage, instructor):
        booking = stage.book(hours_ahead=6)

        preview = act(api(instructor), "cancel-preview", booking).json()

        assert (preview["rule"], preview["student"]) == ("P7.6", None)
        assert preview["instructor"]["paid_cents"] == 0

    def test_is_refused_if_it_would_do_something_else_by_now(self, client, stage):
        booking = stage.book(hours_ahead=72)
        stale = act(client, "cancel-preview", booking).json()
        stage.travel(hours=60)

        problem = refused(act(client, "cancel", booking, preview=stale["preview"]), 409, "preview_stale")

        assert problem["fresh"] == act(client, "cancel-preview", booking).json()
        assert problem["fresh"]["rule"] == "P7.2"  # exactly twelve hours ahead is not late yet
        assert problem["fresh"]["instructor"] is None
        assert seen(client, booking)["status"] == "confirmed"
        assert act(client, "cancel", booking, preview=problem["fresh"]["preview"]).status_code == 200

    @pytest.mark.rule("P7.10")
    def test_twice_is_cancelling_once(self, api, client, stage, instructor):
        booking = stage.book(hours_ahead=18)

        first, again = act(client, "cancel", booking), act(client, "cancel", booking)
        by_the_other_side = act(api(instructor), "cancel", booking)

        assert [answer.status_code for answer in (first, again, by_the_other_side)] == [200, 200, 200]
        references = {answer.json()["reference"] for answer in (first, again, by_the_other_side)}
        assert references == {f"{booking.ref}-2"}
        assert by_the_other_side.json()["asked_by"] == "student"

    @pytest.mark.rule("P7.10")
    def test_does_not_mind_the_mutex(self, client, stage):
        booking = stage.book(hours_ahead=18)

        with booking_mutex(booking.ref):
            assert act(client, "cancel", booking).status_code == 200

    @pytest.mark.rule("P10.4")
    def test_goes_on_when_stripe_is_silent(self, client, stage):
        booking = stage.book(hours_ahead=18)
        stage.simulator.order_fault("capture", "lost_answer")

        answer = act(client, "cancel", booking, key="once")

        assert (answer.status_code, answer.json()["state"]) == (202, "under_way")
        assert answer.json()["booking"]["status"] == "cancelled"  # its time is free at once
        assert seen(client, booking)["payment"]["operation"] == answer.json()["reference"]
        assert act(client, "cancel", booking, key="once").status_code == 202
        stage.travel(minutes=2)
        replayed = act(client, "cancel", booking, key="once")
        assert (replayed.status_code, replayed.json()["reference"]) == (200, answer.json()["reference"])
        assert replayed.json()["booking"]["payment_status"] == "settled"
        assert stage.disorder() == []

    @pytest.mark.rule("P7.7")
    def test_after_the_start_is_refused_with_what_can_be_done(self, client, stage):
        booking = stage.book(hours_ahead=18)
        stage.travel_to(booking.starts_at)

        for action in ("cancel", "cancel-preview"):
            problem = refused(act(client, action, booking), 409, "lesson_started")
            assert "no-show" in problem["what_can_be_done"]

    @pytest.mark.rule("P7.8")
    def test_that_the_bank_makes_free_is_no_refusal(self, client, stage):
        """The authorization is merely late, so the cancellation makes it first; refused, it costs nothing."""
        booking = stage.book(hours_ahead=25)
        stage.use_card("declined")
        stage.stand_at(booking.starts_at - timedelta(hours=18))  # our clockwork was down at T−24 h

        operation = act(client, "cancel", booking).json()

        assert (operation["state"], operation["refusal"]) == ("done", None)
        assert operation["booking"]["payment_status"] == "settled"
        assert operation["text"].endswith("nothing was charged.")

    def test_keeps_its_budget_of_statements(self, client, stage, django_assert_max_num_queries):
        """25 statements for two calls to Stripe, and the boundaries of three transactions; the edge has two of them."""
        booking = stage.book(hours_ahead=18)

        with django_assert_max_num_queries(31):
            assert act(client, "cancel", booking).status_code == 200


class TestMoving:
    def new_time(self, booking, **distance) -> str:
        return (booking.starts_at + timedelta(**distance)).isoformat()

    @pytest.mark.rule("P6.1")
    def test_early_moves_the_lesson(self, client, stage):
        booking = stage.book()
        to = self.new_time(booking, days=1)
        preview = act(client, "reschedule-preview", booking, starts_at=to).json()

        answer = act(client, "reschedule", booking, starts_at=to, preview=preview["preview"])

        assert answer.status_code == 200
        assert answer.json()["starts_at"] == "2026-03-06T15:00:00Z"
        assert preview["rule"] == "P6.1"

    @pytest.mark.rule("P6.2")
    def test_inside_a_day_it_is_paid_for_at_once(self, client, stage):
        booking = stage.book(hours_ahead=18)

        moved = act(client, "reschedule", booking, starts_at=self.new_time(booking, days=2)).json()

        assert (moved["payment"]["status"], moved["payment"]["student"]["card_charged_cents"]) == ("locked", 13_440)
        assert {action["action"] for action in moved["available_actions"]} == {"cancel"}
        assert stage.disorder() == []

    @pytest.mark.rule("P6.2")
    def test_is_refused_with_the_bank_and_the_lesson_stays(self, client, stage):
        booking = stage.book(hours_ahead=25)
        stage.use_card("declined")
        stage.stand_at(booking.starts_at - timedelta(hours=18))
        to = self.new_time(booking, days=2)

        for _ in range(2):  # and its replay says the same
            refused(act(client, "reschedule", booking, key="once", starts_at=to), 402, "card_declined")

        assert seen(client, booking)["starts_at"] == "2026-03-03T16:00:00Z"

    @pytest.mark.rule("P6.3")
    def test_late_is_refused(self, client, stage):
        booking = stage.book(hours_ahead=6)
        to = self.new_time(booking, days=2)

        refused(act(client, "reschedule", booking, starts_at=to), 409, "reschedule_too_late")
        refused(act(client, "reschedule-preview", booking, starts_at=to), 409, "reschedule_too_late")

    def test_to_a_time_that_is_taken_is_refused(self, client, stage):
        booking, other = stage.book(), stage.book(hours_ahead=96)

        to = other.starts_at.isoformat()
        refused(act(client, "reschedule", booking, starts_at=to), 409, "slot_unavailable")

    def test_is_moved_once_under_its_key(self, client, stage):
        booking = stage.book()
        to = self.new_time(booking, days=1)
        act(client, "reschedule", booking, key="once", starts_at=to)

        with booking_mutex(booking.ref):  # a replay asks for nothing new, so it waits for nobody
            replay = act(client, "reschedule", booking, key="once", starts_at=to)

        assert (replay.status_code, replay.json()["starts_at"]) == (200, "2026-03-06T15:00:00Z")
        assert Operation.objects.count() == 2

    def test_meets_whoever_is_at_the_booking_at_once(self, client, stage):
        booking = stage.book()

        with booking_mutex(booking.ref):
            answer = act(client, "reschedule", booking, starts_at=self.new_time(booking, days=1))

        refused(answer, 409, "operation_in_progress")
        assert answer["Retry-After"] == "2"


class TestPaying:
    @pytest.fixture
    def declined(self, stage: Stage) -> Booking:
        """A checkout that waits for a card that works."""
        stage.use_card("declined")
        return stage.book(hours_ahead=20)

    @pytest.mark.rule("P5.2")
    def test_again_with_another_card_books_the_lesson(self, client, stage, declined):
        stage.use_card("ok")

        booking = act(client, "pay", declined).json()

        assert (booking["status"], booking["payment"]["status"]) == ("confirmed", "authorized")
        assert booking["payment"]["action_required"] is None

    def test_again_in_vain_says_so_once_more(self, client, declined):
        answer = act(client, "pay", declined)

        assert (answer.status_code, answer.json()["status"]) == (200, "pending")
        assert answer.json()["payment"]["action_required"]["code"] == "card_declined"
        assert [entry["refusal"]["code"] for entry in answer.json()["timeline"]] == ["card_declined"] * 2

    @pytest.mark.rule("P5.3")
    def test_too_late_for_the_time_is_a_conflict(self, client, stage, declined, outsider):
        from instainstru.local.scenarios.stage import save_card

        save_card(outsider, card="ok")
        stage.book(hours_ahead=20, student=outsider)
        stage.use_card("ok")

        for _ in range(2):
            refused(act(client, "pay", declined, key="once"), 409, "slot_unavailable")

        assert seen(client, declined)["status"] == "cancelled"
        assert [hold["cents"] for hold in stage.simulator.live_holds()] == [13_440]  # the other one's alone
        assert stage.disorder() == []

    def test_what_is_paid_for_is_refused(self, client, stage):
        refused(act(client, "pay", stage.book(hours_ahead=20)), 409, "already_settled")

    @pytest.mark.rule("P10.2")
    def test_what_is_owed_unlocks_the_account(self, client, stage):
        booking = stage.book(hours_ahead=20)
        stage.simulator.order_fault("capture", "refuse", times="always")
        stage.simulator.order_fault("authorize", "refuse", times="always")
        stage.travel_to(booking.ends_at + timedelta(hours=24 + 73))
        owing = seen(client, booking)["payment"]
        assert (owing["status"], owing["student"]["owed_cents"]) == ("manual_review", 13_440)
        assert owing["action_required"]["code"]

        stage.simulator.order_fault("capture", "none")
        stage.simulator.order_fault("authorize", "none")
        paid = act(client, "pay", booking).json()["payment"]

        assert (paid["status"], paid["student"]["owed_cents"]) == ("settled", 0)
        assert stage.disorder() == []


class TestTheBanksPage:
    @pytest.fixture
    def waiting(self, stage: Stage) -> Booking:
        stage.use_card("requires_3ds")
        return stage.book(hours_ahead=20)

    def test_confirmed_there_the_lesson_is_booked(self, client, stage, waiting):
        stage.simulator.finish_3ds(waiting.payment.pending_intent_id)

        booking = act(client, "confirm-payment", waiting).json()

        assert (booking["status"], booking["payment"]["status"]) == ("confirmed", "authorized")

    def test_still_open_nothing_has_changed(self, client, waiting):
        answer = act(client, "confirm-payment", waiting)

        assert (answer.status_code, answer.json()["status"]) == (200, "pending")
        assert answer.json()["payment"]["action_required"]["code"] == "authentication_required"

    def test_failed_there_another_card_is_wanted(self, client, stage, waiting):
        stage.simulator.finish_3ds(waiting.payment.pending_intent_id, succeed=False)

        assert act(client, "confirm-payment", waiting).json()["payment"]["action_required"]["code"] == "card_declined"

    def test_without_one_there_is_nothing_to_confirm(self, client, stage):
        refused(act(client, "confirm-payment", stage.book()), 409, "already_settled")


class TestCompleting:
    @pytest.mark.rule("P5.5")
    def test_changes_the_booking_and_moves_no_money(self, api, stage, instructor):
        booking, client = stage.book(hours_ahead=20), api(instructor)
        refused(act(client, "complete", booking), 409, "lesson_not_ended")
        stage.travel_to(booking.ends_at)

        completed = act(client, "complete", booking, key="once").json()

        assert (completed["status"], completed["payment"]["status"]) == ("completed", "authorized")
        assert completed["marked_complete_at"] == "2026-03-03T12:00:00Z"
        assert act(client, "complete", booking, key="once").status_code == 200
        refused(act(client, "complete", booking), 409, "already_completed")
        assert Operation.objects.count() == 1


class TestAvailableActions:
    def test_lead_to_where_they_are_done(self, client, stage):
        """Whoever follows an offer with its preview is not refused."""
        booking = stage.book(hours_ahead=18)
        offers = {offer["action"]: offer for offer in seen(client, booking)["available_actions"]}

        cancel = offers["cancel"]
        assert (cancel["rule"], cancel["unchanged_until"]) == ("P7.2", "2026-03-02T21:00:00Z")
        assert cancel["possible_until"] == "2026-03-03T09:00:00Z"
        assert cancel["plan"]["student"]["credits_issued_cents"] == 12_000
        answer = client.post(cancel["href"], {"preview": cancel["plan"]["preview"]})
        assert (answer.status_code, answer.json()["plan"]) == (200, cancel["plan"])

    def test_of_a_booking_that_is_over_there_are_none(self, client, stage):
        booking = stage.book()
        act(client, "cancel", booking)

        assert seen(client, booking)["available_actions"] == []

    @pytest.mark.rule("P10.3")
    def test_while_money_waits_for_staff_the_student_may_still_cancel(self, api, client, stage, staff):
        booking = stage.book(hours_ahead=18)
        stage.simulator.order_fault("reverse", "refuse")
        to = (booking.starts_at + timedelta(days=2)).isoformat()
        act(client, "reschedule", booking, starts_at=to)

        stopped = seen(client, booking)

        assert stopped["payment"]["status"] == "manual_review"
        assert stopped["payment"]["review"] is None
        assert seen(api(staff), booking)["payment"]["review"]["reason"] == "reversal_refused"
        (offer,) = stopped["available_actions"]
        assert offer["plan"] == act(client, "cancel-preview", booking).json()
        answer = act(client, "cancel", booking, preview=offer["plan"]["preview"])
        assert (answer.status_code, answer.json()["state"]) == (202, "under_way")
        assert seen(client, booking)["status"] == "cancelled"
