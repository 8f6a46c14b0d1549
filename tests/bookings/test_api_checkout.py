"""Booking through the API: with the card, with credits, with the bank's no, and once however often it is sent."""

from datetime import timedelta

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from bookings.models import Booking
from instainstru import clock
from payments.models import Operation
from tests.stage import Stage


@pytest.fixture
def client(api, student) -> APIClient:
    return api(student)


def wish(stage: Stage, *, hours_ahead: float = 72, **changes):
    starts_at = clock.now() + timedelta(hours=hours_ahead)
    return {"service": stage.service.ref, "starts_at": starts_at.isoformat(), "minutes": 60} | changes


def book(client, stage: Stage, *, key: str | None = None, **how):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(reverse("api:bookings"), wish(stage, **how), headers=headers)


@pytest.mark.rule("P5.1")
def test_a_lesson_days_ahead_is_booked_at_once(client, stage):
    answer = book(client, stage, note="I am a beginner.")

    booking = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == reverse("api:booking", args=[booking["ref"]])
    assert (booking["status"], booking["payment"]["status"]) == ("confirmed", "scheduled")
    assert booking["note"] == "I am a beginner."
    assert booking["payment"]["deadlines"]["authorize_at"] == "2026-03-04T15:00:00Z"
    assert booking["payment"]["action_required"] is None
    assert not stage.simulator.live_holds()


@pytest.mark.rule("P5.2")
def test_a_lesson_tomorrow_is_booked_once_the_card_is_held(client, stage):
    booking = book(client, stage, hours_ahead=20).json()

    assert (booking["status"], booking["payment"]["status"]) == ("confirmed", "authorized")
    assert booking["payment"]["student"]["card_held_cents"] == 13_440


def test_credits_are_reserved(client, stage):
    stage.give_credit(15_000)

    money = book(client, stage, credits_cents=12_000).json()["payment"]["student"]

    assert (money["credits_cents"], money["card_total_cents"]) == (12_000, 1_440)
    assert client.get(reverse("api:wallet")).json()["reserved_cents"] == 12_000


class TestTheBanksNo:
    """P5.2: the booking is pending and says what helps; it holds no time."""

    def test_a_declined_card_leaves_the_booking_pending(self, client, stage):
        stage.use_card("declined")

        answer = book(client, stage, hours_ahead=20)

        booking = answer.json()
        assert (answer.status_code, booking["status"]) == (201, "pending")
        assert booking["payment"]["action_required"] == {
            "code": "card_declined",
            "message": "The card was declined.",
            "what_can_be_done": "Use another card or ask your bank.",
            "url": None,
            "expires_at": "2026-03-02T15:30:00Z",
        }
        assert {action["action"] for action in booking["available_actions"]} == {"pay", "cancel"}

    def test_a_bank_that_wants_to_hear_from_the_student_has_a_page(self, client, stage):
        stage.use_card("requires_3ds")

        booking = book(client, stage, hours_ahead=20).json()

        required = booking["payment"]["action_required"]
        assert required["code"] == "authentication_required"
        assert required["url"].startswith(stage.simulator.url)
        assert {action["action"] for action in booking["available_actions"]} == {"confirm_payment", "pay", "cancel"}

    def test_is_not_told_to_the_instructor(self, api, client, stage, instructor):
        stage.use_card("declined")
        ref = book(client, stage, hours_ahead=20).json()["ref"]

        assert api(instructor).get(reverse("api:booking", args=[ref])).status_code == 404
        assert api(instructor).get(reverse("api:bookings")).json()["results"] == []


class TestStripesSilence:
    """P10.4: no answer is neither yes nor no; the client is told where to look."""

    def test_is_accepted_and_goes_on(self, client, stage):
        stage.simulator.order_fault("authorize", "lost_answer")

        answer = book(client, stage, hours_ahead=20)

        assert (answer.status_code, answer["Retry-After"]) == (202, "2")
        operation = answer.json()
        assert answer["Location"] == reverse("api:operation", args=[operation["reference"]])
        assert (operation["state"], operation["booking"]["status"]) == ("under_way", "pending")
        seen = client.get(reverse("api:booking", args=[operation["booking_ref"]])).json()
        assert seen["payment"]["operation_in_progress"] is True
        assert seen["payment"]["operation"] == operation["reference"]
        assert seen["payment"]["action_required"] is None

        stage.travel(minutes=2)
        done = client.get(answer["Location"]).json()
        assert (done["state"], done["booking"]["status"]) == ("done", "confirmed")
        assert [step["state"] for step in done["steps"]] == ["succeeded"]
        assert stage.disorder() == []


