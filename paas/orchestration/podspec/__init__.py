"""Pod specs: what upstream fills in and what it refuses; shared by Pods and by workloads."""

from paas.orchestration.podspec.defaults import (
    containers_of,
    default_pod,
    default_pod_spec,
    default_template,
    defaulted_template,
)
from paas.orchestration.podspec.resources import pod_amounts, qos_class
from paas.orchestration.podspec.rules import (
    pod_spec_errors,
    replicated_template_errors,
    template_errors,
)

__all__ = [
    "containers_of",
    "default_pod",
    "default_pod_spec",
    "default_template",
    "defaulted_template",
    "pod_amounts",
    "pod_spec_errors",
    "qos_class",
    "replicated_template_errors",
    "template_errors",
]
