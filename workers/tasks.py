"""The tasks: ids in, under ten lines each; what they do is the domains'."""

from datetime import UTC, datetime

from celery import shared_task

from paas.manager import git
from paas.manager.housekeeping import housekeep
from workers.directing import director
from workers.heartbeat import heartbeat_write


@shared_task(name="workers.tasks.heartbeat")
def heartbeat() -> None:
    """Prove that this worker takes tasks."""
    heartbeat_write("worker")


@shared_task(name="workers.tasks.housekeeping")
def housekeeping() -> None:
    """Forget what has ended: the old part of the change log, tokens, sessions, audit records."""
    housekeep(now=datetime.now(UTC))


@shared_task(name="workers.tasks.build_run")
def build_run(namespace: str, name: str, uid: str) -> None:
    """Attend to a build, if nobody does and it is its turn."""
    director().drive(namespace, name, uid)


@shared_task(name="workers.tasks.build_sweep")
def build_sweep() -> None:
    """Wake somebody for each build that nobody attends to."""
    director().sweep()


@shared_task(name="workers.tasks.build_prune")
def build_prune() -> None:
    """Delete the logs of builds that are gone."""
    director().prune_logs()


@shared_task(name="workers.tasks.repositories_keep")
def repositories_keep() -> None:
    """Remove repositories whose BuildConfig is gone; prune and pack the others."""
    git.repositories_keep()
