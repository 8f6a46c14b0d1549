"""What a lesson costs and how it is shared (policy section 1). Amounts are integer cents."""

from dataclasses import dataclass

from instainstru.money import half, percentage, share
from instainstru.refusals import Refused
from payments.policy.rules import Rules
from payments.policy.states import Modality, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The amounts of one booking, frozen when it is made (P1.2)."""

    lesson_price: int  # LP
    student_fee: int  # SF
    instructor_fee: int  # IF
    credits: int = 0  # CR, reserved for this booking

    def __post_init__(self) -> None:
        if not 0 <= self.credits <= self.lesson_price:
            raise ValueError("Credits pay for the lesson's price only (P1.5).")
        if self.student_fee <= 0 or not 0 <= self.instructor_fee < self.lesson_price:
            raise ValueError("A booking has a student fee, and its instructor fee leaves a payout.")

    @property
    def payout(self) -> int:
        """`P`: the full payout to the instructor."""
        return self.lesson_price - self.instructor_fee

    @property
    def card_total(self) -> int:
        """`PI`: what the card pays."""
        return self.lesson_price - self.credits + self.student_fee

    @property
    def transfer(self) -> int:
        """`TR`: what the destination transfer carries at capture."""
        return min(self.card_total, self.payout)

    @property
    def top_up(self) -> int:
        """`TOP`: what the platform adds at completion."""
        return self.payout - self.transfer

    @property
    def half_credit(self) -> int:
        """`HC`"""
        return half(self.lesson_price)

    @property
    def half_payout(self) -> int:
        """`HP`"""
        return half(self.payout)


def lesson_price(*, hourly_price: int, minutes: int) -> int:
    """Return `LP`: the hourly price for that many minutes."""
    return share(hourly_price, numerator=minutes, denominator=60)


def price_floor(*, modality: Modality | str, minutes: int, rules: Rules) -> int:
    """Return the lowest lesson price for that kind and length (P1.4)."""
    return share(rules.price_floors[Modality(modality)], numerator=minutes, denominator=60)


def require_price_floor(*, price: int, modality: Modality | str, minutes: int, rules: Rules) -> None:
    """Raise Refused("below_price_floor") if a price is below the floor for that kind and length (P1.4)."""
    floor = price_floor(modality=modality, minutes=minutes, rules=rules)
    if price < floor:
        raise Refused("below_price_floor", floor_cents=floor)


def is_lesson_length(minutes: int, *, rules: Rules) -> bool:
    """Return whether lessons of that many minutes are sold (P1.4)."""
    return rules.shortest_lesson <= minutes <= rules.longest_lesson and minutes % rules.lesson_step == 0


def price_booking(*, hourly_price: int, minutes: int, tier: Tier | str, credits: int, rules: Rules) -> Terms:
    """Return the terms of a booking made now (P1.2).

    Raises Refused("credits_unavailable") for more credits than the lesson costs: the fee is always the card's (P1.5).
    """
    price = lesson_price(hourly_price=hourly_price, minutes=minutes)
    if credits > price:
        raise Refused("credits_unavailable", usable_cents=price)
    return Terms(
        lesson_price=price,
        student_fee=percentage(price, basis_points=rules.student_fee_rate),
        instructor_fee=percentage(price, basis_points=rules.tier_rates[Tier(tier)]),
        credits=credits,
    )
