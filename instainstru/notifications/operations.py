"""Queue a message with what it tells of, send it later, note that it was read."""

import smtplib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from instainstru import clock
from instainstru.notifications import rendering
from instainstru.notifications.kinds import kind_of
from instainstru.notifications.models import Message, MessageQuerySet

# Of one message: handing it over waits for five answers of the mail server, and for twice as many if it stumbles.
LEASE = 12 * timedelta(seconds=settings.EMAIL_TIMEOUT)

# What a mail server says of one message; after all else it is not there, for the next message neither.
REFUSALS = (smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)

# After each failure; then staff see it as given up. Two days outlast what mail servers call a temporary failure.
BACKOFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=16),
    timedelta(hours=24),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be queued. `context` is what its kind declares: aware instants or ISO texts, integer cents, texts.

    The same recipient, key and `dedupe_key` again is the same message.
    """

    recipient: Any
    key: str
    context: Mapping[str, object]
    reference: str
    dedupe_key: str


def queue_message(
    *, recipient: Any, key: str, context: Mapping[str, object], reference: str, dedupe_key: str, now: datetime
) -> None:
    """Queue one message; as `queue_messages`."""
    draft = Draft(recipient=recipient, key=key, context=context, reference=reference, dedupe_key=dedupe_key)
    queue_messages([draft], now=now)


def queue_messages(drafts: Iterable[Draft], *, now: datetime) -> None:
    """Queue messages in the caller's transaction, in one statement, so that they go out exactly if it commits.

    What was queued before changes nothing. Raises ValueError for an unknown key or a context that does not fit it,
    RuntimeError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("A message is queued in the transaction of what it tells of.")
    messages = [
        Message(
            recipient=draft.recipient,
            key=draft.key,
            context=kind_of(draft.key).checked(draft.context),
            reference=draft.reference,
            dedupe_key=draft.dedupe_key,
            queued_at=now,
            next_try_at=now,
        )
        for draft in drafts
    ]
    Message.objects.bulk_create(messages, ignore_conflicts=True)


def claim_due_messages(*, limit: int, now: datetime) -> list[Message]:
    """Claim due messages for this worker, and return them; another worker's are passed over."""
    order, until = ("next_try_at", "id"), clock.wall() + LEASE
    claimed = Message.objects.due(at=now).claim(order=order, limit=limit, until=until)
    ours = Message.objects.filter(pk__in=claimed, claimed_until=until)
    return list(ours.select_related("recipient").order_by(*order))


def give_back(claimed: Iterable[Message]) -> None:
    """Let go of messages that were claimed and not begun: the next sweep takes them."""
    for message in claimed:
        _held(message).update(claimed_until=None)


def send(message: Message, *, over: BaseEmailBackend, now: datetime) -> bool:
    """Send one claimed message by e-mail, and record that it went or when to try again.

    Returns False if the mail server is not there. Nothing is sent if the claim has ended and another worker took the
    message: of senders that live, one sends it. A yes of the mail server's that is not heard in time, or not committed
    because the process was killed, sends it once more: a warning or a new password that comes twice is better than one
    that never comes. Both have one Message-ID, by which many mailboxes show them as one.
    """
    email = rendering.as_email(message)
    mail = EmailMultiAlternatives(
        subject=email.subject,
        body=email.text,
        to=[message.recipient.email],
        headers={"Message-ID": f"<{message.ref}@{urlsplit(settings.SITE_URL).hostname}>"},
        connection=over,
    )
    mail.attach_alternative(email.html, "text/html")
    try:
        over.open()  # if it isn't; before the renewal, so that the lease has not to last for this too
        if _renew(message):
            mail.send()
            _note_sent(message, now=now)
    except (smtplib.SMTPException, OSError) as error:
        _try_again(message, failure=f"{type(error).__name__}: {error}", now=now)
        over.close()  # whatever state it is in
        return isinstance(error, REFUSALS)
    return True


def mark_read(*, recipient: Any, now: datetime, ref: str | None = None) -> int:
    """Mark one message of the recipient as read, or all of them; return how many were unread."""
    unread = Message.objects.of(recipient).unread()
    return (unread if ref is None else unread.filter(ref=ref)).update(read_at=now)


def _held(message: Message) -> MessageQuerySet:
    """The message's row while this worker's claim is the last one: each claim ends later than any before it."""
    return Message.objects.filter(id=message.id, claimed_until=message.claimed_until)


def _renew(message: Message) -> bool:
    until = clock.wall() + LEASE
    is_held = _held(message).update(claimed_until=until) == 1
    message.claimed_until = until
    return is_held


def _note_sent(message: Message, *, now: datetime) -> None:
    """Whoever holds it by now: it went out."""
    Message.objects.filter(id=message.id, sent_at=None).update(
        sent_at=now, next_try_at=None, claimed_until=None, failure="", attempts=message.attempts + 1
    )


def _try_again(message: Message, *, failure: str, now: datetime) -> None:
    gives_up = message.attempts >= len(BACKOFF)
    _held(message).update(
        attempts=message.attempts + 1,
        failure=failure[:1000],
        next_try_at=None if gives_up else now + BACKOFF[message.attempts],
        claimed_until=None,
    )
