from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "instainstru.accounts"
    label = "accounts"
