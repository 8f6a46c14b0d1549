"""The sweep that empties the outbox."""

import logging
from typing import Any

from celery import shared_task

from instainstru import clock
from instainstru.notifications import operations
from instainstru.notifications.models import Message
from instainstru.observability import working_on

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def sweep_unsent_messages(*, limit: int = 20, batches: int = 50, **_: Any) -> None:
    """Claim messages whose time has come and send them, batch by batch; what is left over is due in the next sweep.

    A batch is small, so that its last message is sent before its lease ends.
    """
    for _number in range(batches):
        claimed = operations.claim_due_messages(limit=limit, now=clock.now())
        _send(claimed)
        if len(claimed) < limit:
            break


def _send(claimed: list[Message]) -> None:
    for message in claimed:
        with working_on(message=message.ref, reference=message.reference or None):
            try:
                operations.send(message, now=clock.now())
            except Exception:  # a template that breaks must not hold up everybody else's mail
                logger.exception("Message can't be sent; it stays claimed until its lease ends.")
