"""The story of one booking, told to staff: how it stands, where its money is, what happens next, what has happened.

`records` reads everything in a fixed number of statements; the other modules turn it into what the page shows.
"""

from bookings.admin.story.ahead import Ahead, ahead_of
from bookings.admin.story.money import Money, money_of
from bookings.admin.story.records import Records, records_of
from bookings.admin.story.timeline import timeline_of

__all__ = ["Ahead", "Money", "Records", "ahead_of", "money_of", "records_of", "timeline_of"]
