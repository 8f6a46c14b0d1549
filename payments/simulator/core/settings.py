"""What can be set on a running simulator, and what it is by default."""

from __future__ import annotations

from payments.simulator.core.database import Database

DAY = 24 * 60 * 60

DEFAULTS: dict[str, int] = {
    "fee_basis_points": 290,  # Stripe's price for a card charge: 2.9 % …
    "fee_fixed_cents": 30,  # … and 30 cents
    "dispute_fee_cents": 1500,
    "hold_seconds": 7 * DAY,
    "hold_seconds_off_session_visa": 0,  # 410,400 at Stripe (4 days 18 hours); 0: as any other hold
    "funds_delay_seconds": 0,  # how long a charge is pending before it is available
    "idempotency_key_seconds": DAY,  # of real time
    "idempotency_keys_travel": 0,  # 1: of the simulator's own clock, where the platform's machines travel with it too
}


class Settings:
    """Reads as attributes; changed by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getattr__(self, name: str) -> int:
        if name not in DEFAULTS:
            raise AttributeError(name)
        return self.all()[name]

    def all(self) -> dict[str, int]:
        """Every setting with its present value."""
        return DEFAULTS | self._database.fact("settings", {})

    def change(self, changes: dict[str, int]) -> None:
        """Set some. Raises KeyError for a name that is no setting."""
        for name in changes:
            DEFAULTS[name]
        self._database.set_fact("settings", self._database.fact("settings", {}) | changes)
