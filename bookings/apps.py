from django.apps import AppConfig


class BookingsConfig(AppConfig):
    name = "bookings"
    label = "bookings"

    def ready(self) -> None:
        """Tell `payments` how a booking is locked for each kind of operation, and staff what waits (design 2)."""
        from bookings.admin.queues import QUEUES
        from bookings.operations.subject import lock_booking, lock_booking_and_both_sides
        from instainstru.admin.queues import register_queue
        from payments import endings
        from payments.policy.states import Action

        takes_time = {Action.CHECKOUT, Action.PAY_NOW, Action.CONFIRM_AUTHORIZATION, Action.RESCHEDULE}
        endings.register(takes_time, lock_booking_and_both_sides)
        endings.register(set(Action) - takes_time, lock_booking)
        for queue in QUEUES:
            register_queue(queue)
