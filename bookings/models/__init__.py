"""What the marketplace's calendar knows: who teaches what and when, and which lessons were booked."""

from bookings.models.availability import DateException, TimeOff, Weekday, WeeklyHours
from bookings.models.booking import Booking, OccupiedTime
from bookings.models.instructors import Category, Instructor, Service
from bookings.models.moves import BookingMove

__all__ = [
    "Booking",
    "BookingMove",
    "Category",
    "DateException",
    "Instructor",
    "OccupiedTime",
    "Service",
    "TimeOff",
    "Weekday",
    "WeeklyHours",
]
