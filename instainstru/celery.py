"""The Celery application; its beat table is `settings.CLOCKWORK`."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

app = Celery("instainstru")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def _leave_dead_connections(sender: Any, **_: Any) -> None:
    """Let a task begin with a connection that lives, as Django lets a request.

    With CELERY_DB_REUSE_MAX Celery itself looks at connections once in two thousand tasks: until then every task of a
    process would fail whose connection a restart of PostgreSQL has broken.
    """
    if not sender.request.is_eager:
        close_old_connections()
