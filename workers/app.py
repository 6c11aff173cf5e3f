"""The Celery application: `celery -A workers.app worker|beat`.

Redis carries wake-ups only. What was accepted is a row in PostgreSQL; a task that is lost is sent
again by beat's sweeps, one that comes twice finds its work done or leased.
"""

import os

import django
from celery import Celery
from celery.signals import (
    beat_init,
    before_task_publish,
    worker_process_init,
    worker_shutting_down,
)
from setproctitle import setproctitle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 -- only after setup

from paas.builds.leases import SWEEP_S  # noqa: E402 -- as above
from workers.directing import leave  # noqa: E402 -- as above
from workers.heartbeat import HEARTBEAT_S, beat_seen  # noqa: E402 -- as above

app = Celery("minato")
app.conf.update(
    broker_url=f"redis+socket://{settings.MINATO.redis_socket}",
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600, "socket_keepalive": True},
    task_routes={"workers.tasks.build_*": {"queue": "builds"}},
    beat_schedule={
        "heartbeat": {
            "task": "workers.tasks.heartbeat",
            "schedule": HEARTBEAT_S,
            "options": {"expires": HEARTBEAT_S},
        },
        "build-sweep": {
            "task": "workers.tasks.build_sweep",
            "schedule": SWEEP_S,
            "options": {"queue": "celery", "expires": SWEEP_S},
        },
        "build-prune": {
            "task": "workers.tasks.build_prune",
            "schedule": 600.0,
            "options": {"queue": "celery"},
        },
        "housekeeping": {"task": "workers.tasks.housekeeping", "schedule": 600.0},
        "repositories": {"task": "workers.tasks.repositories_keep", "schedule": 600.0},
    },
)
app.autodiscover_tasks(["workers"])


@beat_init.connect
def _name_beat(**_: object) -> None:
    setproctitle("minato: beat")
    before_task_publish.connect(beat_seen, weak=False)


@worker_process_init.connect
def _name_worker(**_: object) -> None:
    setproctitle("minato: worker")


worker_shutting_down.connect(leave, weak=False)
