"""`manage.py sync_groups`: give the groups of staff the rights that are declared for them."""

from typing import Any

from django.core.management.base import BaseCommand

from instainstru.admin.rights import GROUPS, sync_groups


class Command(BaseCommand):
    help = "Make the groups of staff and give each exactly its rights; to be run after every migrate."

    def handle(self, *args: Any, **options: Any) -> None:
        sync_groups()
        self.stdout.write(f"Groups of staff: {', '.join(group.name for group in GROUPS)}.")
