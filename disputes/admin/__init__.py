"""Staff's pages of cases: reading both sides, and ruling."""

from disputes.admin import cases, evidence

__all__ = ["cases", "evidence"]
