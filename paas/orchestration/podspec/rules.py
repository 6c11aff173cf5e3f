"""The rules of a pod spec and of a pod template, all together.

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidatePodSpec, ValidatePodTemplateSpec).
"""

from paas.apimachinery.fielderrors import (
    forbidden,
    invalid,
    invalid_all,
    not_supported,
    required,
)
from paas.apimachinery.metadata import annotations_errors, labels_errors
from paas.core.errors import Cause
from paas.core.names import label_errors, subdomain_errors
from paas.core.selectors import LabelSelector
from paas.core.shape import Json, maps, number, submap, text
from paas.orchestration.podspec.containers import PodFacts, containers_errors
from paas.orchestration.podspec.placement import placement_errors
from paas.orchestration.podspec.security import pod_security_errors
from paas.orchestration.podspec.volumes import volumes_errors

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_SECONDS_MAX = 2**31 - 1


def pod_spec_errors(spec: Json, path: str = "spec") -> list[Cause]:
    """Return every rule that a filled-in pod spec breaks."""
    grace = number(spec, "terminationGracePeriodSeconds")
    volumes, wrong = volumes_errors(spec, f"{path}.volumes")
    if grace is None:
        wrong.insert(0, required(f"{path}.terminationGracePeriodSeconds"))
    facts = PodFacts(volumes, grace, host_users=spec.get("hostUsers") is not False)
    wrong += containers_errors(spec, facts, path)
    wrong += _choice_errors(spec, "restartPolicy", RESTART_POLICIES, path)
    wrong += _choice_errors(spec, "dnsPolicy", _DNS_POLICIES, path)
    context = submap(spec, "securityContext")
    wrong += pod_security_errors(context, spec, f"{path}.securityContext")
    wrong += placement_errors(spec, path)
    wrong += _host_network_errors(spec, f"{path}.containers")
    return [*wrong, *_names_errors(spec, path), *_deadline_errors(spec, path)]


def template_errors(template: Json, path: str) -> list[Cause]:
    """Return every rule that a filled-in pod template breaks."""
    wrong = labels_errors(submap(template, "metadata", "labels"), f"{path}.labels")
    annotations = submap(template, "metadata", "annotations")
    wrong += annotations_errors(annotations, f"{path}.annotations")
    wrong += pod_spec_errors(submap(template, "spec"), f"{path}.spec")
    if maps(template, "spec", "ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        wrong.append(forbidden(f"{path}.spec.ephemeralContainers", why))
    return wrong


def replicated_template_errors(
    template: Json, selector: LabelSelector, path: str, *, kind: str = "ReplicaSet"
) -> list[Cause]:
    """Check the template of a workload whose pods run for ever: selected, always restarted.

    `kind` is the word for it in the message.
    """
    wrong: list[Cause] = []
    labels = submap(template, "metadata", "labels")
    if selector.requirements and not selector.matches(labels):
        why = "`selector` does not match template `labels`"
        wrong.append(invalid(f"{path}.metadata.labels", labels, why))
    wrong += template_errors(template, path)
    policy = text(template, "spec", "restartPolicy")
    if policy in RESTART_POLICIES[1:]:
        wrong.append(not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if number(template, "spec", "activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        wrong.append(forbidden(f"{path}.spec.activeDeadlineSeconds", why))
    return wrong


def _choice_errors(spec: Json, field: str, choices: tuple[str, ...], path: str) -> list[Cause]:
    value, at = text(spec, field), f"{path}.{field}"
    if value in choices:
        return []
    return [not_supported(at, value, choices)] if value else [required(at)]


def _host_network_errors(spec: Json, path: str) -> list[Cause]:
    if not spec.get("hostNetwork"):
        return []
    why = "must match `containerPort` when `hostNetwork` is true"
    return [
        invalid(f"{path}[{row}].ports[{column}].hostPort", port["hostPort"], why)
        for row, container in enumerate(maps(spec, "containers"))
        for column, port in enumerate(maps(container, "ports"))
        if port.get("hostPort") and port["hostPort"] != port.get("containerPort")
    ]


def _names_errors(spec: Json, path: str) -> list[Cause]:
    rules = {
        "serviceAccountName": subdomain_errors,
        "nodeName": subdomain_errors,
        "hostname": label_errors,
        "subdomain": label_errors,
        "priorityClassName": subdomain_errors,
        "runtimeClassName": subdomain_errors,
    }
    return [
        cause
        for field, rule in rules.items()
        if (name := text(spec, field))
        for cause in invalid_all(f"{path}.{field}", name, rule(name))
    ]


def _deadline_errors(spec: Json, path: str) -> list[Cause]:
    deadline = number(spec, "activeDeadlineSeconds")
    if deadline is None or 1 <= deadline <= _SECONDS_MAX:
        return []
    why = f"must be between 1 and {_SECONDS_MAX}, inclusive"
    return [invalid(f"{path}.activeDeadlineSeconds", deadline, why)]
