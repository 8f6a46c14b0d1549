from django.apps import AppConfig
from django.core import checks


class PaymentsConfig(AppConfig):
    name = "payments"
    label = "payments"

    def ready(self) -> None:
        """Set up the SDK for dj-stripe, fill the registries with what is ours, and check them."""
        from instainstru.admin.queues import register_queue
        from instainstru.observability import gauges
        from payments import readers
        from payments.admin.queues import QUEUES
        from payments.admin.reconciliation import RECONCILIATION
        from payments.endings import check_every_kind_has_one_ending
        from payments.gateway.client import configure_sdk
        from payments.gateway.schedules import check_usual_schedule
        from payments.operations.event_readers import READERS
        from payments.queries.gauges import GAUGES

        configure_sdk()
        checks.register(check_every_kind_has_one_ending)
        checks.register(readers.check_every_type_has_one_reader)
        checks.register(check_usual_schedule)
        for reader, types in READERS.items():
            readers.register(types, reader)
        for queue in (*QUEUES, RECONCILIATION):
            register_queue(queue)
        for name, (text, read) in GAUGES.items():
            gauges.register(name, text, read)
