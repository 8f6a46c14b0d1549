"""The Celery application; its beat table is `settings.CLOCKWORK`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")

app = Celery("instainstru")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
