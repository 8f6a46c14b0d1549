"""What stands behind one line of an instructor's statement: a lesson's price, our fee, and what is left."""

from dataclasses import dataclass

from payments.policy.pricing import Terms


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One amount that an instructor earned or lost, in cents: `price − fee` is what moved. Lost ones are negative."""

    price: int
    fee: int


def breakdown(terms: Terms | None, net: int) -> Breakdown:
    """Return the price and the fee that lead to what was booked: a whole lesson's, half of both, or no fee.

    What is booked is what counts; the frozen terms only say what it is made of. A full payout is `LP − IF` (P5.5), half
    of it `HC` less the rest (P7.3); what is none of both, part of a refund or of a reversal, has no fee of its own.
    """
    if net < 0:
        lost = breakdown(terms, -net)
        return Breakdown(price=-lost.price, fee=-lost.fee)
    fee = 0
    if terms is not None and net >= terms.payout:
        fee = terms.instructor_fee
    elif terms is not None and net == terms.half_payout:
        fee = terms.half_credit - terms.half_payout
    return Breakdown(price=net + fee, fee=fee)
