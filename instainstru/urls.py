"""Every address of the site. An app's pages stand at the root, its API below `/api/v1/`."""

from django.contrib import admin
from django.urls import include, path, re_path

from instainstru import errors, health
from instainstru.api import problems
from instainstru.api.documentation import DocumentationView, ProblemsView, SchemaView
from payments import webhooks

# Addresses are tried in their order: what is asked for most often stands first.
api = [
    path("", include("bookings.api_urls")),
    path("auth/", include("instainstru.accounts.api_urls")),
    path("", include("instainstru.notifications.api_urls")),
    path("", include("credits.api_urls")),
    path("", include("payments.api_urls")),
    path("", include("disputes.api_urls")),
]

urlpatterns = [
    path("api/v1/", include((api, "api"))),
    path("", include("instainstru.accounts.urls")),
    path("", include("instainstru.notifications.urls")),
    path("", include("credits.urls")),
    path("", include("payments.urls")),
    path("", include("bookings.urls")),
    path("", include("disputes.urls")),
    path("stripe/webhook", webhooks.receive, name="stripe-webhook"),
    path("admin/", admin.site.urls),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocumentationView.as_view(), name="api-docs"),
    path("api/problems", ProblemsView.as_view(), name="api-problems"),
    re_path(r"^api/", problems.no_such_endpoint),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
