"""Ids that look like Stripe's."""

from __future__ import annotations

import hashlib
import secrets

from payments.simulator.core.database import Database

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Ids:
    """A source of ids: random, or with a seed the same ones in the same order every time."""

    def __init__(self, database: Database, seed: str | None) -> None:
        self._database = database
        self._seed = seed

    def new(self, prefix: str, length: int = 24) -> str:
        """A new id such as `pi_…`; `length` counts what follows the prefix."""
        return prefix + self.letters(length)

    def letters(self, length: int) -> str:
        """So many letters and digits."""
        number = int.from_bytes(self._bytes(length), "big")
        letters = []
        for _ in range(length):
            number, index = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[index])
        return "".join(letters)

    def _bytes(self, count: int) -> bytes:
        if self._seed is None:
            return secrets.token_bytes(count)
        drawn = self._database.fact("ids_drawn", 0)
        self._database.set_fact("ids_drawn", drawn + 1)
        return hashlib.shake_256(f"{self._seed}:{drawn}".encode()).digest(count)
