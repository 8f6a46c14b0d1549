"""The staff's admin site, its work queues, and the pages of the models that belong to no domain."""

from django.contrib.admin.apps import AdminConfig


class InstaInstruAdminConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "instainstru.admin.site.InstaInstruAdminSite"

    def ready(self) -> None:
        super().ready()
        # Autodiscovery looks for `instainstru.admin`, which is this package and must stay free of models.
        from instainstru.admin import plumbing  # noqa: F401
