from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "instainstru.accounts"
    label = "accounts"

    def ready(self) -> None:
        from instainstru.accounts.passwords import RESET_MESSAGE
        from instainstru.notifications import kinds

        kinds.declare(RESET_MESSAGE)
