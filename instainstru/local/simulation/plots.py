"""What people do with a lesson: students, instructors, staff and the cardholder's bank, at any time they like.

An act is drawn without a look at what the platform would say: much of it is refused, and has to change nothing then.
What belongs together, such as a report and its ruling, is drawn together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from instainstru.local.simulation.story import Draft, Faults, Lesson, minutes

HOUR, DAY, INSTANT = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
SETTLES = timedelta(hours=24)  # after the end (P5.5)

Plot = Callable[[random.Random, Lesson, Draft], None]


def live(rng: random.Random, lesson: Lesson, draft: Draft, *, faults: Faults) -> None:
    """Draw a lesson's life: its checkout, and what comes of it."""
    draft.add(lesson.booked_at, "book", lesson.number)
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3])):
        (plot,) = rng.choices(list(PLOTS), weights=list(PLOTS.values()))
        plot(rng, lesson, draft)
    for _ in range(rng.choice([0, 1, 1, 2])):
        _flurry(rng, lesson, draft, faults=faults)
    if faults is not Faults.NONE:
        for _ in range(rng.choice([0, 0, 0, 1, 1] if faults is Faults.HEAVY else [0, 0, 0, 1])):
            _cards_fail(rng, lesson, draft)
        for _ in range(rng.choice([0, 1, 2])):
            do = rng.choice(["staff_retry", "staff_retry", "staff_resolve"])
            draft.add(_between(rng, lesson.booked_at, lesson.ends_at + 12 * DAY), do, lesson.number)


def _flurry(rng: random.Random, lesson: Lesson, draft: Draft, *, faults: Faults) -> None:
    """Everybody wants something at once, and Stripe is slow to answer: acts that meet what is under way."""
    edge = rng.choice(
        [lesson.starts_at - DAY, lesson.starts_at - 12 * HOUR, lesson.starts_at, lesson.ends_at + SETTLES]
    )
    at = rng.choice([edge, edge, _between(rng, lesson.booked_at, lesson.ends_at + 3 * DAY)])
    for _ in range(rng.choice([1, 2]) if faults is not Faults.NONE else 0):
        call = rng.choice(["authorize", "capture", "capture", "reverse", "payout", "refund", "void"])
        fault = rng.choice(["error_500", "lost_answer", "timeout_before", "refuse"])
        draft.add(at - INSTANT, "stripe_fault", call=call, fault=fault, times=1 if fault == "refuse" else 3)
    for do, more in rng.choices(AT_ONCE, k=rng.choice([2, 3, 4, 5])):
        meets = {"during_call": rng.randrange(3)} if faults is Faults.HEAVY and rng.random() < 0.3 else {}
        draft.add(at, do, lesson.number, **more, **meets)
        at += rng.choice([timedelta(0), INSTANT, timedelta(seconds=50), timedelta(minutes=7), timedelta(hours=2)])


def before_start(rng: random.Random, lesson: Lesson) -> datetime:
    """Return an instant at which a window may end, one within a window, or any from the checkout until the lesson."""
    start, booked = lesson.starts_at, lesson.booked_at
    match rng.choice(["edge", "middle", "middle", "late", "any"]):
        case "edge":
            edge = start - rng.choice([24 * HOUR, 12 * HOUR, INSTANT]) + rng.choice([-1, 0, 0, 1]) * INSTANT
            return edge if edge > booked else _between(rng, booked, start)
        case "middle":
            return max(booked, _between(rng, start - 24 * HOUR, start - 12 * HOUR))
        case "late":
            return max(booked, _between(rng, start - 12 * HOUR, start))
        case _:
            return _between(rng, booked, start)


