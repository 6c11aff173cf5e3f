"""All controllers of the embedded engine, in the order they are made."""

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller
from paas.core.usage import NOTHING_KNOWN, UsageSource
from paas.orchestration.controllers.autoscaler.controller import Autoscalers
from paas.orchestration.controllers.autoscaler.replicas import Settings
from paas.orchestration.controllers.cronjob.controller import CronJobs
from paas.orchestration.controllers.daemonset.controller import DaemonSets
from paas.orchestration.controllers.definitions.controller import Definitions
from paas.orchestration.controllers.deployment.controller import Deployments
from paas.orchestration.controllers.disruption.controller import Disruptions
from paas.orchestration.controllers.endpoints.controller import ServiceEndpoints
from paas.orchestration.controllers.expiry import EventExpiry
from paas.orchestration.controllers.garbage.collector import GarbageCollector
from paas.orchestration.controllers.job.controller import Jobs
from paas.orchestration.controllers.job.ttl import FinishedJobs
from paas.orchestration.controllers.namespaces.controller import Namespaces
from paas.orchestration.controllers.podgc import PodGarbage
from paas.orchestration.controllers.quotas import ResourceQuotas
from paas.orchestration.controllers.ranges.controller import NamespaceRanges
from paas.orchestration.controllers.replicaset.controller import (
    ReplicaSets,
    replication_controllers,
)
from paas.orchestration.controllers.roleaggregation import RoleAggregation
from paas.orchestration.controllers.rootca import RootCertificates
from paas.orchestration.controllers.scheduler.controller import Scheduler
from paas.orchestration.controllers.serviceaccounts import ServiceAccounts
from paas.orchestration.controllers.statefulset.controller import StatefulSets
from paas.orchestration.controllers.volumes.binder import VolumeBinder
from paas.orchestration.controllers.volumes.protection import StorageProtection
from paas.settings.instance import Instance

_AUTOSCALING = Settings()


def kubernetes_controllers(
    context: Context,
    instance: Instance,
    *,
    ca_certificate: str,
    usage: UsageSource = NOTHING_KNOWN,
    autoscaling: Settings = _AUTOSCALING,
) -> list[Controller]:
    """Return the controllers of the Kubernetes kinds; `ca_certificate` is PEM.

    `usage` is what autoscalers go by.

    Call it after every other part has asked for its informers: quota and garbage collection keep
    of the resources that nobody reads whole only the metadata.
    """
    makers = (
        Scheduler(context),
        ReplicaSets(context),
        replication_controllers(context),
        Deployments(context),
        DaemonSets(context),
        StatefulSets(context),
        FinishedJobs(context),
        CronJobs(context),
        Disruptions(context),
        Autoscalers(context, usage, autoscaling),
        ServiceEndpoints(context),
        NamespaceRanges(context, instance),
        ServiceAccounts(context),
        RootCertificates(context, ca_certificate),
        Definitions(context),
        RoleAggregation(context),
        Namespaces(context),
        PodGarbage(context),
        VolumeBinder(context),
        EventExpiry(context),
        ResourceQuotas(context),
        GarbageCollector(context),
    )
    several = (Jobs(context), StorageProtection(context))
    more = [one for maker in several for one in maker.controllers()]
    return [*more, *(maker.controller() for maker in makers)]