class TestRefusals:
    """Each refusal is a problem document with its code (policy section 12), and changes nothing."""

    def refused(self, answer, status: int, code: str) -> dict:
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), problem
        assert answer["Content-Type"] == "application/problem+json"
        assert problem["what_can_be_done"]
        return problem

    def test_without_a_card(self, api, outsider, stage):
        self.refused(book(api(outsider), stage), 402, "payment_method_required")
        assert not Booking.objects.exists()

    def test_of_a_time_that_is_taken(self, client, stage):
        stage.book()

        self.refused(book(client, stage), 409, "slot_unavailable")

    def test_of_more_credits_than_there_are(self, client, stage):
        stage.give_credit(1_000)

        self.refused(book(client, stage, credits_cents=1_001), 422, "credits_unavailable")
        assert not Booking.objects.exists()

    def test_of_a_lesson_in_the_past(self, client, stage):
        self.refused(book(client, stage, hours_ahead=-1), 409, "lesson_started")

    @pytest.mark.rule("P1.2")
    def test_of_a_price_that_has_changed_since_it_was_quoted(self, client, stage):
        quote = client.post(reverse("api:quotes"), wish(stage)).json()
        stage.service.hourly_price_cents = 15_000
        stage.service.save()

        problem = self.refused(book(client, stage, preview=quote["payment"]["preview"]), 409, "preview_stale")

        fresh = problem["fresh"]["payment"]
        assert fresh["student"]["card_total_cents"] == 16_800
        assert fresh["instructor"] is None
        assert not Booking.objects.exists()
        assert book(client, stage, preview=fresh["preview"]).status_code == 201

    @pytest.mark.parametrize("minutes", [0, 45.5, "long"])
    def test_of_a_body_that_means_nothing(self, client, stage, minutes):
        self.refused(book(client, stage, minutes=minutes), 400, "validation_failed")


class TestIdempotencyKeys:
    def test_the_same_request_books_once(self, client, stage):
        first, again = (book(client, stage, key="once") for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["ref"] == again.json()["ref"]
        assert Booking.objects.count() == 1

    def test_a_replay_tells_how_it_stands_now(self, client, stage):
        stage.simulator.order_fault("authorize", "timeout_before")
        at = clock.now() + timedelta(hours=20)
        body = wish(stage) | {"starts_at": at.isoformat()}

        def send():
            return client.post(reverse("api:bookings"), body, headers={"Idempotency-Key": "once"})

        assert send().status_code == 202
        assert send().status_code == 202
        stage.travel(minutes=2)
        replay = send()
        assert (replay.status_code, replay.json()["status"]) == (201, "confirmed")
        assert Operation.objects.count() == 1

    def test_another_request_may_not_use_the_key(self, client, stage):
        book(client, stage, key="once")

        problem = book(client, stage, key="once", hours_ahead=96).json()

        assert (problem["status"], problem["code"]) == (422, "idempotency_key_reused")

    def test_a_refused_request_may_be_sent_again(self, client, stage):
        in_the_way = stage.book()
        assert book(client, stage, key="once").status_code == 409
        client.post(reverse("api:booking-cancel", args=[in_the_way.ref]))

        assert book(client, stage, key="once").status_code == 201

    def test_each_user_has_their_own_keys(self, api, client, stage, outsider):
        book(client, stage, key="once")

        assert book(api(outsider), stage, key="once").json()["code"] == "payment_method_required"


# 21 and 25 statements; BEGIN, COMMIT and savepoints are counted besides: 4 of the one, 6 of the other. The edge has a
# part in them: the token, the service, and afterwards the booking.
AHEAD_OF_TIME, WITH_A_HOLD = 25, 31


@pytest.mark.parametrize(("hours_ahead", "budget"), [(72, AHEAD_OF_TIME), (20, WITH_A_HOLD)])
def test_checkout_keeps_its_budget_of_statements(client, stage, django_assert_max_num_queries, hours_ahead, budget):
    body = wish(stage, hours_ahead=hours_ahead)

    with django_assert_max_num_queries(budget):
        assert client.post(reverse("api:bookings"), body).status_code == 201


def test_a_replay_asks_the_database_five_things(client, stage, django_assert_num_queries):
    """The token, the key, the operation, the payment's history, and the booking."""
    book(client, stage, key="once")

    with django_assert_num_queries(5):
        assert book(client, stage, key="once").status_code == 201


def test_money_is_asked_for_five_times_a_minute(client, stage):
    answers = [book(client, stage, hours_ahead=72 + number) for number in range(6)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "throttled"
    assert client.get(reverse("api:bookings")).status_code == 200  # looking is counted apart