def _student_cancels(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    draft.add(before_start(rng, lesson), "student_cancel", lesson.number)


def _instructor_cancels(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    draft.add(_between(rng, lesson.booked_at, lesson.ends_at + DAY), "instructor_cancel", lesson.number)


def _moves(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = before_start(rng, lesson)
    to = rng.choice(["now+2h", "now+13h", "now+26h", "now+3d", "start+30m", "start+24h", "start+5d"])
    draft.add(at, "reschedule", lesson.number, to=to)
    if rng.random() < 0.4:
        do, more = rng.choice([("student_cancel", {}), ("reschedule", {"to": "now+50h"}), ("instructor_cancel", {})])
        draft.add(_between(rng, at, at + 3 * DAY), do, lesson.number, **more)


def _marks_complete(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    draft.add(_between(rng, lesson.ends_at, lesson.ends_at + DAY), "complete", lesson.number)


def _reports_no_show(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    by = rng.choice(["student", "instructor", "staff"])
    absent = {"student": "instructor", "instructor": "student"}.get(by) or rng.choice(["student", "instructor"])
    at = rng.choice([_between(rng, lesson.starts_at, lesson.ends_at + DAY), lesson.ends_at + SETTLES])
    draft.add(at, "report_no_show", lesson.number, by=by, absent=absent)
    soon = _between(rng, at, at + 25 * HOUR)
    match rng.choice(["uncontested", "contested", "withdrawn", "mutual"]):
        case "contested":
            draft.add(soon, "contest_no_show", lesson.number, by=absent)
        case "withdrawn":
            draft.add(soon, "withdraw_no_show", lesson.number, by=by)
        case "mutual":
            other = "instructor" if absent == "student" else "student"
            draft.add(soon, "report_no_show", lesson.number, by=absent, absent=other)
    if rng.random() < 0.6:
        ruling = rng.choice(["instructor_absent", "student_absent", "both_absent", "unfounded"])
        draft.add(_between(rng, at, at + 9 * DAY), "rule_no_show", lesson.number, ruling=ruling)


def _disputes(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    by = rng.choice(["student", "student", "instructor", "staff"])
    latest = lesson.ends_at + (20 * DAY if by == "staff" else SETTLES)
    at = _between(rng, lesson.starts_at, latest)
    draft.add(at, "open_dispute", lesson.number, by=by)
    if rng.random() < 0.8:
        ruling = rng.choice(["student_wins", "student_wins", "instructor_wins"])
        draft.add(_between(rng, at, at + 9 * DAY), "rule_dispute", lesson.number, ruling=ruling)


def _staff_refund(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = _between(rng, lesson.starts_at, lesson.ends_at + 15 * DAY)
    for again in (False, True) if rng.random() < 0.3 else (False,):
        how = {"full": True} if rng.random() < 0.5 else {"cents": rng.choice([1, 3_333, 5_000, lesson.price])}
        draft.add(at, "admin_refund", lesson.number, bearer=rng.choice(["platform", "instructor"]), again=again, **how)
        at = _between(rng, at, at + DAY)


def _staff_cancel(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = _between(rng, lesson.booked_at, lesson.ends_at + 4 * DAY)
    draft.add(at, "admin_cancel", lesson.number, refund=rng.random() < 0.5)


def _bank(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = _between(rng, lesson.starts_at - DAY, lesson.ends_at + 20 * DAY)
    draft.add(at, "bank", lesson.number, phase="opened")
    if rng.random() < 0.5:
        draft.add(_between(rng, at, at + 9 * DAY), "submit_evidence", lesson.number)
    if rng.random() < 0.8:
        draft.add(_between(rng, at, at + 9 * DAY), "bank", lesson.number, phase=rng.choice(["won", "lost"]))


def _changed_in_dashboard(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    """One of us refunds or takes back in Stripe's own dashboard, and staff may have seen it (P8.8)."""
    at = _between(rng, lesson.starts_at - DAY, lesson.ends_at + 10 * DAY)
    match rng.choice(["refund", "refund", "reversal"]):
        case "refund":
            cents, reversing = rng.choice([500, 2_345, None]), rng.random() < 0.3
            draft.add(at, "dashboard_refund", lesson.number, cents=cents, reverse_transfer=reversing)
        case "reversal":
            draft.add(at, "dashboard_reversal", lesson.number, cents=rng.choice([700, None]))
    if rng.random() < 0.4:
        draft.add(_between(rng, at, at + 3 * DAY), "staff_see_changes", lesson.number)


def _refund_comes_back(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = _between(rng, lesson.starts_at, lesson.ends_at + 10 * DAY)
    draft.add(at, "admin_refund", lesson.number, bearer=rng.choice(["platform", "instructor"]), full=True, again=False)
    draft.add(_between(rng, at, at + 3 * DAY), "refund_comes_back", lesson.number)


def _account_fails(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    """Stripe distrusts the instructor about when they are to be paid, for a while or for good."""
    at = rng.choice([lesson.ends_at + SETTLES, lesson.starts_at - DAY, lesson.starts_at]) - minutes(rng, HOUR, DAY)
    draft.add(at, "account", lesson.number, becomes=rng.choice(["inactive", "inactive", "pending", "rejected"]))
    if rng.random() < 0.9:
        draft.add(_between(rng, at + HOUR, at + 5 * DAY), "account", lesson.number, becomes="payable")
        draft.add(_between(rng, at + DAY, at + 6 * DAY), "staff_retry", lesson.number)


def _payouts_are_held(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    at = _between(rng, lesson.booked_at, lesson.ends_at + 3 * DAY)
    draft.add(at, "hold_payouts", lesson.number, held=True)
    draft.add(_between(rng, at, at + 5 * DAY), "hold_payouts", lesson.number, held=False)


def _tries_to_pay(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    do = rng.choice(["pay_now", "finish_3ds"])
    draft.add(_between(rng, lesson.booked_at, lesson.ends_at + 8 * DAY), do, lesson.number)


def _cards_fail(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    """The student's card is refused from some time on, until they mend it, or don't."""
    card = rng.choice(["declined", "insufficient_funds", "requires_3ds"])
    at = _between(rng, lesson.booked_at - HOUR, lesson.ends_at + DAY)
    draft.add(at, "set_card", lesson.number, card=card)
    later = _between(rng, at, at + 6 * DAY)
    if card == "requires_3ds":
        draft.add(later, "finish_3ds", lesson.number)
    if rng.random() < 0.8:
        draft.add(_between(rng, at, at + 6 * DAY), "set_card", lesson.number, card="ok")


def _between(rng: random.Random, earliest: datetime, latest: datetime) -> datetime:
    return earliest + minutes(rng, timedelta(0), max(timedelta(0), latest - earliest))


AT_ONCE: list[tuple[str, dict[str, object]]] = [
    ("student_cancel", {}),
    ("student_cancel", {}),
    ("instructor_cancel", {}),
    ("reschedule", {"to": "now+26h"}),
    ("reschedule", {"to": "start+24h"}),
    ("admin_cancel", {"refund": True}),
    ("admin_cancel", {"refund": False}),
    ("admin_refund", {"full": True, "bearer": "instructor"}),
    ("admin_refund", {"cents": 2_000, "bearer": "platform"}),
    ("report_no_show", {"by": "student", "absent": "instructor"}),
    ("report_no_show", {"by": "instructor", "absent": "student"}),
    ("withdraw_no_show", {"by": "student"}),
    ("rule_no_show", {"ruling": "student_absent"}),
    ("rule_no_show", {"ruling": "instructor_absent"}),
    ("open_dispute", {"by": "student"}),
    ("open_dispute", {"by": "staff"}),
    ("rule_dispute", {"ruling": "student_wins"}),
    ("rule_dispute", {"ruling": "instructor_wins"}),
    ("chargeback", {"phase": "opened"}),
    ("chargeback", {"phase": "won"}),
    ("chargeback", {"phase": "lost"}),
    ("staff_retry", {}),
    ("staff_resolve", {}),
    ("staff_see_changes", {}),
    ("submit_evidence", {}),
    ("dashboard_refund", {"cents": 1_500}),
    ("account", {"becomes": "payable"}),
    ("set_card", {"card": "ok"}),
    ("set_card", {"card": "declined"}),
    ("pay_now", {}),
]

PLOTS: dict[Plot, int] = {  # how often, in comparison
    _student_cancels: 9,
    _instructor_cancels: 3,
    _moves: 9,
    _marks_complete: 1,
    _reports_no_show: 7,
    _disputes: 6,
    _staff_refund: 4,
    _staff_cancel: 3,
    _bank: 5,
    _changed_in_dashboard: 2,
    _refund_comes_back: 2,
    _account_fails: 2,
    _payouts_are_held: 1,
    _tries_to_pay: 2,
}
