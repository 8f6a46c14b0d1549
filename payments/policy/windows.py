"""When an action is asked for, measured from the lesson's start (policy section 3)."""

from datetime import datetime, timedelta
from enum import StrEnum

from payments.policy.rules import Rules


class Window(StrEnum):
    EARLY = "early"
    MIDDLE = "middle"
    LATE = "late"
    STARTED = "started"


def window_at(instant: datetime, *, starts_at: datetime, rules: Rules) -> Window:
    """Return the window that an instant falls in; each includes its last instant (P3.1, P3.2)."""
    ahead = starts_at - instant
    if ahead >= rules.early_from:
        return Window.EARLY
    if ahead >= rules.middle_from:
        return Window.MIDDLE
    if ahead > timedelta(0):
        return Window.LATE
    return Window.STARTED


def in_words(window: timedelta) -> str:
    """Write a window as sentences name it: "24 hours", or "90 minutes" if it is none of whole hours."""
    minutes = window // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hour{'s' if minutes != 60 else ''}"


def authorization_due_at(starts_at: datetime, *, rules: Rules) -> datetime:
    """Return when the card is to be authorized: exactly start − 24 h (P5.1)."""
    return starts_at - rules.early_from


def unpaid_cancellation_due_at(starts_at: datetime, *, rules: Rules) -> datetime:
    """Return when a lesson that the card never covered is cancelled: start − 12 h (P10.1)."""
    return starts_at - rules.middle_from


def settlement_due_at(ends_at: datetime, *, rules: Rules) -> datetime:
    """Return when a lesson is captured and paid: end + 24 h (P5.5)."""
    return ends_at + rules.settle_after


def checkout_expires_at(*, made_at: datetime, starts_at: datetime, rules: Rules) -> datetime:
    """Return when an unpaid checkout is cancelled: 30 minutes after it was made, or at the start if sooner (P5.2)."""
    return min(made_at + rules.checkout_time, starts_at)


def next_authorization_at(*, refused_at: datetime, refusals: int, starts_at: datetime, rules: Rules) -> datetime | None:
    """Return when a refused card is tried again, or None if the cancellation at T−12 h comes first (P10.1).

    `refusals` counts the refusals so far, this one included.
    """
    waits = rules.authorization_retries
    retry_at = refused_at + waits[min(refusals, len(waits)) - 1]
    return retry_at if retry_at < unpaid_cancellation_due_at(starts_at, rules=rules) else None
