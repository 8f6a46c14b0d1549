"""What the product shows of messages."""

from typing import Any

from instainstru.notifications.kinds import keys_shown_in_product
from instainstru.notifications.models import Message, MessageQuerySet


def messages_shown_to(recipient: Any) -> MessageQuerySet:
    """The recipient's messages, but for those that hold what only an e-mail may carry."""
    return Message.objects.of(recipient).filter(key__in=keys_shown_in_product()).select_related("recipient")


def unread_count(recipient: Any) -> int:
    return messages_shown_to(recipient).unread().count()
