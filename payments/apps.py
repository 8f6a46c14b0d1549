from django.apps import AppConfig
from django.core import checks


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"

    def ready(self) -> None:
        """Set up the SDK for dj-stripe, check that every kind of operation has its ending, say what waits for staff."""
        from instainstru.admin.queues import register_queue
        from payments.admin.queues import QUEUES
        from payments.endings import check_every_kind_has_one_ending
        from payments.gateway.client import configure_sdk

        configure_sdk()
        checks.register(check_every_kind_has_one_ending)
        for queue in QUEUES:
            register_queue(queue)
