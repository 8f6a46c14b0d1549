"""`payouts statement`: what an instructor earned in a month, as the ledger has it, with the rule behind each line."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from reportlab import rl_config

from bookings.models import Booking
from bookings.operations import cancel_booking, reschedule_booking
from disputes import operations as cases
from instainstru import clock
from instainstru.accounts.models import User
from payments.gateway import client
from payments.ledger import books
from payments.ledger.statements import Month, statement_of
from payments.models import Payee, StripeEvent
from payments.operations.event_readers import read_payout
from payments.policy.accounts import Account
from payments.serializers.statement_files import as_csv, as_pdf
from tests.pages import signed_in
from tests.payments.commands.conftest import Said, calls
from tests.stage import Stage, make_service

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


# --- Lines --------------------------------------------------------------------------------------------------------


def taken(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.ends_at + DAY, run_what_is_due_then=True)


def cancelled_late(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 6 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def cancelled_in_the_middle(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 18 * HOUR)
    cancel_booking(booking=booking, actor=stage.student, now=clock.now())


def locked_and_taken(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at - 18 * HOUR)
    reschedule_booking(booking=booking, actor=stage.student, new_starts_at=booking.starts_at + DAY, now=clock.now())
    booking.refresh_from_db()
    taken(stage, booking)


def never_paid_for(stage: Stage, booking: Booking) -> None:
    stage.travel_to(booking.starts_at)
    stage.use_card("declines_later")
    stage.simulator.order_fault("capture", "refuse", times="always")
    stage.travel_to(booking.ends_at + 5 * DAY)
    stage.simulator.order_fault("capture", "none")


def ruled_for_the_student(stage: Stage, booking: Booking, refund: Callable[..., object]) -> None:
    taken(stage, booking)
    stage.travel_to(booking.ends_at + 2 * DAY)
    refund(booking, 6_720, borne_by="instructor")


def charged_back(stage: Stage, booking: Booking) -> None:
    taken(stage, booking)
    booking.refresh_from_db()
    dispute = stage.simulator.dispute(booking.payment.intent_id)
    cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())
    stage.travel(hours=1)
    stage.simulator.decide_dispute(booking.payment.intent_id, won=False)
    cases.take_in_from_bank(dispute_id=dispute["id"], now=clock.now())
    stage.travel(hours=1)


LINES = {  # what happens: kind, rule, price, fee and net of each line
    "P5.5 taken": (taken, [("earned", "P5.5", 12_000, 1_440, 10_560)]),
    "P7.3 cancelled late": (cancelled_late, [("earned", "P7.3", 6_000, 720, 5_280)]),
    "P7.2 cancelled in the middle": (cancelled_in_the_middle, []),
    "P6.4 locked and taken": (locked_and_taken, [("earned", "P6.4", 12_000, 1_440, 10_560)]),
    "P10.2 advanced": (never_paid_for, [("earned", "P10.2", 12_000, 1_440, 10_560)]),
    "P11 charged back": (
        charged_back,
        [("earned", "P5.5", 12_000, 1_440, 10_560), ("taken_back", "P11", -12_000, -1_440, -10_560)],
    ),
}


@pytest.fixture
def payee(stage: Stage) -> Payee:
    return Payee.objects.select_related("user").get(user=stage.instructor)


def statement(month: str = "2026-03", *more: str) -> Said:
    return calls("payouts", "statement", "--instructor", "instructor@example.com", "--month", month, *more)


@pytest.mark.parametrize(("happens", "expected"), LINES.values(), ids=LINES)
def test_each_line_has_its_rule_and_ties_to_the_account(stage: Stage, payee: Payee, happens, expected) -> None:
    happens(stage, stage.book(hours_ahead=72))

    found = statement("2026-03", "--json").json

    columns = ("kind", "rule", "price_cents", "fee_cents", "net_cents")
    assert [tuple(line[column] for column in columns) for line in found["lines"]] == expected
    assert found["closing_cents"] == -books.balance(Account.EARNINGS, owner_id=payee.user_id)
    assert found["earned_total_cents"] == sum(net for *_, net in expected)
    assert found["price_total_cents"] - found["fee_total_cents"] == found["earned_total_cents"]


@pytest.mark.rule("P8.6")
def test_a_refund_at_the_instructor_s_cost_is_a_line_of_its_own(stage: Stage, payee: Payee, refund) -> None:
    ruled_for_the_student(stage, stage.book(hours_ahead=72), refund)

    lines = statement("2026-03", "--json").json["lines"]

    assert [(line["what"], line["net_cents"], line["balance_cents"]) for line in lines] == [
        ("Lesson taken", 10_560, 10_560),
        ("Refunded to the student at your cost", -5_280, 5_280),
    ]


@pytest.fixture
def lived(stage: Stage, payee: Payee) -> Payee:
    """March: a lesson, half a lesson, and a payout to the bank. April: a lesson, just after New York's midnight."""
    stage.simulator.keep_webhooks()
    taken(stage, stage.book(hours_ahead=72))
    cancelled_late(stage, stage.book(hours_ahead=72))
    paid_out = client.post(
        "/v1/payouts", {"amount": 10_000, "currency": "usd"}, key="to the bank", account=payee.account_id
    )
    event = StripeEvent.objects.create(
        event_id="evt_payout", type="payout.created", account_id=payee.account_id, object_id=paid_out["id"],
        payload={}, received_at=clock.wall(),
    )  # fmt: skip
    read_payout(event, now=clock.now())
    stage.stand_at(datetime(2026, 3, 30, 3, 30, tzinfo=UTC))
    booking = stage.book(hours_ahead=24)
    taken(stage, booking)  # settled on 1 April, 04:30 UTC: half past midnight in New York
    return payee


