from django.apps import AppConfig


class InstaInstruConfig(AppConfig):
    name = "instainstru"
    label = "instainstru"

    def ready(self) -> None:
        # Connects Celery's signals, so that worker and beat note that they are alive.
        from instainstru import heartbeats  # noqa: F401
