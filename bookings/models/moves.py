"""The history of a lesson's moves."""

from django.db import models

from bookings.models.booking import Booking


class BookingMove(models.Model):
    """One time that a lesson moved: from where, to where, and whether that was the LOCK (P6.1, P6.2). Append-only."""

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="moves")
    from_start = models.DateTimeField()
    to_start = models.DateTimeField()
    asked_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    rule = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index("booking", "moved_at", name="moves_of_a_booking")]

    def __str__(self) -> str:
        return f"{self.from_start:%Y-%m-%d %H:%M} → {self.to_start:%Y-%m-%d %H:%M} UTC"
