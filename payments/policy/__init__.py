"""Payment Policy 2.1.1 as pure functions: no Django, no clock, no I/O (design 3).

`decide` says what an action does before it is done; `conclude` says how it ended once Stripe has answered.
"""
