"""What grows old with accounts is cleared at night."""

import logging
from importlib import import_module
from typing import Any

from celery import shared_task
from django.conf import settings
from knox.models import AuthToken

from instainstru import clock
from instainstru.api import idempotency

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def clear_expired_sessions(**_: Any) -> None:
    """Delete sessions and API tokens that nobody can use any more."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    tokens, _deleted = AuthToken.objects.filter(expiry__lte=clock.wall()).delete()
    logger.info("Expired sessions and %s API tokens are cleared.", tokens)


@shared_task(ignore_result=True)
def forget_old_idempotency_keys(**_: Any) -> None:
    """Delete the idempotency keys that nobody repeats any more."""
    logger.info("%s old idempotency keys are forgotten.", idempotency.forget_old_keys())
