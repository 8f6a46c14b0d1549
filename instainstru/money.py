"""Integer cents: rounding half up, basis points and how an amount is written (P1.1)."""

BASIS_POINTS = 10_000
DOLLARS = "usd"  # the only currency of the books, as Stripe writes it


def share(amount: int, *, numerator: int, denominator: int) -> int:
    """Return `amount × numerator / denominator` in cents, rounded half up; nothing here may be negative (P1.1)."""
    if amount < 0 or numerator < 0 or denominator <= 0:
        raise ValueError("Amounts and shares are never negative.")
    return (2 * amount * numerator + denominator) // (2 * denominator)


def percentage(amount: int, *, basis_points: int) -> int:
    """Return that many basis points of an amount in cents, rounded half up (P1.1)."""
    return share(amount, numerator=basis_points, denominator=BASIS_POINTS)


def half(amount: int) -> int:
    """Return half of an amount in cents, rounded half up (`HC`, `HP`)."""
    return share(amount, numerator=1, denominator=2)


def dollars(amount: int) -> str:
    """Write cents as dollars: `-123456` is `-$1,234.56`."""
    whole, cents = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}${whole:,}.{cents:02d}"


def in_currency(amount: int, currency: str) -> str:
    """Write an amount of any currency; how many of its smallest units make a whole one is known of dollars alone."""
    return dollars(amount) if currency == DOLLARS else f"{amount:,} of the smallest unit of {currency.upper()}"
