"""What is booked, added up as it is written: the ledger only ever grows, so nothing is read twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from payments.models import Posting
from payments.policy.accounts import Account


@dataclass(slots=True)
class Sums:
    """Debit positive, cents. Reading on changes it: it is as of the latest look."""

    of_payment: Mapping[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by account
    of_owner: Mapping[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))  # by account, and whose
    of_account: Counter[str] = field(default_factory=Counter)
    of_entry: Counter[int] = field(default_factory=Counter)
    last: int = 0  # posting that was read

    def read_on(self) -> None:
        """Add what was booked since; nothing that was read may change, which the database sees to."""
        fresh = Posting.objects.filter(pk__gt=self.last).order_by("pk")
        for pk, entry, payment, owner, account, cents in fresh.values_list(
            "pk", "entry_id", "payment_id", "owner_id", "account", "amount_cents"
        ):
            self.last = pk
            self.of_entry[entry] += cents
            self.of_account[account] += cents
            if owner is not None:
                self.of_owner[account][owner] += cents
            if payment is not None:
                self.of_payment[payment][account] += cents

    def of(self, payment_id: int, *accounts: Account) -> int:
        """Return what stands for a payment in some accounts together."""
        return sum(self.of_payment[payment_id][account] for account in accounts)
