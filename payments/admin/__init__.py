"""Staff's pages of money: to be looked at. Only operations move it."""

from payments.admin import ledger, operations, parties, payment, rules

__all__ = ["ledger", "operations", "parties", "payment", "rules"]
