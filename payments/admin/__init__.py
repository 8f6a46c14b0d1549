"""Staff's pages of money: to be looked at. Only operations move it."""

from payments.admin import changes, inbox, ledger, operations, parties, payment, reconciliation, rules

__all__ = ["changes", "inbox", "ledger", "operations", "parties", "payment", "reconciliation", "rules"]
