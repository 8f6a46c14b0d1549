"""A student's wallet through the API: what is there, until when, and where every cent went."""

from datetime import timedelta

import pytest
from django.urls import reverse

from instainstru import clock
from payments import operations as payments
from tests.credits.chargebacks import take_back
from tests.stage import Stage

NOTHING = {
    "available_cents": 0,
    "reserved_cents": 0,
    "frozen_cents": 0,
    "owed_cents": 0,
    "lots": [],
    "negative_balances": [],
}


@pytest.fixture
def client(api, student):
    return api(student)


def wallet(client) -> dict:
    return client.get(reverse("api:wallet")).json()


def statement(client) -> list[dict]:
    return client.get(reverse("api:wallet-statement")).json()["results"]


@pytest.mark.django_db
def test_an_empty_wallet_is_a_wallet(client, student):
    assert wallet(client) == NOTHING
    assert statement(client) == []


@pytest.mark.rule("P9.2")
def test_credits_are_there_until_they_expire_the_earliest_first(client, stage: Stage):
    stage.give_credit(3_000, lasts=timedelta(days=60))
    stage.give_credit(2_000, lasts=timedelta(days=30))
    stage.book(credits=2_500)

    found = wallet(client)

    assert (found["available_cents"], found["reserved_cents"]) == (2_500, 2_500)
    lots = [(lot["amount_cents"], lot["available_cents"], lot["reserved_cents"]) for lot in found["lots"]]
    assert lots == [(2_000, 0, 2_000), (3_000, 2_500, 500)]
    assert found["lots"][0]["expires_at"] == "2026-04-01T15:00:00Z"


@pytest.mark.rule("P9.3")
def test_what_has_expired_is_not_there_any_more(client, stage: Stage):
    stage.give_credit(3_000, lasts=timedelta(days=1))
    stage.stand_at(clock.now() + timedelta(days=1, microseconds=1))  # before the sweep has seen it

    assert wallet(client) == NOTHING
    stage.travel(hours=1)
    assert [(line["kind"], line["cents"]) for line in statement(client)] == [("expired", 3_000), ("issued", 3_000)]


@pytest.mark.rule("P7.3")
def test_the_statement_tells_where_every_cent_went(client, stage: Stage):
    stage.give_credit(12_000)
    booking = stage.book(hours_ahead=6, credits=12_000)
    stage.travel(hours=1)
    client.post(reverse("api:booking-cancel", args=[booking.ref]))

    lines = statement(client)

    assert [(line["kind"], line["cents"]) for line in lines] == [
        ("released", 6_000),
        ("forfeited", 6_000),
        ("reserved", 12_000),
        ("issued", 12_000),
    ]
    assert {line["reference"] for line in lines[:3]} == {booking.ref}
    assert (lines[0]["at"], lines[-1]["at"]) == ("2026-03-02T16:00:00Z", "2026-03-02T15:00:00Z")
    assert {line["lot"] for line in lines} == {lines[0]["lot"]}


def test_what_a_cancellation_gave_names_its_booking(client, stage: Stage):
    booking = stage.book(hours_ahead=18)
    client.post(reverse("api:booking-cancel", args=[booking.ref]))

    (line,) = statement(client)

    assert (line["kind"], line["cents"], line["reference"]) == ("issued", 12_000, booking.ref)


@pytest.mark.rule("P9.4")
def test_frozen_credit_and_what_is_owed_are_told(client, stage: Stage):
    given = stage.book(hours_ahead=18)
    client.post(reverse("api:booking-cancel", args=[given.ref]))
    stage.book(hours_ahead=72, credits=4_500)
    take_back(given)
    stage.give_credit(1_500)

    found = wallet(client)

    assert (found["available_cents"], found["reserved_cents"], found["frozen_cents"]) == (0, 4_500, 7_500)
    assert found["owed_cents"] == 3_000
    assert found["negative_balances"] == [
        {"reference": given.ref, "owed_cents": 3_000, "arose_at": "2026-03-02T15:00:00Z"}
    ]
    assert [(lot["available_cents"], lot["frozen_cents"]) for lot in found["lots"]] == [(0, 7_500)]
    assert [(line["kind"], line["cents"], line["reference"]) for line in statement(client)[:3]] == [
        ("offset", 1_500, given.ref),
        ("issued", 1_500, ""),
        ("frozen", 7_500, given.ref),
    ]


def test_pages_of_a_statement_follow_each_other_without_loss(client, stage: Stage):
    for cents in (100, 200, 300):
        stage.give_credit(cents)

    url, found = f"{reverse('api:wallet-statement')}?page_size=2", []
    while url:
        page = client.get(url).json()
        found += [line["cents"] for line in page["results"]]
        url = page["next"]

    assert found == [300, 200, 100]


def test_nobody_reads_anothers_wallet(api, outsider, stage: Stage):
    stage.give_credit(3_000)

    assert wallet(api(outsider))["available_cents"] == 0
    assert statement(api(outsider)) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("standing_clock")
def test_a_wallet_asks_little_of_the_database(api, student, django_assert_num_queries):
    for number in range(3):
        payments.grant_credit(student=student, cents=1_000, source_key=f"grant:{number}", now=clock.now())
    client = api(student)

    with django_assert_num_queries(4):  # the token, the balance, what is owed, the lots
        client.get(reverse("api:wallet"))
    with django_assert_num_queries(2):
        client.get(reverse("api:wallet-statement"))
