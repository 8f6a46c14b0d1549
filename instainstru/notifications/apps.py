from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "instainstru.notifications"
    label = "notifications"
