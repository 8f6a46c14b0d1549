"""Who may ask what about cases: by role and right a 403, by ownership a 404, and nobody without signing in."""

import pytest
from django.urls import reverse

from disputes.operations import open_dispute, report_no_show
from disputes.operations.evidence import add_evidence, inspect
from instainstru import clock
from instainstru.admin.rights import MOVE_MONEY, RULE_CASES, TAKE_IN_CASES
from payments.policy.states import Party
from tests.bookings.factories import InstructorFactory
from tests.disputes.conftest import upload

STUDENT, INSTRUCTOR, STAFF = "student", "instructor", "staff"
EVERYBODY = {STUDENT, INSTRUCTOR, STAFF}
BOOKING, REPORT, EVIDENCE = "booking", "report", "evidence"

# Method and name of each endpoint: what its address names, the roles that may ask, and the right that staff need.
ENDPOINTS = {
    ("get", "booking-cases"): (BOOKING, EVERYBODY, None),
    ("get", "case"): (REPORT, EVERYBODY, None),
    ("get", "evidence-file"): (EVIDENCE, EVERYBODY, None),
    ("post", "booking-no-show-reports"): (BOOKING, EVERYBODY, TAKE_IN_CASES),
    ("post", "booking-disputes"): (BOOKING, EVERYBODY, TAKE_IN_CASES),
    ("post", "case-evidence"): (REPORT, EVERYBODY, TAKE_IN_CASES),
    ("post", "no-show-report-contest"): (REPORT, {INSTRUCTOR}, None),
    ("post", "no-show-report-withdraw"): (REPORT, {STUDENT}, None),
    ("post", "booking-no-show-ruling"): (BOOKING, {STAFF}, RULE_CASES),
    ("post", "booking-no-show-ruling-preview"): (BOOKING, {STAFF}, RULE_CASES),
    ("post", "booking-dispute-ruling"): (BOOKING, {STAFF}, RULE_CASES),
    ("post", "booking-dispute-ruling-preview"): (BOOKING, {STAFF}, RULE_CASES),
    ("post", "booking-refund"): (BOOKING, {STAFF}, MOVE_MONEY),
    ("post", "booking-refund-preview"): (BOOKING, {STAFF}, MOVE_MONEY),
    ("post", "booking-staff-cancel"): (BOOKING, {STAFF}, MOVE_MONEY),
    ("post", "booking-staff-cancel-preview"): (BOOKING, {STAFF}, MOVE_MONEY),
}
NAMES = [f"{method} {name}" for method, name in ENDPOINTS]
OF_STAFF = [(method, name, right) for (method, name), (_, _, right) in ENDPOINTS.items() if right]


@pytest.fixture
def refs(stage, lesson) -> dict[str, str]:
    report = report_no_show(
        booking=lesson, actor=stage.student, by=Party.STUDENT, absent=Party.INSTRUCTOR, now=clock.now()
    )
    piece = add_evidence(case=report, actor=stage.student, by=Party.STUDENT, file=inspect(upload()), now=clock.now())
    return {BOOKING: lesson.ref, REPORT: report.ref, EVIDENCE: piece.ref}


def ask(client, method: str, name: str, refs: dict[str, str]) -> int:
    of, _, _ = ENDPOINTS[method, name]
    answer = getattr(client, method)(reverse(f"api:{name}", args=[refs[of]]), {} if method == "post" else None)
    if answer.streaming:
        answer.close()
    return answer.status_code


@pytest.mark.parametrize(("method", "name"), ENDPOINTS, ids=NAMES)
def test_everybody_gets_their_own_answer(api, stage, staff, outsider, refs, method, name):
    """One scene for the whole row of the matrix: visitor, strangers, and each role, none of whom changes anything."""
    _, roles, right = ENDPOINTS[method, name]
    people = {STUDENT: stage.student, INSTRUCTOR: stage.instructor, STAFF: staff}

    assert ask(api(None), method, name, refs) == 401
    for stranger in (outsider, InstructorFactory().user):
        only_staff = roles == {STAFF}
        assert ask(api(stranger), method, name, refs) == (403 if only_staff else 404)
    for role in sorted(EVERYBODY - roles):
        assert ask(api(people[role]), method, name, refs) == 403
    if right:
        assert ask(api(staff), method, name, refs) == 403
    if method == "get":
        assert {ask(api(people[role]), method, name, refs) for role in roles} == {200}


@pytest.mark.parametrize(("method", "name", "right"), OF_STAFF, ids=[name for _, name, _ in OF_STAFF])
def test_staff_need_the_right_that_the_back_office_wants(api, colleague, refs, method, name, right):
    body = {
        "absent": "student",
        "on_behalf_of": "student",
        "statement": "As the student told us.",
        "ruling": "student_wins" if "dispute" in name else "unfounded",
        "with_refund": True,
        "reason": "Asked for.",
        "preview": "0" * 32,
    }
    path = reverse(f"api:{name}", args=[refs[ENDPOINTS[method, name][0]]])
    others = {TAKE_IN_CASES, RULE_CASES, MOVE_MONEY} - {right}

    without = api(colleague(*others)).post(path, body)
    with_it = api(colleague(right)).post(path, body)

    assert (without.status_code, without.json()["code"]) == (403, "permission_denied")
    assert with_it.status_code in (200, 201, 409)  # 409: what this scene allows is the other tests' matter


def test_a_report_is_no_dispute(api, stage, lesson):
    dispute = open_dispute(booking=lesson, actor=stage.student, by=Party.STUDENT, statement="Short.", now=clock.now())

    for name in ("no-show-report-contest", "no-show-report-withdraw"):
        assert api(stage.student).post(reverse(f"api:{name}", args=[dispute.ref])).status_code == 404


FREEZES_OR_MOVES_MONEY = {"booking-no-show-reports", "booking-disputes", "no-show-report-withdraw"}


@pytest.mark.parametrize(("method", "name"), [asked for asked in ENDPOINTS if ENDPOINTS[asked][1] != {STAFF}])
def test_what_may_freeze_or_move_money_is_throttled_as_such(api, outsider, refs, settings, method, name):
    """Asked by somebody who may not, so that none of it happens; it is counted before. Staff's own: test_api_staff."""
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"read": "9/min", "write": "9/min", "money": "1/min"}
    }
    client = api(outsider)

    first, again = (ask(client, method, name, refs) for _ in range(2))

    assert first != 429
    assert (again == 429) == (name in FREEZES_OR_MOVES_MONEY)
