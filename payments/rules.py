"""Which rules hold: those in force now for a new booking, those of its version for an old one (P1.2)."""

import functools
from datetime import datetime
from types import MappingProxyType

from payments.models import RulesVersion
from payments.policy.rules import Rules
from payments.policy.states import Modality, Tier


def rules_in_force(*, at: datetime) -> Rules:
    """Return the rules that a booking made at an instant is bought under."""
    return _as_rules(RulesVersion.objects.in_force(at=at)[0])


@functools.lru_cache(maxsize=32)
def rules_of_version(version: str) -> Rules:
    """Return the rules that a payment was bought under; a version that holds is never changed, so this is kept."""
    return _as_rules(RulesVersion.objects.get(version=version))


def _as_rules(row: RulesVersion) -> Rules:
    return Rules(
        version=row.version,
        student_fee_rate=row.student_fee_rate,
        tier_rates=MappingProxyType(
            {
                Tier.FOUNDING: row.founding_rate,
                Tier.ENTRY: row.entry_rate,
                Tier.GROWTH: row.growth_rate,
                Tier.PRO: row.pro_rate,
            }
        ),
        price_floors=MappingProxyType(
            {Modality.IN_PERSON: row.in_person_floor_cents, Modality.ONLINE: row.online_floor_cents}
        ),
        early_from=row.early_from,
        middle_from=row.middle_from,
        checkout_time=row.checkout_time,
        settle_after=row.settle_after,
    )