def test_a_month_goes_on_where_the_last_one_ended_in_the_instructor_s_own_time(stage: Stage, lived: Payee) -> None:
    march, april = statement("2026-03", "--json").json, statement("2026-04", "--json").json

    assert (march["opening_cents"], march["earned_total_cents"], march["bank_total_cents"]) == (0, 15_840, -10_000)
    assert (march["closing_cents"], march["is_complete"]) == (5_840, True)
    assert (april["opening_cents"], april["closing_cents"], april["is_complete"]) == (5_840, 16_400, False)
    assert [line["kind"] for line in march["lines"]] == ["earned", "earned", "to_bank"]
    assert (april["lines"][0]["at"], april["lines"][0]["day"]) == ("2026-04-01T04:30:00Z", "2026-04-01")
    assert march["lines"][0]["day"] == "2026-03-06"
    assert april["closing_cents"] == -books.balance(Account.EARNINGS, owner_id=lived.user_id)
    assert statement("2026-02", "--json").json["lines"] == []


def test_words_for_a_person(lived: Payee) -> None:
    told = statement("2026-03")

    assert (told.code, told.told) == (0, "")
    assert "$105.60 ($120.00 less $14.40)  P5.5  Lesson taken" in told.text
    assert "-$100.00  P2.2  Paid out to the bank" in told.text
    assert "closing balance $58.40" in told.text


def test_a_month_without_a_line_says_so(lived: Payee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rl_config, "pageCompression", 0)
    nothing = "Nothing was earned or paid out."

    assert f"\n  {nothing}\n" in statement("2026-02").text
    assert nothing not in statement("2026-03").text
    told = [
        b"Nothing was earned" in as_pdf(statement_of(lived, Month(2026, month), now=clock.now())) for month in (2, 3)
    ]
    assert told == [True, False]


def test_it_costs_as_many_statements_for_many_lines_as_for_few(stage: Stage, payee: Payee) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as statements:
            statement_of(payee, Month(2026, 3), now=clock.now())
        return len(statements)

    none = cost()
    bookings = [stage.book(hours_ahead=48 + 2 * number) for number in range(5)]
    stage.travel_to(bookings[-1].ends_at + DAY, run_what_is_due_then=True)

    assert cost() == none == 2


# --- Files --------------------------------------------------------------------------------------------------------


def test_both_files_are_written(lived: Payee, tmp_path: Path) -> None:
    table, paper = tmp_path / "march.csv", tmp_path / "march.pdf"

    told = statement("2026-03", "--csv", str(table), "--pdf", str(paper), "--json")

    assert told.json["written"] == {"csv": str(table), "pdf": str(paper)}
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert [(row["what"], row["rule"], row["net"], row["balance"]) for row in rows] == [
        ("Opening balance", "", "", "0.00"),
        ("Lesson taken", "P5.5", "105.60", "105.60"),
        ("Cancelled late by the student", "P7.3", "52.80", "158.40"),
        ("Paid out to the bank", "P2.2", "-100.00", "58.40"),
        ("Earned", "", "158.40", ""),
        ("Paid out to the bank", "", "-100.00", ""),
        ("Closing balance", "", "", "58.40"),
    ]
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.read_bytes() == as_pdf(statement_of(lived, Month(2026, 3), now=clock.now()))


