"""Cards and payout accounts: views that only translate."""
