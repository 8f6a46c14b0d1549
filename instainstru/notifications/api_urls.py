"""Below /api/v1/messages/."""

from django.urls import path

from instainstru.notifications import api

urlpatterns = [
    path("", api.Messages.as_view(), name="messages"),
    path("read", api.AllMessagesRead.as_view(), name="messages-read"),
    path("<slug:ref>/read", api.MessageRead.as_view(), name="message-read"),
]
