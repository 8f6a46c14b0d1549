"""Playing the policy's worked cases, written as data, through the real thing.

`times` reads instants, `stage` makes what a case is given, `events` does what happens, `expectations` looks at the end.
"""
