"""The admission plugins of the embedded engine, in the order in which they run."""

from paas.apimachinery.admission import AdmissionPlugin
from paas.orchestration.admission.accounts import ServiceAccount
from paas.orchestration.admission.allotments import NamespaceAllotments
from paas.orchestration.admission.definitions import CustomWarnings
from paas.orchestration.admission.ingress import DefaultIngressClass
from paas.orchestration.admission.limits import LimitRanger
from paas.orchestration.admission.namespaces import NamespaceLifecycle
from paas.orchestration.admission.quotas import ResourceQuota
from paas.orchestration.admission.security import PodSecurity
from paas.orchestration.admission.storage import (
    DefaultStorageClass,
    PersistentVolumeClaimResize,
    StorageObjectInUseProtection,
)

PLUGINS: tuple[AdmissionPlugin, ...] = (
    NamespaceLifecycle(),
    NamespaceAllotments(),
    LimitRanger(),
    ServiceAccount(),
    PodSecurity(),
    CustomWarnings(),
    DefaultStorageClass(),
    StorageObjectInUseProtection(),
    PersistentVolumeClaimResize(),
    DefaultIngressClass(),
    ResourceQuota(),
)
"""Upstream's order: quota last, so that nothing refused is ever counted."""

__all__ = ["PLUGINS"]
