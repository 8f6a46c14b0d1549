from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "bookings"
    label = "bookings"

    def ready(self) -> None:
        """Tell `payments` how a booking is locked for each kind of operation (design 2)."""
        from bookings.operations.subject import lock_booking
        from payments import endings
        from payments.policy.states import Action

        endings.register(Action, lock_booking)
