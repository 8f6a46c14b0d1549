"""Pages of cards and payout accounts: views that only translate."""
