"""How the calendar's things look from outside, and what may be sent for them."""
