"""The simulated Stripe itself: its state, its rules and its clock, without HTTP.

with core.unit(Request(...)):      # one transaction, under the core's lock
    payment_intents.create(core, {...})
"""

from payments.simulator.core.core import Core, Request

__all__ = ["Core", "Request"]
