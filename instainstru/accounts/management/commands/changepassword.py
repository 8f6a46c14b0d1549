"""`manage.py changepassword`: Django's, which would leave the user's API tokens alive."""

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import transaction

from instainstru.accounts import operations
from instainstru.accounts.models import User


class Command(changepassword.Command):
    help = "Change a user's password and revoke their API tokens."

    def handle(self, *args: Any, **options: Any) -> str | None:
        with transaction.atomic():  # open while the password is typed; until then it has only read
            said = super().handle(*args, **options)
            operations.revoke_tokens(User.objects.get(email=options["username"]))
        return said
