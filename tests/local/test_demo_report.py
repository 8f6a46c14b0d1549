"""What became of the story: nothing that differs from the policy, or from Stripe, passes as right."""

import copy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from instainstru.local.demo import report
from instainstru.local.demo.client import ApiProblem
from instainstru.local.demo.report import failed_row, in_short, row_of
from instainstru.local.demo.story import cancelled_in_the_middle as line

Json = dict[str, Any]

BOOKING: Json = {  # as the API shows it to staff
    "ref": "bk_7mv2k0q9x4hd3n8r",
    "status": "cancelled",
    "timeline": [
        {"kind": "checkout", "accepted_at": "2026-11-23T18:59:00Z"},
        {"kind": "authorize", "accepted_at": "2026-11-24T22:15:00Z"},
        {"kind": "authorize", "accepted_at": "2026-11-24T23:15:00Z"},
        {"kind": "student_cancel", "accepted_at": "2026-11-25T04:15:00Z"},
    ],
    "payment": {
        "status": "settled",
        "outcome": "student_cancel_12_24_full_credit",
        "student": {
            "card_charged_cents": 134_40,
            "card_refunded_cents": 0,
            "credits_issued_cents": 120_00,
            "credits_used_cents": 0,
            "credits_forfeited_cents": 0,
        },
        "instructor": {"paid_cents": 0},
    },
}
AT_STRIPE: Json = {"captured": 134_40, "refunded": 0, "transferred": 105_60, "reversed": 105_60}


def changed(path: str, value: object) -> Json:
    """Return the booking with one thing changed."""
    booking = copy.deepcopy(BOOKING)
    *parents, name = path.split(".")
    part = booking
    for parent in parents:
        part = part[parent]
    part[name] = value
    return booking


def test_what_the_policy_says_is_right():
    row = row_of(line, BOOKING, at_stripe=AT_STRIPE)

    assert (row.card, row.wallet, row.instructor, row.platform) == (134_40, 120_00, 0, 14_40)
    assert row.problems == []
    assert in_short(row).startswith("[green]✓")


def test_what_is_repeated_stands_once():
    row = row_of(line, BOOKING, at_stripe=AT_STRIPE)

    assert row.deeds == ["23 Nov 18:59 checkout", "24 Nov 22:15 authorize ×2", "25 Nov 04:15 student cancel"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("payment.student.card_charged_cents", 134_39, "card: $134.40 by the policy, is $134.39"),
        ("payment.student.card_refunded_cents", 1, "card: $134.40 by the policy, is $134.39"),
        ("payment.student.credits_issued_cents", 119_99, "wallet: $120.00 by the policy, is $119.99"),
        ("payment.student.credits_forfeited_cents", 1, "wallet: $120.00 by the policy, is $119.99"),
        ("payment.instructor.paid_cents", 1, "instructor: $0.00 by the policy, is $0.01"),
        ("payment.status", "manual_review", "payment: settled by the policy, is manual_review"),
        ("payment.outcome", None, "outcome: student_cancel_12_24_full_credit by the policy, is None"),
        ("status", "confirmed", "booking: cancelled by the policy, is confirmed"),
    ],
)
def test_what_differs_from_the_policy_is_a_problem(path, value, said):
    row = row_of(line, changed(path, value), at_stripe=AT_STRIPE)

    assert said in row.problems
    assert in_short(row).startswith("[bold red]✗")


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"captured": 0}, "card: $0.00 at Stripe, is $134.40"),
        ({"refunded": 10}, "card: $134.30 at Stripe, is $134.40"),
        ({"reversed": 0}, "instructor: $105.60 at Stripe, is $0.00"),
    ],
)
def test_what_differs_from_stripe_is_a_problem(moved, said):
    assert said in row_of(line, BOOKING, at_stripe=AT_STRIPE | moved).problems


def test_a_line_that_could_not_be_played_is_a_problem():
    row = failed_row(line, ApiProblem(409, {"code": "slot_unavailable", "detail": "Taken."}))

    assert row.problems == ["ApiProblem: 409 slot_unavailable: Taken."]


def test_a_report_is_read_as_it_was_written(tmp_path):
    rows = [row_of(line, BOOKING, at_stripe=AT_STRIPE), failed_row(line, LookupError("no time"))]

    report.write(tmp_path / "in" / "report.json", rows, books="They balance.")

    assert report.read(tmp_path / "in" / "report.json") == rows
    assert '"passed": false' in (tmp_path / "in" / "report.json").read_text()


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_table_shows_everything_at_any_width(width):
    wrong = row_of(line, changed("status", "confirmed"), at_stripe=AT_STRIPE)
    out = StringIO()

    Console(file=out, width=width).print(report.as_table([wrong], width=width))

    for text in ("$134.40", "$120.00", "$14.40", "student_cancel_12_24_full_credit", "24 Nov 22:15 authorize ×2", "✗"):
        assert text in out.getvalue()
