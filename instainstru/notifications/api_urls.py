"""Below /api/v1/."""

from django.urls import path

from instainstru.notifications import api

urlpatterns = [
    path("messages", api.Messages.as_view(), name="messages"),
    path("messages/read", api.AllMessagesRead.as_view(), name="messages-read"),
    path("messages/<slug:ref>/read", api.MessageRead.as_view(), name="message-read"),
]
