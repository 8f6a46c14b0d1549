from django.apps import AppConfig


class InstaInstruConfig(AppConfig):
    name = "instainstru"
    label = "instainstru"
    verbose_name = "InstaInstru"

    def ready(self) -> None:
        # Celery is set up in every process, or a `.delay` in a request would look for a broker of its own; and its
        # signals are connected, so that worker and beat note that they are alive.
        from instainstru import celery, heartbeats  # noqa: F401
        from instainstru.instants import read_quickly

        read_quickly()
