"""A marketplace at random: whatever people, banks and networks do, no cent is lost, doubled or stranded.

A *story* is a list of *steps* drawn from a seed alone, before anything is played: who books what, who does what when,
and what goes wrong. Nothing in it depends on ids or on the wall's time, so the same seed gives the same run, and a
story with steps left out is still a story: that is how a failing one is shortened.

`story`, `plots` and `troubles` draw it; `world`, `acts`, `at_stripe`, `perils` and `post` carry it out against the real
operations, PostgreSQL, Redis and the Stripe simulator, which `nearby` has in this very process; `looks`, `sums`,
`invariants`, `outcomes` and `ending` say what must hold, and `memory` saves them what has not changed; `play` plays one
story, `shorten` shortens it, `many` plays many at once, and `coverage` counts what they came across.
"""
