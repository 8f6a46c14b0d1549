from django.apps import AppConfig


class InstaInstruConfig(AppConfig):
    name = "instainstru"
    label = "instainstru"
