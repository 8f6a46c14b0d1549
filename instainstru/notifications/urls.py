"""Below /messages/."""

from django.urls import path

from instainstru.notifications import web

urlpatterns = [
    path("", web.inbox, name="messages"),
    path("read", web.read, name="messages-read"),
]
