"""Looking at bookings: what each side reads, and how lists are searched."""

from datetime import timedelta

import pytest
from django.urls import reverse

from instainstru import clock
from payments.policy.states import PaymentStatus
from tests.bookings.factories import BookingFactory, InstructorFactory, ServiceFactory
from tests.stage import Stage


@pytest.fixture
def seen(api):
    """Read a booking as a user."""

    def read(user, booking) -> dict:
        answer = api(user).get(reverse("api:booking", args=[booking.ref]))
        assert answer.status_code == 200
        return answer.json()

    return read


class TestSides:
    @pytest.fixture
    def settled(self, stage: Stage):
        """A lesson of 120.00 with 50.00 of credit, taken and paid for (P5.5)."""
        stage.give_credit(5_000)
        booking = stage.book(credits=5_000)
        stage.travel_to(booking.ends_at + timedelta(hours=24), run_what_is_due_then=True)
        return booking

    def test_the_student_reads_what_was_paid(self, seen, student, settled):
        payment = seen(student, settled)["payment"]

        assert (payment["status"], payment["outcome"]) == ("settled", "lesson_completed_full_payout")
        assert payment["instructor"] is None
        assert payment["student"] == {
            "lesson_price_cents": 12_000,
            "student_fee_cents": 1_440,
            "student_fee_rate": 1_200,
            "credits_cents": 5_000,
            "card_total_cents": 8_440,
            "card_held_cents": 0,
            "card_charged_cents": 8_440,
            "card_refunded_cents": 0,
            "credits_returned_cents": 0,
            "credits_used_cents": 5_000,
            "credits_forfeited_cents": 0,
            "credits_issued_cents": 0,
            "owed_cents": 0,
        }

    def test_the_instructor_reads_what_was_earned(self, seen, instructor, settled):
        payment = seen(instructor, settled)["payment"]

        assert payment["student"] is None
        assert payment["instructor"] == {
            "lesson_price_cents": 12_000,
            "instructor_fee_cents": 1_440,
            "instructor_fee_rate": 1_200,
            "tier": "growth",
            "payout_cents": 10_560,
            "paid_cents": 10_560,
        }

    def test_staff_read_both(self, seen, staff, settled):
        booking = seen(staff, settled)

        assert booking["payment"]["student"]["card_charged_cents"] == 8_440
        assert booking["payment"]["instructor"]["paid_cents"] == 10_560
        assert booking["available_actions"] == []

    def test_no_student_learns_the_instructors_share(self, api, student, settled):
        """Whatever a student can read of a booking: 105.60 is the payout, 84.40 of it came with the charge."""
        client = api(student)
        read = [reverse("api:booking", args=[settled.ref]), reverse("api:bookings")]
        read += [reverse("api:operation", args=[f"{settled.ref}-{number}"]) for number in (1, 2, 3)]

        for address in read:
            answer = client.get(address)
            assert answer.status_code == 200
            assert "10560" not in answer.content.decode()
            assert "105.60" not in answer.content.decode()
            assert "2120" not in answer.content.decode()  # the top-up

    def test_the_timeline_tells_each_side_its_own(self, seen, student, instructor, settled):
        told = [entry["text"] for entry in seen(student, settled)["timeline"]]
        assert [entry.partition(".")[0] for entry in told] == [
            "Your lesson is booked",
            "$84",
            "The lesson is completed",
        ]
        heard = [entry["text"] for entry in seen(instructor, settled)["timeline"]]
        assert heard[-1] == "The lesson is completed. $105.60 is paid to you."

    def test_the_calls_of_an_operation_are_those_of_the_reader(self, api, student, instructor, settled):
        address = reverse("api:operation", args=[f"{settled.ref}-3"])

        def steps(user):
            found = api(user).get(address).json()["steps"]
            return [(step["call"], step["card_cents"], step["instructor_cents"]) for step in found]

        assert steps(student) == [("capture", 8_440, None), ("pay", None, None)]
        assert steps(instructor) == [("capture", None, 8_440), ("pay", None, 2_120)]


