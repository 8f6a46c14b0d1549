"""The sweep that empties the outbox."""

import logging
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

from instainstru import clock
from instainstru.notifications import operations
from instainstru.notifications.models import Message
from instainstru.observability import working_on

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def sweep_unsent_messages(*, limit: int = 20, seconds: int = 25, **_: Any) -> None:
    """Claim messages whose time has come and send them over one connection, batch by batch, for so many seconds.

    What is left over is due in the next sweep. That one starts after 30 s: however slow the mail server, it holds one
    thread or two of a worker, and money has the others.
    """
    ends_at = clock.wall() + timedelta(seconds=seconds)
    with closing(get_connection()) as connection:
        while True:
            claimed = operations.claim_due_messages(limit=limit, now=clock.now())
            if not _send(claimed, over=connection, ends_at=ends_at) or len(claimed) < limit:
                break


def _send(claimed: list[Message], *, over: BaseEmailBackend, ends_at: datetime) -> bool:
    """Send a batch and return whether to go on with another; what is not begun is given back."""
    for begun, message in enumerate(claimed, start=1):
        with working_on(message=message.ref, reference=message.reference or None):
            try:
                is_there = operations.send(message, over=over, now=clock.now())
            except Exception:  # a template that breaks must not hold up everybody else's mail
                logger.exception("Message can't be sent; it stays claimed until its lease ends.")
                is_there = True
            if not is_there:
                logger.warning("The mail server is not there; the next sweep tries the other messages.")
        if not is_there or clock.wall() >= ends_at:
            operations.give_back(claimed[begun:])
            return False
    return True
