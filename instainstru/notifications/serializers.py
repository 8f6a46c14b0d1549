"""A message as the API shows it."""

from typing import Any

from rest_framework import serializers

from instainstru.notifications import rendering
from instainstru.notifications.models import Message


class MessageOut(serializers.ModelSerializer[Message]):
    """Subject and text are written for the recipient, in their time zone."""

    subject = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)

    class Meta:
        model = Message
        fields = ["ref", "key", "subject", "text", "reference", "queued_at", "read_at"]
        read_only_fields = fields

    def to_representation(self, instance: Message) -> dict[str, Any]:
        instance.subject, instance.text = rendering.subject_and_text(instance)  # type: ignore[attr-defined]
        return super().to_representation(instance)
