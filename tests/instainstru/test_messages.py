"""A user's own messages, through the API and on their page."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from instainstru.notifications import operations
from instainstru.notifications.kinds import kind_of
from instainstru.notifications.models import Message

pytestmark = pytest.mark.django_db

URL = "/api/v1/messages"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def tell(recipient, times=1):
    with transaction.atomic():
        for number in range(times):
            operations.queue_message(
                recipient=recipient,
                key="lesson_paid",
                context={**kind_of("lesson_paid").sample, "service": f"Lesson {number}"},
                reference="bk_1",
                dedupe_key=str(number),
                now=NOW,
            )


@pytest.mark.parametrize("who", ["student", "instructor", "staff", "outsider"])
def test_everybody_sees_their_own_and_no_others(request, api, who):
    user = request.getfixturevalue(who)
    tell(user)
    other = request.getfixturevalue("outsider" if who != "outsider" else "student")
    tell(other, times=2)

    [message] = api(user).get(URL).data["results"]

    assert message["subject"] == "You were paid $105.60 for Lesson 0"
    assert message["text"].startswith("You were paid for “Lesson 0” with Sam Okafor")
    assert (message["key"], message["reference"], message["read_at"]) == ("lesson_paid", "bk_1", None)


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", "/read"), ("post", "/ms_1/read")])
def test_a_stranger_is_asked_to_log_in(api, method, path):
    assert getattr(api(None), method)(URL + path).status_code == 401


def test_the_newest_come_first_page_by_page(api, student):
    tell(student, times=45)
    client, seen, url = api(student), [], URL

    while url:
        page = client.get(url).data
        seen += [message["subject"].rpartition(" ")[2] for message in page["results"]]
        url = page["next"]

    assert seen == [str(number) for number in reversed(range(45))]


@pytest.mark.parametrize(("asked", "given"), [("5", 5), ("1000", 100), ("0", 20), ("-1", 20), ("many", 20)])
def test_a_page_is_as_large_as_asked_within_reason(api, student, asked, given):
    tell(student, times=101)

    assert len(api(student).get(URL, {"page_size": asked}).data["results"]) == given


@pytest.mark.parametrize("cursor", ["nonsense", "cD1ub3RoaW5n", "cj0xJnA9eA==", "%00"])
def test_a_cursor_that_is_not_ours_is_named(api, student, cursor):
    response = api(student).get(URL, {"cursor": cursor})

    assert response.status_code in {400, 404}
    assert response.data["code"] in {"validation_failed", "not_found"}


def test_a_page_of_messages_costs_the_same_however_many_there_are(
    api, student, standing_clock, django_assert_num_queries
):
    tell(student, times=20)
    client = api(student)

    with django_assert_num_queries(2):  # whose token this is; the messages with their recipient
        assert client.get(URL).status_code == 200


def test_reading_one_is_remembered(api, student, standing_clock):
    tell(student, times=2)
    first = Message.objects.order_by("id").first()
    client = api(student)

    response = client.post(f"{URL}/{first.ref}/read")

    assert response.status_code == 200
    assert response.data["read_at"] == "2026-03-02T15:00:00Z"
    [unread] = client.get(URL, {"unread": "true"}).data["results"]
    assert unread["ref"] != first.ref


def test_when_it_was_first_read_stays(api, student, standing_clock):
    tell(student)
    [message] = Message.objects.all()
    api(student).post(f"{URL}/{message.ref}/read")

    standing_clock.advance(hours=1)
    response = api(student).post(f"{URL}/{message.ref}/read")

    assert response.data["read_at"] == "2026-03-02T15:00:00Z"


def test_somebody_elses_message_is_a_404_and_stays_unread(api, student, outsider):
    tell(student)
    [message] = Message.objects.all()

    assert api(outsider).post(f"{URL}/{message.ref}/read").status_code == 404
    assert api(outsider).post(f"{URL}/read").status_code == 204

    message.refresh_from_db()
    assert message.read_at is None


def test_all_are_read_at_once(api, student):
    tell(student, times=3)

    assert api(student).post(f"{URL}/read").status_code == 204

    assert api(student).get(URL, {"unread": "true"}).data["results"] == []


# --- The page -----------------------------------------------------------------------------------------------------


def test_the_page_shows_them_and_how_many_are_unread(client, student):
    tell(student, times=3)
    client.force_login(student)

    page = client.get("/messages").content.decode()

    assert page.count("Mark as read") == 3
    assert 'class="count">3<' in page
    assert "Lesson 2" in page


def test_one_or_all_are_marked_on_the_page(client, student):
    tell(student, times=3)
    client.force_login(student)

    client.post("/messages/read", {"ref": Message.objects.first().ref})
    assert Message.objects.unread().count() == 2
    response = client.post("/messages/read", follow=True)

    assert Message.objects.unread().count() == 0
    assert "Mark as read" not in response.content.decode()


def test_the_page_wants_a_login_and_a_post_to_change_anything(client, student):
    assert client.get("/messages").headers["Location"] == "/login?next=/messages"
    client.force_login(student)

    assert client.get("/messages/read").status_code == 405


def test_what_people_call_things_is_shown_as_text(client, student):
    with transaction.atomic():
        operations.queue_message(
            recipient=student,
            key="lesson_paid",
            context={**kind_of("lesson_paid").sample, "service": "<script>alert(1)</script>"},
            reference="",
            dedupe_key="1",
            now=NOW,
        )
    client.force_login(student)

    page = client.get("/messages").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
