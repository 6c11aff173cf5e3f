"""The environment of a container. Pure but for reading ConfigMaps and Secrets.

Source: kubelet makeEnvironmentVariables and pkg/kubelet/envvars.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from paas.core.names import env_name_errors
from paas.core.objects import ApiObject, name_of, namespace_of
from paas.orchestration.nodeagent.downward import Place, field_value, resource_value
from paas.orchestration.nodeagent.errors import ContainerConfigError
from paas.orchestration.nodeagent.expansion import expand
from paas.orchestration.nodeagent.podspec import Container
from paas.orchestration.nodeagent.ports import SourceReader


def environment(
    pod: ApiObject,
    container: Container,
    *,
    services: Iterable[ApiObject],
    read: SourceReader,
    place: Place,
) -> dict[str, str]:
    """Return the variables. Raises ContainerConfigError for a source that is not there."""
    from_services = service_environment(pod, services)
    own: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        own |= _from_source(pod, source, read)
    for variable in container.get("env") or ():
        value = _value(pod, container, variable, read=read, place=place)
        if value is None and not variable.get("valueFrom"):
            value = expand(variable.get("value") or "", {**from_services, **own})
        if value is not None:
            own[variable["name"]] = value
    return {**from_services, **own}


def text_values(obj: ApiObject) -> dict[str, str]:
    """Return a ConfigMap's or Secret's data as text; bytes that are no UTF-8 are replaced."""
    if obj["kind"] == "ConfigMap":
        return dict(obj.get("data") or {})
    data = obj.get("data") or {}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}


def service_environment(pod: ApiObject, services: Iterable[ApiObject]) -> dict[str, str]:
    """Return the variables of the services that a pod sees.

    Those are default/kubernetes and, with enableServiceLinks, the services of its namespace.
    """
    links = pod["spec"].get("enableServiceLinks", True)
    seen: dict[str, ApiObject] = {}
    for service in services:
        place = namespace_of(service)
        if links and place == namespace_of(pod):
            seen[name_of(service)] = service
        elif (place, name_of(service)) == ("default", "kubernetes"):
            seen.setdefault("kubernetes", service)
    values: dict[str, str] = {}
    for service in seen.values():
        values |= _service_variables(service)
    return values


def _service_variables(service: ApiObject) -> dict[str, str]:
    address = service["spec"].get("clusterIP")
    ports = service["spec"].get("ports") or []
    if not address or address == "None" or not ports:
        return {}
    prefix = name_of(service).upper().replace("-", "_")
    values = {f"{prefix}_SERVICE_HOST": address, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for position, port in enumerate(ports):
        if port.get("name"):
            label = port["name"].upper().replace("-", "_")
            values[f"{prefix}_SERVICE_PORT_{label}"] = str(port["port"])
        protocol = port.get("protocol", "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if position == 0:
            values[f"{prefix}_PORT"] = url
        link = f"{prefix}_PORT_{port['port']}_{protocol}"
        values[link] = url
        values[f"{link}_PROTO"] = protocol.lower()
        values[f"{link}_PORT"] = str(port["port"])
        values[f"{link}_ADDR"] = address
    return values


def _from_source(pod: ApiObject, source: Mapping[str, Any], read: SourceReader) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    for field, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if (reference := source.get(field)) is not None:
            obj = _read(pod, resource, reference, read)
            values = text_values(obj) if obj else {}
            named = {prefix + key: value for key, value in values.items()}
            return {key: value for key, value in named.items() if not env_name_errors(key)}
    return {}


def _value(
    pod: ApiObject,
    container: Container,
    variable: Mapping[str, Any],
    *,
    read: SourceReader,
    place: Place,
) -> str | None:
    source = variable.get("valueFrom") or {}
    if reference := source.get("fieldRef"):
        return field_value(pod, reference["fieldPath"], place)
    if reference := source.get("resourceFieldRef"):
        owner = None if reference.get("containerName") else container
        return resource_value(pod, reference, place, owner)
    if reference := source.get("configMapKeyRef"):
        return _key(pod, "configmaps", reference, read)
    if reference := source.get("secretKeyRef"):
        return _key(pod, "secrets", reference, read)
    return None


def _key(
    pod: ApiObject, resource: str, reference: Mapping[str, Any], read: SourceReader
) -> str | None:
    obj = _read(pod, resource, reference, read)
    if obj is None:
        return None
    values = text_values(obj)
    if reference["key"] in values:
        return values[reference["key"]]
    if reference.get("optional"):
        return None
    raise ContainerConfigError(
        f"couldn't find key {reference['key']} in {obj['kind']} "
        f"{namespace_of(pod)}/{reference['name']}"
    )


def _read(
    pod: ApiObject, resource: str, reference: Mapping[str, Any], read: SourceReader
) -> ApiObject | None:
    name = reference.get("name") or ""
    obj = read(resource, namespace_of(pod), name)
    if obj is None and not reference.get("optional"):
        raise ContainerConfigError(f'{resource.removesuffix("s")} "{name}" not found')
    return obj
