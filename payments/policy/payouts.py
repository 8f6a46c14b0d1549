"""How what an instructor has earned by a lesson will reach them at its settlement (P5.5, P6.4)."""

from dataclasses import dataclass

from payments.policy.pricing import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutAhead:
    """What a settlement is going to pay, in cents: with the charge (`TR`), and by a transfer of ours (`TOP`)."""

    by_charge: int
    by_transfer: int

    @property
    def total(self) -> int:
        return self.by_charge + self.by_transfer


def payout_ahead(terms: Terms, *, captured: int, instructor_holds: int) -> PayoutAhead:
    """Return how `P` will be paid; once the card was charged, by a LOCK, all of it is a transfer of ours (P6.4).

    What the instructor already holds for the booking counts towards it (P10.3).
    """
    by_charge = 0 if captured else terms.transfer
    return PayoutAhead(by_charge=by_charge, by_transfer=max(0, terms.payout - by_charge - instructor_holds))
