from django.apps import AppConfig


class DisputesConfig(AppConfig):
    name = "disputes"
    label = "disputes"

    def ready(self) -> None:
        """Read what Stripe tells of the bank's disputes (design 2)."""
        from disputes.event_readers import TYPES, read_dispute
        from payments import readers

        readers.register(TYPES, read_dispute)
