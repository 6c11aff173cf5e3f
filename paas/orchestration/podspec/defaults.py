"""What upstream fills in for a pod spec. Changes the spec in place; safe to repeat.

Two floors, as upstream: `default_pod_spec` for every pod template, `default_pod` for what only a
Pod itself gets. Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go.
"""

import copy

from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, maps, submap
from paas.orchestration.podspec.images import tag_of
from paas.orchestration.podspec.resources import qos_class

GRACE_PERIOD_S = 30
FILE_MODE = 0o644
TOKEN_EXPIRY_S = 3600
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_VOLUME_KEYS = frozenset({"name"})


def default_pod(pod: ApiObject) -> None:
    """Fill in a Pod: its template's defaults, requests from limits, service links, QoS class."""
    spec = ensure(pod, "spec")
    for container in [*maps(spec, "containers"), *maps(spec, "initContainers")]:
        _requests_from_limits(container)
    default(spec, "enableServiceLinks", True)
    if spec.get("hostNetwork"):
        _host_ports(spec)
    default_pod_spec(spec)
    default(ensure(pod, "status"), "qosClass", qos_class(spec))


def default_template(template: Json) -> None:
    """Fill in the pod template of a workload."""
    default_pod_spec(ensure(template, "spec"))


def default_pod_spec(spec: Json) -> None:
    """Fill in what every pod spec gets."""
    default(spec, "dnsPolicy", "ClusterFirst")
    default(spec, "restartPolicy", "Always")
    default(spec, "schedulerName", "default-scheduler")
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = GRACE_PERIOD_S
    ensure(spec, "securityContext")
    _account_names(spec)
    for volume in maps(spec, "volumes"):
        _volume(volume)
    for name in _CONTAINER_LISTS:
        for container in maps(spec, name):
            _container(container)


def _account_names(spec: Json) -> None:
    # `serviceAccount` is the old name of the same field: upstream serves both
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _requests_from_limits(container: Json) -> None:
    limits = submap(container, "resources", "limits")
    if not limits:
        return
    requests = ensure(container, "resources", "requests")
    for name, amount in limits.items():
        requests.setdefault(name, amount)


def _host_ports(spec: Json) -> None:
    for container in [*maps(spec, "containers"), *maps(spec, "initContainers")]:
        for port in maps(container, "ports"):
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort")


def _container(container: Json) -> None:
    image = container.get("image")
    latest = isinstance(image, str) and tag_of(image) == "latest"
    default(container, "imagePullPolicy", "Always" if latest else "IfNotPresent")
    default(container, "terminationMessagePath", "/dev/termination-log")
    default(container, "terminationMessagePolicy", "File")
    ensure(container, "resources")
    for port in maps(container, "ports"):
        default(port, "protocol", "TCP")
    for variable in maps(container, "env"):
        _field_ref(submap(variable, "valueFrom"))
        _divisor(submap(variable, "valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _probe(submap(container, name))
    for name in ("postStart", "preStop"):
        _http_get(submap(container, "lifecycle", name))


def _probe(probe: Json) -> None:
    for field, amount in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(field):
            probe[field] = amount
    _http_get(probe)
    if grpc := submap(probe, "grpc"):
        grpc.setdefault("service", "")


def _http_get(handler: Json) -> None:
    if handler.get("httpGet") is not None:
        default(submap(handler, "httpGet"), "path", "/")
        default(submap(handler, "httpGet"), "scheme", "HTTP")


def _field_ref(source: Json) -> None:
    if source.get("fieldRef") is not None:
        default(submap(source, "fieldRef"), "apiVersion", "v1")


def _divisor(source: Json) -> None:
    if source.get("resourceFieldRef") is not None:
        default(submap(source, "resourceFieldRef"), "divisor", "0")


def _volume(volume: Json) -> None:
    if not any(volume[key] is not None for key in volume.keys() - _VOLUME_KEYS):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI", "projected"):
        if volume.get(name) is not None:
            _mode(submap(volume, name))
    for item in maps(volume, "downwardAPI", "items"):
        _downward_item(item)
    if volume.get("hostPath") is not None:
        submap(volume, "hostPath").setdefault("type", "")
    for source in maps(volume, "projected", "sources"):
        _projection(source)


def _projection(source: Json) -> None:
    if source.get("serviceAccountToken") is not None:
        default(submap(source, "serviceAccountToken"), "expirationSeconds", TOKEN_EXPIRY_S)
    for item in maps(source, "downwardAPI", "items"):
        _downward_item(item)


def _downward_item(item: Json) -> None:
    _field_ref(item)
    _divisor(item)


def _mode(source: Json) -> None:
    if source.get("defaultMode") is None:
        source["defaultMode"] = FILE_MODE


def defaulted_template(template: Json) -> Json:
    """Return a filled-in copy; the original, which may be shared, stays as it is."""
    copied = copy.deepcopy(template)
    default_template(copied)
    return copied


def containers_of(spec: Json) -> list[Json]:
    """Return all containers in the order upstream visits them: init, regular, ephemeral."""
    return [container for name in _CONTAINER_LISTS for container in maps(spec, name)]
