"""Every model of ours: who may look, that nobody writes what money rests on, and that long lists cost no more."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.models import Booking, BookingMove, OccupiedTime
from credits.models import CreditLot, CreditMovement, NegativeBalance, Reservation, Wallet
from disputes.models import Chargeback, Evidence, EvidenceSubmission, LessonDispute, NoShowReport
from instainstru.admin.paginator import BoundedPaginator
from instainstru.models import ClockOffset, StaffAction
from payments.models import (
    AccountLock,
    ChangeAtStripe,
    EventMark,
    Freeze,
    JournalEntry,
    Operation,
    Payee,
    Payer,
    Payment,
    PayoutHold,
    PayoutTransfer,
    Posting,
    ReconciliationItem,
    ReconciliationRun,
    ScheduleChange,
    Step,
    StripeEvent,
)
from tests.admin.rows import leave_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_clock")]

OURS = ("instainstru", "accounts", "notifications", "credits", "payments", "bookings", "disputes")
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]

MONEY = [
    AccountLock,
    Booking,
    BookingMove,
    ChangeAtStripe,
    Chargeback,
    CreditLot,
    CreditMovement,
    EventMark,
    Evidence,
    EvidenceSubmission,
    Freeze,
    JournalEntry,
    LessonDispute,
    NegativeBalance,
    NoShowReport,
    OccupiedTime,
    Operation,
    Payee,
    Payer,
    Payment,
    PayoutHold,
    PayoutTransfer,
    Posting,
    ReconciliationItem,
    ReconciliationRun,
    Reservation,
    ScheduleChange,
    StaffAction,
    Step,
    StripeEvent,
    Wallet,
]


def url_of(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def rows():
    """One row of every model of ours."""
    ClockOffset.objects.get_or_create(id=1)
    return leave_rows()


def test_every_model_is_registered():
    assert [model for model in MODELS if not admin.site.is_registered(model)] == []


# --- Who may look ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "may_look"), [("superuser", True), ("finance", True), ("support", True), ("staff", False)]
)
def test_lists_and_pages_are_for_those_who_may_look(request, browses, rows, who, may_look):
    browser = browses(request.getfixturevalue(who))
    wanted = 200 if may_look else 403
    answered = {}
    for model in MODELS:
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"There is no row of {model.__name__} to look at."
        answered[model.__name__, "list"] = browser.get(url_of(model, "changelist")).status_code
        answered[model.__name__, "page"] = browser.get(url_of(model, "change", row.pk)).status_code

    assert {where: status for where, status in answered.items() if status != wanted} == {}


def test_every_list_answers_a_search(browses, support, rows):
    browser = browses(support)

    answered = {model: browser.get(url_of(model, "changelist"), {"q": rows.ref}).status_code for model in MODELS}

    assert {model for model, status in answered.items() if status != 200} == set()


@pytest.mark.parametrize("who", ["finance", "support"])
def test_groups_look_and_do_not_edit(request, who):
    user = request.getfixturevalue(who)

    held = {name.partition(".")[2].partition("_")[0] for name in user.get_all_permissions()}

    assert held == {"view", "write", "replay", "take"} | ({"move", "rule", "lift"} if who == "finance" else set())


def test_one_right_opens_one_list(browses, staff, rows):
    staff.user_permissions.add(Permission.objects.get(codename="view_payment"))
    browser = browses(staff)

    assert browser.get(url_of(Payment, "changelist")).status_code == 200
    assert browser.get(url_of(Operation, "changelist")).status_code == 403


# --- Nobody writes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MONEY, ids=lambda model: model.__name__)
def test_not_even_a_superuser_writes_what_money_rests_on(browses, superuser, rows, model):
    browser, row = browses(superuser), model.objects.order_by("pk").first()
    before = list(model.objects.order_by("pk").values())

    for url in (url_of(model, "add"), url_of(model, "change", row.pk), url_of(model, "delete", row.pk)):
        assert browser.post(url, {"post": "yes"}).status_code == 403
    assert browser.get(url_of(model, "add")).status_code == 403
    browser.post(
        url_of(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    )

    assert list(model.objects.order_by("pk").values()) == before


# --- How it is shown ------------------------------------------------------------------------------------------------


def test_amounts_are_dollars_and_instants_name_their_zone(browses, support, rows):
    browser = browses(support)

    for page in ("changelist", "change"):
        args = [rows.payment_id] if page == "change" else []
        payments = browser.get(url_of(Payment, page, *args)).content.decode()
        assert "$134.40" in payments
        assert "13440" not in payments
    assert "<span>2026-03-05</span> <span>15:00:00 UTC</span></time>" in payments


@pytest.mark.parametrize(
    ("model", "column", "value"),
    [
        (Payment, "intent_id", "pi_wanted"),
        (Payment, "charge_id", "ch_wanted"),
        (Payment, "transfer_id", "tr_wanted"),
        (Step, "object_id", "tr_wanted"),
        (Payer, "customer_id", "cus_wanted"),
        (Payee, "account_id", "acct_wanted"),
    ],
)
def test_ids_of_stripe_are_found(browses, support, rows, model, column, value):
    other = leave_rows()
    row = model.objects.order_by("pk").first()
    model.objects.filter(pk=row.pk).update(**{column: value})

    found = browses(support).get(url_of(model, "changelist"), {"q": value}).context["cl"]

    assert list(found.result_list) == [row]
    assert other.pk != rows.pk


@pytest.mark.parametrize("model", [Booking, Payment, CreditLot, Wallet, Payer, Posting, AccountLock])
def test_people_are_found_by_their_address(browses, support, rows, model):
    leave_rows()

    found = browses(support).get(url_of(model, "changelist"), {"q": rows.student.email}).context["cl"]

    assert found.result_count == 1 or model is Posting


# --- Long lists -----------------------------------------------------------------------------------------------------


def test_a_list_of_twenty_takes_no_more_statements_than_one_of_five(browses, support):
    browser = browses(support)

    def statements():
        counted = {}
        for model in MODELS:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert browser.get(url_of(model, "changelist")).status_code == 200
            counted[model.__name__] = len(captured)
        return counted

    for _ in range(5):
        leave_rows()
    statements()  # whatever is asked once per process is asked now
    with_five = statements()
    for _ in range(15):
        leave_rows()

    assert statements() == with_five
    assert max(with_five.values()) <= 10


def test_a_page_of_a_table_that_only_grows_is_not_counted_to_its_end(monkeypatch, browses, support):
    monkeypatch.setattr("instainstru.admin.paginator.COUNTED", 3)
    for _ in range(5):
        leave_rows()

    response = browses(support).get(url_of(Operation, "changelist"))

    assert "More than 3" in " ".join(response.content.decode().split())
    counts = BoundedPaginator(Operation.objects.order_by("id"), 2)
    assert (counts.count, counts.has_more) == (3, True)