@pytest.mark.django_db
@pytest.mark.usefixtures("standing_clock")
class TestLists:
    @pytest.fixture
    def bookings(self, student):
        """A lesson an hour for four days ahead, in changing states, and one that is over."""
        service = ServiceFactory(instructor=InstructorFactory(open_always=True))
        now = clock.now()
        return {
            "over": BookingFactory(student=student, service=service, made_at=now - timedelta(days=9)),
            "soon": BookingFactory(student=student, service=service, made_at=now - timedelta(days=2)),
            "cancelled": BookingFactory(student=student, service=service, cancelled=True),
            "pending": BookingFactory(
                student=student,
                service=service,
                pending=True,
                payment__status=PaymentStatus.PAYMENT_METHOD_REQUIRED.value,
                starts_at=now + timedelta(days=4),
            ),
        }

    @pytest.fixture
    def listed(self, api, student, bookings):
        def found(**query) -> list[str]:
            answer = api(student).get(reverse("api:bookings"), query)
            assert answer.status_code == 200, answer.content
            named = {booking.ref: name for name, booking in bookings.items()}
            return [named[booking["ref"]] for booking in answer.json()["results"]]

        return found

    def test_the_latest_lesson_comes_first_unless_told_otherwise(self, listed):
        assert listed() == ["pending", "cancelled", "soon", "over"]
        assert listed(ordering="starts_at") == ["over", "soon", "cancelled", "pending"]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"status": "confirmed"}, ["soon", "over"]),
            ({"status": ["pending", "cancelled"]}, ["pending", "cancelled"]),
            ({"payment_status": "payment_method_required"}, ["pending"]),
            ({"upcoming": "true"}, ["pending", "soon"]),
            ({"upcoming": "false"}, ["cancelled", "over"]),
            ({"from": "2026-03-03T15:00:00Z"}, ["pending", "cancelled", "soon"]),
            ({"from": "2026-03-03T15:00:01Z"}, ["pending", "cancelled"]),
            ({"to": "2026-03-03T15:00:00Z"}, ["over"]),
            ({"status": "confirmed", "upcoming": "true"}, ["soon"]),
        ],
        ids=str,
    )
    def test_filters_narrow_the_list(self, listed, query, expected):
        assert listed(**query) == expected

    @pytest.mark.parametrize("query", [{"status": "lost"}, {"from": "now"}, {"upcoming": "perhaps"}, {"ordering": "x"}])
    def test_a_filter_that_means_nothing_is_refused(self, api, student, query):
        answer = api(student).get(reverse("api:bookings"), query)

        assert answer.status_code == 400
        assert [error["parameter"] for error in answer.json()["errors"]] == list(query)

    @pytest.mark.parametrize("ordering", ["starts_at", "-starts_at"])
    def test_pages_follow_each_other_without_loss(self, api, student, listed, ordering):
        client, url, found = api(student), f"{reverse('api:bookings')}?page_size=1&ordering={ordering}", []
        while url:
            page = client.get(url).json()
            found += [booking["ref"] for booking in page["results"]]
            url = page["next"]

        assert len(found) == len(set(found)) == len(listed(ordering=ordering)) == 4

    def test_a_list_asks_the_database_two_things_however_long_it_is(
        self, api, student, bookings, django_assert_num_queries
    ):
        client = api(student)
        client.get(reverse("api:bookings"))  # the rules of a version are read once per process

        with django_assert_num_queries(2):
            assert client.get(reverse("api:bookings")).status_code == 200

    def test_a_booking_asks_the_database_three_things(self, api, student, bookings, django_assert_num_queries):
        client, address = api(student), reverse("api:booking", args=[bookings["soon"].ref])
        client.get(address)

        with django_assert_num_queries(3):
            assert client.get(address).status_code == 200
