"""PodSecurity: fills in what makes a pod safe, refuses what the project's level forbids.

Levels come from the namespace's labels, as upstream; without a label, baseline is enforced and
restricted is warned of. Every pod here lives in its project's user namespace, which is why root
in it is no reason for a warning. Workloads are only warned of: their pods are refused.
Source: Kubernetes, "Pod Security Admission".
"""

import copy
from dataclasses import dataclass

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import ACTOR, find, refusal
from paas.core.objects import ApiObject, labels_of, name_of
from paas.core.shape import Json, ensure, submap, text, values
from paas.orchestration.admission.restricted import (
    BASELINE,
    LEVELS,
    PRIVILEGED,
    RESTRICTED,
    violations,
)
from paas.orchestration.podspec import containers_of

LABEL = "pod-security.kubernetes.io/"
_TEMPLATE = ("spec", "template")
TEMPLATES = {
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
    "daemonsets.apps": _TEMPLATE,
    "deployments.apps": _TEMPLATE,
    "jobs.batch": _TEMPLATE,
    "replicasets.apps": _TEMPLATE,
    "replicationcontrollers": _TEMPLATE,
    "statefulsets.apps": _TEMPLATE,
}
"""Where each workload has its pods. Source: k8s.io/pod-security-admission/admission."""
PODS_CHECKED_MAX = 3000


@dataclass(frozen=True, slots=True)
class Policy:
    """The levels of one namespace and, for messages, their versions."""

    enforce: str = BASELINE
    warn: str = RESTRICTED
    enforce_version: str = "latest"
    warn_version: str = "latest"


def policy_of(namespace: ApiObject | None) -> Policy:
    """Return the namespace's policy; a level that is not one is read as restricted."""
    labels = labels_of(namespace or {})

    def level(mode: str, default: str) -> str:
        value = labels.get(f"{LABEL}{mode}", default)
        return value if value in LEVELS else RESTRICTED

    enforce = level("enforce", BASELINE)
    # upstream warns of nothing unless told to; we warn, but never in a privileged namespace
    warn = level("warn", PRIVILEGED if enforce == PRIVILEGED else RESTRICTED)
    return Policy(
        enforce,
        warn,
        labels.get(f"{LABEL}enforce-version", "latest"),
        labels.get(f"{LABEL}warn-version", "latest"),
    )


class PodSecurity(AdmissionPlugin):
    """Applies the namespace's level to pods, and tells of it for workloads and namespaces."""

    name = "PodSecurity"
    resources = frozenset({"pods", "namespaces", *TEMPLATES})

    def admit(self, request: AdmissionRequest) -> None:
        """Fill in seccomp and no privilege escalation in new pods."""
        if request.kind.resource != "pods" or request.operation != "CREATE" or not request.obj:
            return
        if _policy(request).enforce != PRIVILEGED:
            fill_in(ensure(request.obj, "spec"))

    def validate(self, request: AdmissionRequest) -> None:
        """Raise ForbiddenError, or leave a warning."""
        if request.obj is None or request.subresource:
            return
        if request.kind.resource == "namespaces":
            _check_namespace(request, request.obj)
        elif _is_news(request):
            _check_pod(request, request.obj)


def _policy(request: AdmissionRequest) -> Policy:
    return policy_of(find(request, "namespaces", request.namespace))


def _is_news(request: AdmissionRequest) -> bool:
    if request.operation == "CREATE":
        return True
    if request.operation != "UPDATE" or request.old is None or request.obj is None:
        return False
    if request.kind.resource == "pods":  # an assignment or a deadline is no reason to look again
        return _images(request.obj) != _images(request.old)
    path = TEMPLATES[request.kind.resource]
    return submap(request.obj, *path) != submap(request.old, *path)


def _images(pod: ApiObject) -> list[str]:
    return [text(container, "image") for container in containers_of(submap(pod, "spec"))]


def _check_pod(request: AdmissionRequest, obj: ApiObject) -> None:
    policy = _policy(request)
    is_pod = request.kind.resource == "pods"
    holder = obj if is_pod else submap(obj, *TEMPLATES[request.kind.resource])
    metadata, spec = submap(holder, "metadata"), submap(holder, "spec")
    if is_pod:
        if found := violations(policy.enforce, metadata, spec):
            words = ", ".join(str(one) for one in found)
            level = f"{policy.enforce}:{policy.enforce_version}"
            raise refusal(request, f'violates PodSecurity "{level}": {words}')
    elif policy.enforce != PRIVILEGED:
        spec = filled_in(spec)
    if found := violations(policy.warn, metadata, _as_it_will_run(spec)):
        words = ", ".join(str(one) for one in found)
        level = f"{policy.warn}:{policy.warn_version}"
        request.warnings.append(f'would violate PodSecurity "{level}": {words}')


def _as_it_will_run(spec: Json) -> Json:
    # the project's user namespace is always there, whether the pod says so or not
    return {**spec, "hostUsers": False} if spec.get("hostUsers") is None else spec


def fill_in(spec: Json) -> None:
    """Give a pod what it leaves out, in place: RuntimeDefault seccomp, no privilege escalation.

    A container that asks for privileges keeps its words, so that the refusal is about them.
    """
    context = ensure(spec, "securityContext")
    if context.get("seccompProfile") is None:
        context["seccompProfile"] = {"type": "RuntimeDefault"}
    for container in containers_of(spec):
        own = ensure(container, "securityContext")
        added = set(values(own, "capabilities", "add"))
        asks = own.get("privileged") or added & {"SYS_ADMIN", "CAP_SYS_ADMIN"}
        if own.get("allowPrivilegeEscalation") is None and not asks:
            own["allowPrivilegeEscalation"] = False


def filled_in(spec: Json) -> Json:
    """Return a copy of a template's spec as its pods will be."""
    copied = copy.deepcopy(spec)
    fill_in(copied)
    return copied


def _check_namespace(request: AdmissionRequest, namespace: ApiObject) -> None:
    """Warn of pods that a newly enforced level would refuse."""
    if request.operation != "UPDATE" or request.old is None:
        return
    before, after = policy_of(request.old).enforce, policy_of(namespace).enforce
    if LEVELS.index(after) <= LEVELS.index(before):
        return
    pods = request.door.list(ACTOR, "pods", name_of(namespace)).items
    told: dict[str, list[str]] = {}
    for pod in pods[:PODS_CHECKED_MAX]:
        if found := violations(after, submap(pod, "metadata"), submap(pod, "spec")):
            words = ", ".join(one.reason for one in found)
            told.setdefault(words, []).append(name_of(pod))
    if told:
        request.warnings.append(
            f'existing pods in namespace "{name_of(namespace)}" violate the new PodSecurity '
            f'enforce level "{after}:{policy_of(namespace).enforce_version}"'
        )
        request.warnings += sorted(_pods_text(names, words) for words, names in told.items())


def _pods_text(names: list[str], words: str) -> str:
    first, others = min(names), len(names) - 1
    more = {0: "", 1: " (and 1 other pod)"}.get(others, f" (and {others} other pods)")
    return f"{first}{more}: {words}"
