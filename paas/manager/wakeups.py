"""Sends work to the workers. What is sent is only a wake-up: beat's sweeps find what is lost."""

from functools import cache
from pathlib import Path

import structlog
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from paas.core.objects import ApiObject, name_of, namespace_of, uid_of

log = structlog.get_logger(__name__)
BUILD_TASK, BUILD_QUEUE = "workers.tasks.build_run", "builds"
ANSWER_S = 0.5
"""How long Redis has: who wakes is in a request, or holds the lock of a repository."""


def wakeup_queue(redis_socket: Path) -> Celery:
    """Return the way to the workers that tries once."""
    queue = Celery("minato-wake", broker=f"redis+socket://{redis_socket}", set_as_current=False)
    queue.conf.broker_transport_options = {
        "max_retries": 0,
        "socket_timeout": ANSWER_S,
        "socket_connect_timeout": ANSWER_S,
    }
    return queue


@cache
def _queue() -> Celery:
    return wakeup_queue(settings.MINATO.redis_socket)


def build_wake(build: ApiObject, queue: Celery | None = None) -> None:
    """Send a build to a worker; returns at once."""
    given = (namespace_of(build), name_of(build), uid_of(build))
    try:
        (queue or _queue()).send_task(
            BUILD_TASK, given, queue=BUILD_QUEUE, retry=False, ignore_result=True
        )
    except (OperationalError, OSError) as error:
        log.warning("build_not_sent", build=given[1], error=str(error))
