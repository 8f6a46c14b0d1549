"""Staff's pages of money: to be looked at. Only operations move it."""

from payments.admin import (
    account_locks,
    changes,
    freezes,
    inbox,
    ledger,
    mirror,
    operations,
    parties,
    payment,
    payout_holds,
    reconciliation,
    rules,
)

__all__ = [
    "account_locks",
    "changes",
    "freezes",
    "inbox",
    "ledger",
    "mirror",
    "operations",
    "parties",
    "payment",
    "payout_holds",
    "reconciliation",
    "rules",
]
