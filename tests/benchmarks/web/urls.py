"""The site's addresses, and the floor's."""

from django.urls import path

from instainstru.urls import handler400, handler403, handler404, handler500, urlpatterns
from tests.benchmarks.web.floor import Floor, Page, SignedIn

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [
    path("floor/<slug:ref>", Floor.as_view()),
    path("floor/signed-in/<slug:ref>", SignedIn.as_view()),
    path("floor/page/", Page.as_view()),
    *urlpatterns,
]
