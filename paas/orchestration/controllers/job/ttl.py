"""Deletes Jobs that have ended, when their time to live is over.

Source: k8s.io/kubernetes/pkg/controller/ttlafterfinished; batch/v1 ttlSecondsAfterFinished.
"""

from datetime import datetime, timedelta

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.apimachinery.options import DeleteOptions
from paas.core.conditions import condition_of
from paas.core.errors import ConflictError, NotFoundError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    is_deleting,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
)
from paas.core.shape import number
from paas.orchestration.controllers.job.names import COMPLETE, FAILED, RESOURCE

NAME = "ttl-after-finished-controller"


def expires_at(job: ApiObject) -> datetime | None:
    """Return when a Job is to go; None where it has not ended or stays for ever."""
    ttl_s = number(job, "spec", "ttlSecondsAfterFinished")
    ends = [condition_of(job.get("status") or {}, kind) for kind in (COMPLETE, FAILED)]
    moments = [one["lastTransitionTime"] for one in ends if one and one["status"] == "True"]
    if ttl_s is None or not moments or is_deleting(job):
        return None
    return parse_timestamp(moments[0]) + timedelta(seconds=ttl_s)


class FinishedJobs:
    """Reconciles one Job per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._now = context.now
        self._jobs = context.of(RESOURCE)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(NAME, self.reconcile, [Source(self._jobs, itself(RESOURCE))])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Delete the Job with its pods if its time is over; return the seconds that are left."""
        job = self._jobs.find(key)
        moment = expires_at(job) if job is not None else None
        if job is None or moment is None:
            return None
        left_s = (moment - self._now()).total_seconds()
        if left_s > 0:
            return left_s
        fresh = self._client.find(RESOURCE, name_of(job), namespace_of(job))
        if fresh is None or expires_at(fresh) != moment:
            return None  # its change is on its way
        options = DeleteOptions(uid=uid_of(job), propagation="Foreground")
        try:
            self._client.delete(RESOURCE, name_of(job), namespace_of(job), options=options)
        except (ConflictError, NotFoundError):
            return None
        return None
