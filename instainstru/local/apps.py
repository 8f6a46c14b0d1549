from django.apps import AppConfig
from django.conf import settings


class LocalConfig(AppConfig):
    name = "instainstru.local"
    label = "local"

    def ready(self) -> None:
        if settings.CLOCK_TRAVELS:
            from instainstru.local import gate

            gate.put_before_tasks()
