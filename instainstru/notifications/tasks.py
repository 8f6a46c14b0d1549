"""The sweep that empties the outbox."""

import logging
from typing import Any

from celery import shared_task

from instainstru import clock
from instainstru.notifications import operations
from instainstru.observability import working_on

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def sweep_unsent_messages(*, limit: int = 20, **_: Any) -> None:
    """Claim messages whose time has come and send them.

    A batch is small, so that its last message is sent before its lease ends; one that is left over is due in the next
    sweep.
    """
    for message in operations.claim_due_messages(limit=limit, now=clock.now()):
        with working_on(message=message.ref, reference=message.reference or None):
            try:
                operations.send(message, now=clock.now())
            except Exception:  # a template that breaks must not hold up everybody else's mail
                logger.exception("Message can't be sent; it stays claimed until its lease ends.")
