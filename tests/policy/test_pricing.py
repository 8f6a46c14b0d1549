"""Amounts (policy section 1) and the worked example (section 13)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instainstru.money import dollars, half, percentage, share
from instainstru.refusals import Refused
from payments.policy.pricing import Terms, is_lesson_length, lesson_price, price_booking, require_price_floor
from payments.policy.rules import DEFAULT_RULES
from payments.policy.states import Modality, Tier
from tests.policy.given import ALL_CREDIT, CARD_ONLY, priced

ROUNDED = {  # amount, basis points, cents
    "exact": (12_000, 1_200, 1_440),
    "half a cent goes up": (12_050, 1_000, 1_205),
    "just below half goes down": (1_004, 1_200, 120),  # 120.48
    "exactly half goes up": (1_250, 1_000, 125),
    "a half that a float would lose": (10_050, 1_000, 1_005),  # 1005.0
    "half of the smallest": (5, 1_000, 1),  # 0.5
    "just under half of the smallest": (4, 1_000, 0),  # 0.4
}


@pytest.mark.rule("P1.1")
@pytest.mark.parametrize(("amount", "basis_points", "cents"), ROUNDED.values(), ids=ROUNDED)
def test_percentages_are_rounded_half_up(amount: int, basis_points: int, cents: int) -> None:
    assert percentage(amount, basis_points=basis_points) == cents


@pytest.mark.rule("P1.1")
@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_share_is_the_nearest_cent_and_the_higher_of_two(amount: int, numerator: int, denominator: int) -> None:
    cents = share(amount, numerator=numerator, denominator=denominator)

    exact = 2 * amount * numerator  # in halves of a denominator-th
    assert 2 * denominator * cents - denominator <= exact < 2 * denominator * cents + denominator


@pytest.mark.rule("P1.1")
def test_nothing_negative_is_shared() -> None:
    for amount, numerator, denominator in ((-1, 1, 2), (1, -1, 2), (1, 1, 0), (1, 1, -2)):
        with pytest.raises(ValueError, match=r"^Amounts and shares are never negative\.$"):
            share(amount, numerator=numerator, denominator=denominator)


@pytest.mark.rule("P1.1")
def test_half_of_an_odd_amount_is_the_bigger_half() -> None:
    assert (half(0), half(1), half(2), half(12_001)) == (0, 1, 1, 6_001)


def test_cents_are_written_as_dollars() -> None:
    assert [dollars(cents) for cents in (0, 5, -5, 100, -123_456, 1_234_567_89)] == [
        "$0.00",
        "$0.05",
        "-$0.05",
        "$1.00",
        "-$1,234.56",
        "$1,234,567.89",
    ]


@pytest.mark.rule("P1.1")
@pytest.mark.parametrize(
    ("hourly_price", "minutes", "price"),
    [(12_000, 60, 12_000), (12_000, 45, 9_000), (8_001, 30, 4_001), (9_999, 75, 12_499), (8_000, 240, 32_000)],
)
def test_a_lesson_costs_its_share_of_the_hour(hourly_price: int, minutes: int, price: int) -> None:
    assert lesson_price(hourly_price=hourly_price, minutes=minutes) == price


@pytest.mark.rule("P1.3")
@pytest.mark.parametrize(
    ("tier", "instructor_fee"),
    [(Tier.FOUNDING, 960), (Tier.ENTRY, 1_800), (Tier.GROWTH, 1_440), (Tier.PRO, 1_200)],
)
def test_the_instructors_fee_is_the_tiers(tier: Tier, instructor_fee: int) -> None:
    assert priced(tier=tier).instructor_fee == instructor_fee


# --- Section 13 ---------------------------------------------------------------------------------------------------


@pytest.mark.rule("P1.1")
def test_the_worked_example_without_credits() -> None:
    assert (CARD_ONLY.student_fee, CARD_ONLY.instructor_fee, CARD_ONLY.payout) == (1_440, 1_440, 10_560)
    assert (CARD_ONLY.card_total, CARD_ONLY.transfer, CARD_ONLY.top_up) == (13_440, 10_560, 0)
    assert (CARD_ONLY.half_credit, CARD_ONLY.half_payout) == (6_000, 5_280)


@pytest.mark.rule("P1.1")
def test_the_worked_example_with_credits_for_all_of_it() -> None:
    assert (ALL_CREDIT.card_total, ALL_CREDIT.transfer, ALL_CREDIT.top_up) == (1_440, 1_440, 9_120)


# --- What terms can be --------------------------------------------------------------------------------------------


@pytest.mark.rule("P1.5")
def test_credits_never_pay_for_more_than_the_lesson() -> None:
    with pytest.raises(Refused) as refusal:
        priced(credits=12_001)

    assert refusal.value.code == "credits_unavailable"
    assert refusal.value.context == {"usable_cents": 12_000}


@pytest.mark.rule("P1.5")
@pytest.mark.parametrize("amounts", [{"credits": 12_001}, {"credits": -1}], ids=str)
def test_credits_beyond_the_price_are_impossible(amounts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^Credits pay for the lesson's price only \(P1\.5\)\.$"):
        Terms(**{"lesson_price": 12_000, "student_fee": 1_440, "instructor_fee": 1_440} | amounts)


@pytest.mark.rule("P1.5")
@pytest.mark.parametrize("amounts", [{"student_fee": 0}, {"instructor_fee": 12_000}, {"instructor_fee": -1}], ids=str)
def test_fees_that_leave_nothing_are_impossible(amounts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^A booking has a student fee, and its instructor fee leaves a payout\.$"):
        Terms(**{"lesson_price": 12_000, "student_fee": 1_440, "instructor_fee": 1_440} | amounts)


@pytest.mark.rule("P1.5")
def test_a_fee_may_be_a_cent_and_an_instructor_may_keep_everything() -> None:
    terms = Terms(lesson_price=12_000, student_fee=1, instructor_fee=0)

    assert (terms.card_total, terms.payout) == (12_001, 12_000)


@pytest.mark.rule("P1.5")
@given(st.integers(1_000, 10**7), st.sampled_from(Tier), st.data())
def test_what_everybody_pays_is_what_everybody_gets(price: int, tier: Tier, data: st.DataObject) -> None:
    credits = data.draw(st.integers(0, price), label="credits")
    terms = price_booking(hourly_price=price, minutes=60, tier=tier, credits=credits, rules=DEFAULT_RULES)

    assert terms.card_total + credits == terms.payout + terms.instructor_fee + terms.student_fee
    assert terms.card_total >= terms.student_fee > 0
    assert terms.transfer + terms.top_up == terms.payout
    assert 0 <= terms.transfer <= terms.card_total
    assert terms.top_up >= 0
    assert 0 <= 2 * terms.half_credit - price <= 1
    assert 0 <= 2 * terms.half_payout - terms.payout <= 1


# --- What may be sold ---------------------------------------------------------------------------------------------

FLOORS = {  # modality, minutes, the lowest price
    "in person, an hour": (Modality.IN_PERSON, 60, 8_000),
    "online, an hour": (Modality.ONLINE, 60, 6_000),
    "in person, half an hour": (Modality.IN_PERSON, 30, 4_000),
    "online, an hour and a quarter": (Modality.ONLINE, 75, 7_500),
    "in person, four hours": (Modality.IN_PERSON, 240, 32_000),
}


@pytest.mark.rule("P1.4")
@pytest.mark.parametrize(("modality", "minutes", "floor"), FLOORS.values(), ids=FLOORS)
def test_a_price_may_stand_on_the_floor_but_not_below(modality: Modality, minutes: int, floor: int) -> None:
    require_price_floor(price=floor, modality=modality, minutes=minutes, rules=DEFAULT_RULES)

    with pytest.raises(Refused) as refusal:
        require_price_floor(price=floor - 1, modality=modality, minutes=minutes, rules=DEFAULT_RULES)
    assert (refusal.value.code, refusal.value.context) == ("below_price_floor", {"floor_cents": floor})


@pytest.mark.rule("P1.4")
def test_lessons_last_30_to_240_minutes_in_quarters_of_an_hour() -> None:
    sold = [minutes for minutes in range(300) if is_lesson_length(minutes, rules=DEFAULT_RULES)]

    assert sold == list(range(30, 241, 15))
