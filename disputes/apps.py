from django.apps import AppConfig


class DisputesConfig(AppConfig):
    name = "disputes"
    label = "disputes"

    def ready(self) -> None:
        """Read what Stripe tells of the bank's disputes, and tell staff of cases (design 2)."""
        from bookings.admin.actions import register_actions
        from bookings.admin.story.cases import register_reader
        from disputes.admin.actions import ACTIONS
        from disputes.admin.queues import QUEUES
        from disputes.admin.story import cases_told
        from disputes.event_readers import TYPES, read_dispute
        from instainstru.admin.queues import register_queue
        from payments import readers

        readers.register(TYPES, read_dispute)
        register_actions(*ACTIONS)
        register_reader(cases_told)
        for queue in QUEUES:
            register_queue(queue)
