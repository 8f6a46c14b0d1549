from django.apps import AppConfig


class ChaosConfig(AppConfig):
    """In the programs that chaos runs, and nowhere else."""

    name = "instainstru.local.chaos"
    label = "chaos"

    def ready(self) -> None:
        from instainstru import clock, locks
        from instainstru.local.chaos import diary, settings
        from payments.operations import claims

        clock.be_off_by(settings.CLOCK_OFF_BY)
        claims.LEASE = settings.CLAIM
        locks.TTL_MS = round(settings.MUTEX.total_seconds() * 1000)
        if settings.DIARY:
            diary.keep(settings.DIARY)
