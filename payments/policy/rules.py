"""The numbers of the policy: rates, floors and windows with their defaults (P1.4)."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from payments.policy.states import Modality, Tier

POLICY_VERSION = "2.1.1"

_TIER_RATES = {Tier.FOUNDING: 800, Tier.ENTRY: 1_500, Tier.GROWTH: 1_200, Tier.PRO: 1_000}
_FLOORS = {Modality.IN_PERSON: 8_000, Modality.ONLINE: 6_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One version of the policy's configuration. Rates are basis points, floors cents for 60 minutes."""

    version: str = POLICY_VERSION
    student_fee_rate: int = 1_200
    tier_rates: MappingProxyType[Tier, int] = field(default_factory=lambda: MappingProxyType(_TIER_RATES))
    price_floors: MappingProxyType[Modality, int] = field(default_factory=lambda: MappingProxyType(_FLOORS))

    shortest_lesson: int = 30  # minutes
    longest_lesson: int = 240
    lesson_step: int = 15

    early_from: timedelta = timedelta(hours=24)  # P3.1: t ≥ 24 h is early
    middle_from: timedelta = timedelta(hours=12)  # P3.1: 12 h ≤ t < 24 h is middle
    checkout_time: timedelta = timedelta(minutes=30)  # P5.2
    settle_after: timedelta = timedelta(hours=24)  # P5.5, from the lesson's end
    authorization_retries: tuple[timedelta, ...] = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=8))  # P10.1
    final_warning: timedelta = timedelta(hours=13)  # P10.1, ahead of the start
    collection_retry: timedelta = timedelta(hours=4)  # P10.2
    collection_time: timedelta = timedelta(hours=72)


DEFAULT_RULES = Rules()
