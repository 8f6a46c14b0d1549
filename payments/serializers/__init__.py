"""How money looks from outside: to each side its own, to staff all of it."""
