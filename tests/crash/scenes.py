"""What is going on when the process dies: one scene or more for every kind of operation."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

from payments.policy.states import Action, Bearer, DisputeRuling, NoShowRuling, Party
from tests.crash.happenings import (
    HOUR,
    Given,
    Happening,
    a_worker_settles,
    at_the_bank,
    at_the_cardholders_bank,
    book,
    booked,
    card,
    clockwork,
    comes_back_from_the_bank,
    credit_on_its_last_day,
    disputed,
    fault,
    heard_from_the_bank,
    instructor_cancels,
    marks_complete,
    moves,
    nothing,
    pays,
    reported,
    reporter_withdraws,
    some_credit,
    somebody_else_takes_the_time,
    staff_cancel,
    staff_give_up,
    staff_refund,
    staff_retry,
    staff_rule_dispute,
    staff_rule_no_show,
    student_cancels,
    then,
    until,
    without_clockwork_until,
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """`act` is what is interrupted, on the booking that `given` returns, if there is one already.

    `kinds` are the operations that it begins or goes on with.
    """

    kinds: Set[Action]
    given: Given
    act: Happening


REFUSED_SINCE_THE_LESSON = then(
    booked(credits=5_000), until(before_start=20 * HOUR), card("declined"), fault("capture", "refuse", "always")
)
LOCKED = then(booked(), until(before_start=18 * HOUR), lambda stage, booking: moves(72 * HOUR)(stage, booking))

SCENES: dict[str, Scene] = {
    # --- Checkout, and paying for it
    "checkout, early": Scene(kinds={Action.CHECKOUT}, given=nothing, act=book(hours_ahead=72)),
    "checkout, early, with credit": Scene(
        kinds={Action.CHECKOUT}, given=some_credit, act=book(hours_ahead=72, credits=5_000)
    ),
    "checkout, at once": Scene(kinds={Action.CHECKOUT}, given=some_credit, act=book(hours_ahead=20, credits=5_000)),
    "checkout, card refused": Scene(
        kinds={Action.CHECKOUT},
        given=lambda stage: stage.use_card("declined"),
        act=book(hours_ahead=20),
    ),
    "checkout, bank wants the student": Scene(
        kinds={Action.CHECKOUT},
        given=lambda stage: stage.use_card("requires_3ds"),
        act=book(hours_ahead=20),
    ),
    "pay now, another intent waits at the bank": Scene(
        kinds={Action.PAY_NOW},
        given=then(booked(hours_ahead=20, card="requires_3ds"), card("ok")),
        act=pays,
    ),
    "back from the bank": Scene(
        kinds={Action.CONFIRM_AUTHORIZATION},
        given=then(booked(hours_ahead=20, card="requires_3ds"), at_the_bank),
        act=comes_back_from_the_bank,
    ),
    "back from the bank, the time is taken": Scene(
        kinds={Action.CONFIRM_AUTHORIZATION, Action.END_UNPAID},
        given=then(booked(hours_ahead=20, card="requires_3ds"), somebody_else_takes_the_time, at_the_bank),
        act=comes_back_from_the_bank,
    ),
    "checkout expires": Scene(
        kinds={Action.EXPIRE},
        given=then(
            booked(hours_ahead=20, credits=5_000, card="requires_3ds"),
            lambda stage, booking: stage.travel_to(booking.made_at + timedelta(minutes=30)),
        ),
        act=clockwork,
    ),
    # --- The authorization that was scheduled
    "authorize": Scene(kinds={Action.AUTHORIZE}, given=then(booked(), until(before_start=24 * HOUR)), act=clockwork),
    "authorize, card refused": Scene(
        kinds={Action.AUTHORIZE},
        given=then(booked(), card("declined"), until(before_start=24 * HOUR)),
        act=clockwork,
    ),
    "authorize, refused after 12 h": Scene(
        kinds={Action.AUTHORIZE, Action.EXPIRE},
        given=then(booked(credits=5_000), card("declined"), without_clockwork_until(before_start=11 * HOUR)),
        act=clockwork,
    ),
    "lesson expires at 12 h": Scene(
        kinds={Action.EXPIRE},
        given=then(booked(credits=5_000), card("requires_3ds"), until(before_start=12 * HOUR)),
        act=clockwork,
    ),
    # --- Settlement and collection
    "mark complete": Scene(kinds=set(), given=then(booked(), until(after_end=2 * HOUR)), act=marks_complete),
    "settle": Scene(kinds={Action.SETTLE}, given=then(booked(), until(after_end=24 * HOUR)), act=clockwork),
    "settle, with top-up": Scene(
        kinds={Action.SETTLE},
        given=then(booked(credits=12_000), until(after_end=24 * HOUR)),
        act=clockwork,
    ),
    "settle, with late authorization": Scene(
        kinds={Action.SETTLE},
        given=then(booked(credits=5_000), without_clockwork_until(after_end=24 * HOUR)),
        act=clockwork,
    ),
    "settle, hold found lapsed": Scene(
        kinds={Action.SETTLE},
        given=then(booked(), until(before_start=20 * HOUR), without_clockwork_until(after_end=timedelta(days=8))),
        act=a_worker_settles,
    ),
    "settle, capture refused": Scene(
        kinds={Action.SETTLE},
        given=then(booked(), until(after_end=24 * HOUR), fault("capture", "refuse")),
        act=clockwork,
    ),
    "settle, locked": Scene(kinds={Action.SETTLE}, given=then(LOCKED, until(after_end=24 * HOUR)), act=clockwork),
    "advance": Scene(
        kinds={Action.SETTLE, Action.ADVANCE},
        given=then(REFUSED_SINCE_THE_LESSON, until(after_end=96 * HOUR)),
        act=clockwork,
    ),
    "collect": Scene(
        kinds={Action.COLLECT},
        given=then(REFUSED_SINCE_THE_LESSON, until(after_end=97 * HOUR), card("ok")),
        act=pays,
    ),
    # --- The student cancels
    "student cancels, early": Scene(kinds={Action.STUDENT_CANCEL}, given=booked(credits=5_000), act=student_cancels),
    "student cancels, middle": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(credits=5_000), until(before_start=18 * HOUR)),
        act=student_cancels,
    ),
    "student cancels, late": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(credits=9_000), until(before_start=6 * HOUR)),
        act=student_cancels,
    ),
    "student cancels, late, authorizes first": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(), without_clockwork_until(before_start=6 * HOUR)),
        act=student_cancels,
    ),
    "student cancels, late authorization refused": Scene(
        kinds={Action.STUDENT_CANCEL, Action.END_UNPAID},
        given=then(booked(credits=5_000), card("declined"), without_clockwork_until(before_start=6 * HOUR)),
        act=student_cancels,
    ),
    "student cancels, checkout waits at the bank": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=booked(hours_ahead=20, card="requires_3ds"),
        act=student_cancels,
    ),
    "student cancels, locked and late": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(LOCKED, until(before_start=6 * HOUR)),
        act=student_cancels,
    ),
    "student cancels, half payout refused": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(), until(before_start=6 * HOUR), fault("payout", "refuse")),
        act=student_cancels,
    ),
    "student cancels while an authorization is unanswered": Scene(
        kinds={Action.AUTHORIZE, Action.STUDENT_CANCEL},
        given=then(
            booked(),
            until(before_start=24 * HOUR),
            fault("authorize", "error_500"),
            clockwork,
            without_clockwork_until(before_start=24 * HOUR - timedelta(minutes=1)),  # it is repeated then
        ),
        act=student_cancels,
    ),
    # --- The instructor cancels
    "instructor cancels, card held": Scene(
        kinds={Action.INSTRUCTOR_CANCEL},
        given=then(booked(credits=5_000), until(before_start=6 * HOUR)),
        act=instructor_cancels,
    ),
    "instructor cancels, locked": Scene(kinds={Action.INSTRUCTOR_CANCEL}, given=LOCKED, act=instructor_cancels),
    # --- The student moves the lesson
    "move, early": Scene(kinds={Action.RESCHEDULE}, given=booked(), act=moves(24 * HOUR)),
    "move, early, into the next day": Scene(kinds={Action.RESCHEDULE}, given=booked(), act=moves(-60 * HOUR)),
    "LOCK": Scene(
        kinds={Action.RESCHEDULE},
        given=then(booked(credits=5_000), until(before_start=18 * HOUR)),
        act=moves(timedelta(minutes=30)),
    ),
    "LOCK, authorizes first": Scene(
        kinds={Action.RESCHEDULE},
        given=then(booked(), without_clockwork_until(before_start=18 * HOUR)),
        act=moves(72 * HOUR),
    ),
    "LOCK, capture refused after a new hold": Scene(
        kinds={Action.RESCHEDULE, Action.RELEASE_HOLD},
        given=then(booked(), without_clockwork_until(before_start=18 * HOUR), fault("capture", "refuse")),
        act=moves(72 * HOUR),
    ),
    "LOCK, reversal refused": Scene(
        kinds={Action.RESCHEDULE},
        given=then(booked(), until(before_start=18 * HOUR), fault("reverse", "refuse")),
        act=moves(72 * HOUR),
    ),
    # --- Staff
    "staff refund, borne by the instructor": Scene(
        kinds={Action.STAFF_REFUND},
        given=then(booked(credits=5_000), until(after_end=25 * HOUR)),
        act=staff_refund(4_220, bearer=Bearer.INSTRUCTOR),
    ),
    "staff cancel with refund, locked": Scene(
        kinds={Action.STAFF_CANCEL}, given=LOCKED, act=staff_cancel(with_refund=True)
    ),
    "staff cancel without refund, card held": Scene(
        kinds={Action.STAFF_CANCEL},
        given=then(booked(credits=5_000), until(before_start=6 * HOUR)),
        act=staff_cancel(with_refund=False),
    ),
    "staff retry a half payout": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(), until(before_start=6 * HOUR), fault("payout", "refuse"), student_cancels),
        act=staff_retry,
    ),
    "staff retry a refused capture": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(), until(before_start=18 * HOUR), fault("capture", "refuse"), student_cancels),
        act=staff_retry,
    ),
    "staff give up a half payout": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(booked(), until(before_start=6 * HOUR), fault("payout", "refuse"), student_cancels),
        act=staff_give_up,
    ),
    # --- Cases
    "no-show ruled, instructor absent, card held": Scene(
        kinds={Action.RULE_NO_SHOW},
        given=then(booked(credits=5_000), until(after_end=HOUR), reported(by=Party.STUDENT)),
        act=staff_rule_no_show(NoShowRuling.INSTRUCTOR_ABSENT),
    ),
    "no-show ruled, both absent, locked": Scene(
        kinds={Action.RULE_NO_SHOW},
        given=then(LOCKED, until(after_end=HOUR), reported(by=Party.STUDENT)),
        act=staff_rule_no_show(NoShowRuling.BOTH_ABSENT),
    ),
    "no-show ruled, student absent, hold lapsed, with top-up": Scene(
        kinds={Action.RULE_NO_SHOW},
        given=then(
            booked(credits=12_000),
            until(after_end=HOUR),
            reported(by=Party.INSTRUCTOR),
            without_clockwork_until(after_end=timedelta(days=9)),
        ),
        act=staff_rule_no_show(NoShowRuling.STUDENT_ABSENT),
    ),
    "no-show confirmed": Scene(
        kinds={Action.RULE_NO_SHOW},
        given=then(
            booked(), until(after_end=HOUR), reported(by=Party.STUDENT, contested=False), until(after_end=25 * HOUR)
        ),
        act=clockwork,
    ),
    "report withdrawn when settlement is due": Scene(
        kinds={Action.SETTLE},
        given=then(
            booked(),
            until(after_end=2 * HOUR),
            reported(by=Party.STUDENT, contested=False),
            until(after_end=25 * HOUR),
        ),
        act=reporter_withdraws,
    ),
    "dispute ruled, card held": Scene(
        kinds={Action.RULE_DISPUTE},
        given=then(booked(credits=5_000), until(after_end=HOUR), disputed),
        act=staff_rule_dispute(DisputeRuling.STUDENT_WINS),
    ),
    "dispute ruled, after payout and top-up": Scene(
        kinds={Action.RULE_DISPUTE},
        given=then(booked(credits=5_000), until(after_end=25 * HOUR), disputed),
        act=staff_rule_dispute(DisputeRuling.STUDENT_WINS),
    ),
    "dispute ruled, credit issued before": Scene(
        kinds={Action.RULE_DISPUTE},
        given=then(booked(), until(before_start=6 * HOUR), student_cancels, disputed),
        act=staff_rule_dispute(DisputeRuling.STUDENT_WINS),
    ),
    "dispute halts a late cancellation": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(
            booked(),
            until(before_start=6 * HOUR),
            fault("capture", "lost_answer"),
            student_cancels,
            disputed,
            without_clockwork_until(before_start=5 * HOUR),
        ),
        act=clockwork,
    ),
    "a late cancellation that was halted goes on": Scene(
        kinds={Action.STUDENT_CANCEL},
        given=then(
            booked(),
            until(before_start=6 * HOUR),
            fault("capture", "lost_answer"),
            student_cancels,
            disputed,
            until(before_start=5 * HOUR),
        ),
        act=staff_rule_dispute(DisputeRuling.INSTRUCTOR_WINS),
    ),
    "chargeback opened": Scene(
        kinds={Action.ANSWER_CHARGEBACK},
        given=then(booked(credits=5_000), until(after_end=25 * HOUR), at_the_cardholders_bank("opened")),
        act=heard_from_the_bank,
    ),
    "chargeback won": Scene(
        kinds={Action.WIN_CHARGEBACK},
        given=then(
            booked(credits=5_000),
            until(after_end=25 * HOUR),
            at_the_cardholders_bank("opened"),
            heard_from_the_bank,
            at_the_cardholders_bank("won"),
        ),
        act=heard_from_the_bank,
    ),
    "chargeback won, what it had halted goes on": Scene(
        kinds={Action.WIN_CHARGEBACK, Action.STUDENT_CANCEL},
        given=then(
            booked(),
            until(before_start=6 * HOUR),
            fault("capture", "lost_answer"),
            student_cancels,
            at_the_cardholders_bank("opened"),
            heard_from_the_bank,
            until(before_start=5 * HOUR),
            at_the_cardholders_bank("won"),
        ),
        act=heard_from_the_bank,
    ),
    "chargeback lost": Scene(
        kinds={Action.LOSE_CHARGEBACK},
        given=then(
            booked(),
            until(before_start=6 * HOUR),
            student_cancels,
            at_the_cardholders_bank("opened"),
            heard_from_the_bank,
            at_the_cardholders_bank("lost"),
        ),
        act=heard_from_the_bank,
    ),
    "chargeback opened and lost at once": Scene(
        kinds={Action.ANSWER_CHARGEBACK, Action.LOSE_CHARGEBACK},
        given=then(
            booked(), until(after_end=25 * HOUR), at_the_cardholders_bank("opened"), at_the_cardholders_bank("lost")
        ),
        act=heard_from_the_bank,
    ),
    # --- Credit by itself
    "credit expires": Scene(
        kinds=set(),
        given=credit_on_its_last_day,
        act=clockwork,
    ),
}
