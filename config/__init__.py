"""Settings, addresses and the queue: the only place where the apps meet."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
