"""Stripe's objects as dj-stripe mirrors them: to be looked at, and no more.

dj-stripe registers pages for all that Stripe knows, with actions that fetch, cancel and release objects there and ask
nobody's rights. What we mirror has a page of ours instead; what we don't has none.
"""

from django.apps import apps
from django.contrib import admin

from instainstru.admin.read_only import ReadOnlyAdmin
from payments.gateway.mirror import MIRRORED


class MirroredAdmin(ReadOnlyAdmin):
    list_display = ["id", "created", "livemode", "djstripe_owner_account"]
    list_select_related = ["djstripe_owner_account"]
    list_filter = ["livemode"]
    ordering = ["-djstripe_id"]
    search_fields = ["id__exact"]
    search_help_text = "The id of an object at Stripe."


for model in apps.get_app_config("djstripe").get_models():
    if admin.site.is_registered(model):
        admin.site.unregister(model)
admin.site.register(MIRRORED, MirroredAdmin)