@pytest.mark.parametrize("name", ["Łucja Kőszegi", "美咲", "علي 🙂", "\u202e<b>&"])
def test_a_statement_is_made_out_to_whatever_somebody_is_called(payee: Payee, name: str) -> None:
    payee.user.name = name

    assert as_pdf(statement_of(payee, Month(2026, 3), now=clock.now())).startswith(b"%PDF")


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula_to_a_spreadsheet(lived: Payee, formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.ledger.statements._what", lambda entry, kind: formula)

    written = as_csv(statement_of(lived, Month(2026, 3), now=clock.now())).decode()
    rows = list(csv.reader(io.StringIO(written, newline="")))

    assert rows[2][2] == f"'{formula}"
    assert not any(cell.startswith(("=", "@", "+", "\t", "\r")) for row in rows for cell in row)


WRONG = {
    "no month": (("--month", "march"), 1),
    "the thirteenth": (("--month", "2026-13"), 1),
    "not begun": (("--month", "2026-04"), 2),
    "nowhere to write": (("--month", "2026-03", "--csv", "/nowhere/at/all.csv"), 2),
}


@pytest.mark.parametrize(("asked", "code"), WRONG.values(), ids=WRONG)
def test_who_asks_wrongly_is_told_so(stage: Stage, asked: tuple[str, ...], code: int) -> None:
    told = calls("payouts", "statement", "--instructor", "instructor@example.com", *asked)

    assert (told.code, told.text) == (code, "")
    assert told.refusal


# --- On the instructor's page, in the API and in the back office ----------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_instructors_get_their_own_and_staff_everybody_s(lived: Payee, finance: User, stage: Stage, form: str) -> None:
    stranger = make_service(stage.simulator).instructor.user
    whose = statement_of(lived, Month(2026, 3), now=clock.now())
    expected = {"csv": as_csv, "pdf": as_pdf}[form](whose)
    page, back_office = (
        reverse("payout-statement", args=["2026-03", form]),
        reverse("admin:payments_payee_statement", args=[lived.pk, "2026-03", form]),
    )

    own = signed_in(lived.user).get(page)

    assert (own.content, own["Content-Disposition"]) == (
        expected, f'attachment; filename="statement-2026-03-{lived.account_id}.{form}"',
    )  # fmt: skip
    assert signed_in(finance).get(back_office).content == expected
    assert signed_in(stranger).get(page).content != expected  # their own, of which nothing is known
    assert signed_in(stranger).get(back_office).status_code == 302  # to the back office's login
    for wrong in ("2026-04.exe", "2026-13.csv", "2027-01.csv", "x.csv"):
        assert signed_in(lived.user).get(f"/teaching/payouts/statements/{wrong}").status_code == 404


def test_staff_without_the_right_see_none(lived: Payee, staff: User) -> None:
    url = reverse("admin:payments_payee_statement", args=[lived.pk, "2026-03", "csv"])

    assert signed_in(staff).get(url).status_code == 403


def test_the_page_lists_the_months_and_says_so_if_payouts_are_held(lived: Payee, finance: User) -> None:
    page = signed_in(lived.user).get(reverse("payouts")).content.decode()
    assert "April 2026 so far" in page
    assert reverse("payout-statement", args=["2026-03", "pdf"]) in page
    assert "hold its payouts" not in page

    calls("payouts", "hold", lived.account_id, "--reason", "Letters came back.", "--as", finance.email)

    held = signed_in(lived.user).get(reverse("payouts")).content.decode()
    assert "hold its payouts to your bank" in held
    assert "Letters came back" not in held
    back_office = signed_in(finance).get(reverse("admin:payments_payee_change", args=[lived.pk])).content.decode()
    assert "Letters came back." in back_office
    assert "Fiona Finance" in back_office
    assert reverse("admin:payments_payee_statement", args=[lived.pk, "2026-03", "csv"]) in back_office


def test_the_api_tells_an_instructor_the_same(api, lived: Payee, stage: Stage) -> None:
    own, stranger = api(lived.user), api(make_service(stage.simulator).instructor.user)

    assert own.get(reverse("api:payout-statements")).json() == {"months": ["2026-04", "2026-03"]}
    march = own.get(reverse("api:payout-statement", args=["2026-03"])).json()
    told = statement("2026-03", "--json").json
    assert march == {name: told[name] for name in march}
    assert march["lines"][0]["booking"].startswith("bk_")
    assert stranger.get(reverse("api:payout-statement", args=["2026-03"])).json()["lines"] == []
    for wrong in ("2026-05", "march"):
        assert own.get(reverse("api:payout-statement", args=[wrong])).status_code == 404


def test_before_onboarding_there_is_no_statement(api, instructor: User) -> None:
    assert api(instructor).get(reverse("api:payout-statements")).json() == {"months": []}
    assert api(instructor).get(reverse("api:payout-statement", args=["2026-03"])).status_code == 404
