"""What goes wrong: at Stripe, in our processes, with our clockwork, with Redis, and with the post.

Trouble is drawn close to the instants at which money moves; what nobody is there for hits whoever comes next.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime

from instainstru.local.simulation.plots import DAY, HOUR, INSTANT, SETTLES
from instainstru.local.simulation.story import BEGINNING, Draft, Faults, Lesson, minutes

CALLS = ("authorize", "capture", "reverse", "payout", "refund", "void", "account")
UNANSWERED = ("lost_answer", "error_500", "timeout_before", "error_429", "stored_500")
MANY_POINTS = 40  # of an operation's commits and calls; further than the longest one goes

KINDS = {  # of trouble: how often, in comparison
    "unanswered": 5,
    "refused": 4,
    "collection": 1,
    "killed": 4,
    "rival": 3,
    "outage": 2,
    "silence": 2,
    "redis": 1,
    "redis forgets": 1,
}
ASKS = {  # what some acts ask of Stripe
    "student_cancel": ("capture", "reverse", "payout", "void"),
    "instructor_cancel": ("refund", "void"),
    "reschedule": ("capture", "reverse", "void"),
    "admin_refund": ("refund", "reverse"),
    "admin_cancel": ("refund", "reverse", "void"),
    "rule_no_show": ("refund", "capture", "void"),
    "rule_dispute": ("refund", "reverse"),
    "bank": ("reverse", "payout"),
}
UNANSWERABLE = (*CALLS, "read", "any")

PER_LESSON = {Faults.NONE: [0], Faults.LIGHT: [0, 0, 1], Faults.HEAVY: [1, 2, 3, 4]}
POST_EVERY = 16 * HOUR


def trouble(rng: random.Random, lesson: Lesson, draft: Draft, *, faults: Faults) -> None:
    """Draw what goes wrong around one lesson, whose acts are in the draft."""
    own = [at for at, _, number, _ in draft.steps if number == lesson.number]
    due = [lesson.booked_at, lesson.starts_at - DAY, lesson.starts_at - 12 * HOUR, lesson.ends_at + SETTLES]
    for _ in range(rng.choice(PER_LESSON[faults])):
        just_before = rng.choice([*own, *own, *due]) - INSTANT
        match rng.choices(list(KINDS), list(KINDS.values()))[0]:
            case "unanswered":
                fault, call, times = rng.choice(UNANSWERED), rng.choice(UNANSWERABLE), rng.choice([1, 1, 2, 4])
                if call in ("read", "any") and fault == "stored_500":  # no key remembers a look; only the named fail so
                    fault = "error_500"
                draft.add(just_before, "stripe_fault", call=call, fault=fault, times=times)
            case "refused":
                at, call = rng.choice([(just_before, rng.choice(CALLS)), *_what_is_asked(lesson, draft)])
                draft.add(at - INSTANT, "stripe_fault", call=call, fault="refuse", times=1)
            case "collection":  # the card refuses for 72 hours after the lesson; the student may pay later (P10.2)
                settles = lesson.ends_at + SETTLES
                draft.add(settles - INSTANT, "stripe_fault", call="capture", fault="refuse", times=20)
                if rng.random() < 0.6:
                    draft.add(settles + minutes(rng, DAY, 6 * DAY), "pay_now", lesson.number)
            case "killed":
                draft.add(just_before, "kill", after_points=rng.randrange(MANY_POINTS))
            case "rival":
                _let_meet(rng, lesson, draft)
            case "outage":
                length = rng.choice([3 * HOUR, 15 * HOUR, 50 * HOUR] + [9 * DAY] * (faults is Faults.HEAVY))
                draft.add(just_before, "clockwork", running=False)
                draft.add(just_before + minutes(rng, HOUR, length), "clockwork", running=True)
            case "silence":  # an answer stays unknown for longer than Stripe remembers the key (P2.3)
                fault = rng.choice(["lost_answer", "timeout_before", "error_500"])
                draft.add(just_before, "stripe_fault", call=rng.choice(CALLS), fault=fault, times=1)
                draft.add(just_before + 2 * INSTANT, "clockwork", running=False)
                draft.add(just_before + minutes(rng, DAY, 3 * DAY), "clockwork", running=True)
            case "redis forgets":
                draft.add(just_before, "redis_forgets", during_call=rng.randrange(3))
            case "redis":
                draft.add(just_before, "redis", running=False)
                draft.add(just_before + minutes(rng, HOUR, 20 * HOUR), "redis", running=True)


def nights(rng: random.Random, draft: Draft, *, faults: Faults) -> None:
    """Draw what happens day by day: tiers are recomputed each night, money goes on to banks, and may come back."""
    night, last = BEGINNING.replace(hour=3) + DAY, max(at for at, *_ in draft.steps) + DAY
    while night < last:
        draft.add(night, "night")
        if rng.random() < 0.15:
            draft.add(night + 6 * HOUR, "payouts")
            if faults is Faults.HEAVY and rng.random() < 0.3:
                draft.add(night + minutes(rng, 7 * HOUR, 60 * HOUR), "payout_fails")
        night += DAY


def deliveries(rng: random.Random, draft: Draft, *, faults: Faults) -> None:
    """Draw when Stripe's events come: in order, or in disorder, doubled, late and not at all; then we ask for them."""
    at, last = BEGINNING, max(at for at, *_ in draft.steps) + DAY
    while at < last:
        at += minutes(rng, HOUR, 2 * POST_EVERY)
        if faults is Faults.HEAVY:
            lost, late = rng.choice([0, 10, 30]), rng.choice([0, 40])
            draft.add(at, "post", lost=lost, late=late, doubled=20, drawn=rng.randrange(1_000))
        else:
            draft.add(at, "post", lost=0, late=0, doubled=0, drawn=0)
        if faults is Faults.HEAVY and rng.random() < 0.2:
            draft.add(at, "backfill")


def _what_is_asked(lesson: Lesson, draft: Draft) -> list[tuple[datetime, str]]:
    """Return which calls the lesson's acts may come to, and when."""
    own = [(at, do) for at, do, number, _ in draft.steps if number == lesson.number]
    return [(at, call) for at, do in own for call in ASKS.get(do, ())]


def _let_meet(rng: random.Random, lesson: Lesson, draft: Draft) -> None:
    """Let one of the lesson's acts happen in the middle of whatever asks Stripe next."""
    own = _indexes(lesson, draft.steps)
    if own:
        index = rng.choice(own)
        at, do, number, more = draft.steps[index]
        draft.steps[index] = (max(at - INSTANT, BEGINNING), do, number, more | {"during_call": rng.randrange(4)})


def _indexes(lesson: Lesson, steps: Iterable[tuple[datetime, str, int | None, object]]) -> list[int]:
    return [
        index
        for index, (_, do, number, _) in enumerate(steps)
        if number == lesson.number and do not in ("book", "set_card", "finish_3ds")
    ]
