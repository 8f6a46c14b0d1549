"""The page of messages."""

from django.urls import path

from instainstru.notifications import web

urlpatterns = [
    path("messages", web.inbox, name="messages"),
    path("messages/read", web.read, name="messages-read"),
]
