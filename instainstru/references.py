"""Public references: what a URL, an e-mail and a support call name a thing by, such as `bk_7mv2k0q9x4hd3n8r`."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: nothing is misread on the phone
LENGTH = 16  # 80 bits; nobody guesses one, and no two collide


def new_reference(prefix: str) -> str:
    """Return a new reference that nobody can guess."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"
