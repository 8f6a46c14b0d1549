"""The double-entry ledger: writing entries and proving the books (design 5)."""
