"""A plan of the policy as the confirmation page shows it: what moves, what happens at once, what waits."""

from collections.abc import Iterator

from bookings.admin.words import in_short
from instainstru.admin.confirmation import Movement
from instainstru.money import dollars
from payments.admin.words import ACCOUNTS, ACTIONS, CALLS, DIRECTIONS, OUTCOMES, PAYMENT_BECOMES
from payments.policy.accounts import Line
from payments.policy.plan import Ending, PlannedStep


def call_shown(step: PlannedStep) -> Movement:
    """One call to Stripe, with its amount and its direction."""
    goes_on = f"{dollars(step.transfer)} of it goes on to the instructor." if step.transfer else ""
    return Movement(what=CALLS[step.call], amount=dollars(step.amount), direction=DIRECTIONS[step.call], note=goes_on)


def line_shown(line: Line) -> Movement:
    """One line of the books: nothing moves at Stripe."""
    side = "debit in our books" if line.amount > 0 else "credit in our books"
    return Movement(what=ACCOUNTS[line.account], amount=dollars(abs(line.amount)), direction=side)


def ending_told(ending: Ending) -> Iterator[str]:
    """What the end of a plan leaves behind, sentence by sentence."""
    if ending.moves:
        yield "The lesson moves to its new time."
    if ending.booking_status is not None:
        yield f"The booking is {in_short(ending.booking_status)}."
    if ending.payment_status is not None:
        yield PAYMENT_BECOMES[ending.payment_status]
    if ending.outcome is not None:
        yield f"Outcome: {OUTCOMES[ending.outcome]}."
    if ending.successor is not None:
        yield f"It goes on: {ACTIONS[ending.successor].lower()}."
    credits = ending.credits
    for cents, words in (
        (credits.released, "of the student's credits comes back"),
        (credits.issued, "of new credit is given to the student"),
        (credits.forfeited, "of the student's credits is forfeited"),
        (credits.consumed, "of the student's credits is spent"),
    ):
        if cents:
            yield f"{dollars(cents)} {words}."
