"""Staff's pages of instructors, their hours, and bookings."""

from bookings.admin import availability, booking, instructors

__all__ = ["availability", "booking", "instructors"]
