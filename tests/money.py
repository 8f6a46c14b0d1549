"""One look at all the money: what the card paid, and where every cent of it is. Cents, as Stripe's books have it."""

from dataclasses import dataclass

from credits import queries as credits
from instainstru import clock
from payments.models import Payee
from tests.stage import PLATFORM_FUNDS, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """Who has what, counted from an empty purse; `held` is on the card still."""

    held: int
    card: int
    student_credit: int
    instructor: int
    platform: int
    fees: int


def assert_balances(
    stage: Stage,
    *,
    card: int = 0,
    student_credit: int = 0,
    instructor: int = 0,
    platform: int = 0,
    fees: int = 0,
    held: int = 0,
) -> None:
    """Assert every balance at once, that no cent was made or lost between them, and that our books say the same.

    `card` is what cards paid less what they got back, `student_credit` what the student has in credit (spendable or
    reserved), `instructor` and `platform` what Stripe keeps for them (the platform's funds left out), `fees` what
    Stripe took. No call may be unanswered.
    """
    expected = Balances(
        held=held, card=card, student_credit=student_credit, instructor=instructor, platform=platform, fees=fees
    )
    found = balances_of(stage)
    assert found == expected
    assert found.card == found.instructor + found.platform + found.fees
    assert stage.disorder() == []


def balances_of(stage: Stage) -> Balances:
    stripe = stage.simulator.summary()
    moved, accounts = stripe["totals"], stripe["balances"]["accounts"]
    wallet = credits.balance_of(student_id=stage.student.pk, at=clock.now())
    return Balances(
        held=moved["held"],
        card=moved["captured"] - moved["refunded"],
        student_credit=wallet.available + wallet.reserved,
        instructor=sum(accounts[Payee.objects.get(user=stage.instructor).account_id].values()),
        platform=sum(stripe["balances"]["platform"].values()) - PLATFORM_FUNDS,
        fees=moved["fees"],
    )
