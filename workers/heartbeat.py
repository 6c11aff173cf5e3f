"""Proof of life in Redis: beat writes when it sends a task, the worker when it runs one."""

import json
import os
import time

import redis
from django.conf import settings

HEARTBEAT_S = 5.0
KEY = "minato:heartbeat:{}"
KEPT_S = 120


def heartbeat_write(name: str) -> None:
    """Say that the process `name` does its work now."""
    body = {"pid": os.getpid(), "time": time.time(), "version": settings.MINATO_VERSION}
    with redis.Redis(unix_socket_path=str(settings.MINATO.redis_socket)) as client:
        client.set(KEY.format(name), json.dumps(body), ex=KEPT_S)


def beat_seen(**_: object) -> None:
    """Take Celery's signal that beat publishes a task."""
    heartbeat_write("beat")
