from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "instainstru.local"
    label = "local"
