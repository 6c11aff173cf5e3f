"""An application's environment: the variables of its first container, and where each comes from.

What a person types as a secret goes to the Secret `<app>-secrets` and is never shown again.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paas.apimachinery.options import Patch
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import AlreadyExistsError, Cause, ConflictError, InvalidError
from paas.core.names import config_key_errors, env_name_errors
from paas.core.objects import ApiObject, dig, meta, name_of, namespace_of
from paas.core.wellknown import INSTANCE, MANAGED_BY, MANAGER

CONFIG_MAPS, SECRETS = "configmaps", "secrets"
SECRETS_VERSION = "minato.io/secrets-version"
VALUE, CONFIG_MAP, SECRET, NEW_SECRET, FIELD = "value", "configMap", "secret", "newSecret", "field"
_SOURCES = {"configMapKeyRef": CONFIG_MAP, "secretKeyRef": SECRET}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. `kind` is value, configMap, secret, newSecret or field (the pod's own).

    `value` is the text of a plain or new secret one; `object_name` and `key` say where another's
    value is, `optional` whether it may be missing. `raw` is what is written as it was.
    """

    name: str
    kind: str = VALUE
    value: str = ""
    object_name: str = ""
    key: str = ""
    optional: bool | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that can be referred to."""

    kind: str
    object_name: str
    key: str


def environment_of(deployment: ApiObject) -> list[Variable]:
    """Return the variables in their order; `PORT` and the like are among them."""
    return [_variable(one) for one in _env(deployment)]


def environment_digest(deployment: ApiObject) -> str:
    """Return what tells whether the environment is still the one that was shown."""
    return hashlib.sha256(json.dumps(_env(deployment), sort_keys=True).encode()).hexdigest()


def choice_list(cluster: Cluster, *, actor: Actor, project: str) -> list[Choice]:
    """Return the keys of ConfigMaps, and of Secrets where the actor may list them."""
    resources = [(CONFIG_MAP, CONFIG_MAPS), (SECRET, SECRETS)]
    return [
        Choice(kind, name_of(obj), key)
        for kind, resource in resources
        if cluster.may(actor, "list", resource, project)
        for obj in cluster.list(actor, resource, project).items
        if obj.get("type", "Opaque") == "Opaque"
        for key in sorted(obj.get("data") or {})
    ]


def environment_set(
    cluster: Cluster, *, actor: Actor, deployment: ApiObject, wanted: Sequence[Variable], seen: str
) -> None:
    """Replace the environment, which rolls out new pods.

    Raises InvalidError per variable, ConflictError when it is not what was `seen` any more.
    """
    _check(wanted)
    if seen != environment_digest(deployment):
        raise ConflictError(
            "Somebody else has changed the environment meanwhile.",
            hint="Look at it again, then make your change.",
        )
    version = _secrets_write(cluster, actor, deployment, wanted)
    changed = copy.deepcopy(deployment)
    template = changed["spec"]["template"]
    template["spec"]["containers"][0]["env"] = [_entry(one, deployment) for one in wanted]
    if version:  # a new value under an old name is a new environment too
        notes = template.setdefault("metadata", {}).setdefault("annotations", {})
        notes[SECRETS_VERSION] = version
    cluster.update(actor, changed)


def secret_name(deployment: ApiObject) -> str:
    """Return the Secret that holds what was typed as a secret."""
    return f"{name_of(deployment)}-secrets"


def _env(deployment: ApiObject) -> list[dict[str, Any]]:
    containers = dig(deployment, "spec", "template", "spec", "containers") or [{}]
    return containers[0].get("env") or []


def _variable(entry: dict[str, Any]) -> Variable:
    source = entry.get("valueFrom") or {}
    for field, kind in _SOURCES.items():
        if reference := source.get(field):
            return Variable(
                entry["name"],
                kind,
                object_name=reference["name"],
                key=reference["key"],
                optional=reference.get("optional"),
            )
    if source:
        return Variable(entry["name"], FIELD, raw=json.dumps(source))
    return Variable(entry["name"], VALUE, str(entry.get("value") or ""))


def _entry(one: Variable, deployment: ApiObject) -> dict[str, Any]:
    if one.kind == VALUE:
        return {"name": one.name, "value": one.value}
    if one.kind == FIELD:
        return {"name": one.name, "valueFrom": json.loads(one.raw)}
    if one.kind == NEW_SECRET:
        reference = {"name": secret_name(deployment), "key": one.name}
        return {"name": one.name, "valueFrom": {"secretKeyRef": reference}}
    field = next(field for field, kind in _SOURCES.items() if kind == one.kind)
    kept: dict[str, Any] = {"name": one.object_name, "key": one.key}
    if one.optional is not None:
        kept["optional"] = one.optional
    return {"name": one.name, "valueFrom": {field: kept}}


def _check(wanted: Sequence[Variable]) -> None:
    names = [one.name for one in wanted]
    causes = []
    for position, one in enumerate(wanted):
        wrong = env_name_errors(one.name)
        if one.kind == NEW_SECRET:
            wrong += config_key_errors(one.name)
        if names.index(one.name) != position:
            wrong.append("is there twice")
        causes += [Cause("FieldValueInvalid", why, f"env[{position}]") for why in wrong]
    if causes:
        raise InvalidError(f"{causes[0].field}: {causes[0].message}", causes=causes)


def _secrets_write(
    cluster: Cluster, actor: Actor, deployment: ApiObject, wanted: Sequence[Variable]
) -> str:
    """Write what was typed; return the Secret's resourceVersion, or "" where nothing was."""
    given = {one.name: one.value for one in wanted if one.kind == NEW_SECRET}
    if not given:
        return ""
    name, namespace = secret_name(deployment), namespace_of(deployment)
    labels = {INSTANCE: name_of(deployment), MANAGED_BY: MANAGER}
    wish: ApiObject = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "type": "Opaque",
        "stringData": given,
    }
    try:
        written = cluster.create(actor, wish)
    except AlreadyExistsError:
        patch = Patch("merge", {"stringData": given})
        written = cluster.patch(actor, SECRETS, name, namespace, patch=patch)
    return str(meta(written)["resourceVersion"])
