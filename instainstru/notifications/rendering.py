"""From a queued message to what its recipient reads, in their own time zone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template import Context, Engine, Template
from django.template.loader import render_to_string

from instainstru.notifications.kinds import MessageKind, kind_of
from instainstru.notifications.models import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as it is read: `text` and `html` say the same."""

    subject: str
    text: str
    html: str


def as_email(message: Message) -> Rendered:
    """Render the e-mail, with what its kind adds only now."""
    kind = kind_of(message.key)
    context = _context_of(message, kind)
    if kind.at_sending:
        context |= kind.at_sending(message.recipient)
    return Rendered(
        subject=_subject(kind, context),
        text=_text(kind, context) + "\n",
        html=render_to_string(f"messages/{kind.key}.html", context),
    )


def subject_and_text(message: Message) -> tuple[str, str]:
    """Render what the product itself shows of a message."""
    kind = kind_of(message.key)
    context = _context_of(message, kind) | {"is_shown_in_product": True}
    return _subject(kind, context), _text(kind, context)


def _context_of(message: Message, kind: MessageKind) -> dict[str, Any]:
    kept = {
        name: datetime.fromisoformat(value) if name.endswith("_at") and value else value
        for name, value in message.context.items()
    }
    recipient = message.recipient
    return {**kept, "recipient": recipient, "zone": recipient.zone, "site_url": settings.SITE_URL}


def _subject(kind: MessageKind, context: dict[str, Any]) -> str:
    return " ".join(Template(kind.subject).render(_plain(context)).split())  # one line, whatever a name holds


def _text(kind: MessageKind, context: dict[str, Any]) -> str:
    return Engine.get_default().get_template(f"messages/{kind.key}.txt").render(_plain(context)).strip()


def _plain(context: dict[str, Any]) -> Context:
    return Context(context, autoescape=False)  # plain text has nothing to escape
