"""A new Build from a BuildConfig, or from a Build that was. Serves the API's subresources.

Source: openshift-apiserver pkg/build/generator.
"""

import copy
from collections.abc import Callable
from typing import Any

import structlog

from paas.apimachinery.kinds import WriteContext
from paas.builds.names import (
    API_VERSION,
    BUILDS,
    CLONE_OF,
    CONFIG_LABEL,
    CONFIG_LABEL_SHORT,
    CONFIGS,
    NUMBER,
    PAUSED,
    POLICY_LABEL,
    STARTED_BY,
    build_name,
    config_of,
    label_value,
)
from paas.builds.resolve import resolved
from paas.builds.rules import commit_errors
from paas.core.actors import platform_actor
from paas.core.errors import (
    AlreadyExistsError,
    BadRequestError,
    ConflictError,
    InvalidError,
    NotFoundError,
)
from paas.core.names import generated_name
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from paas.core.shape import Json, ensure, maps, number, submap, text

log = structlog.get_logger(__name__)
ACTOR = platform_actor("build-generator")
TRIES = 10
_COPIED = (
    "serviceAccount",
    "source",
    "revision",
    "strategy",
    "output",
    "resources",
    "postCommit",
    "completionDeadlineSeconds",
    "nodeSelector",
    "mountTrustedCA",
)
BuildChanged = Callable[[ApiObject], None]
_listeners: list[BuildChanged] = []


def on_build_created(listener: BuildChanged) -> None:
    """Have `listener` called with each Build that this process makes or cancels.

    It must return at once, and only saves time: beat's sweep finds what nobody was told of.
    """
    _listeners.append(listener)


def announce(build: ApiObject) -> None:
    """Tell the listeners of a build."""
    for listener in _listeners:
        listener(build)


def instantiate(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Answer `buildconfigs/<name>/instantiate`: the body is a BuildRequest.

    Raises NotFoundError, BadRequestError, InvalidError, ConflictError, and what admission says.
    """
    config = context.door.get(ACTOR, CONFIGS, key.name, key.namespace)
    if annotations_of(config).get(PAUSED, "").lower() == "true":
        raise InvalidError(
            f"can't instantiate from BuildConfig {key.namespace}/{key.name}: BuildConfig is paused",
            f"Remove its annotation {PAUSED}.",
        )
    _check_version(config, body)
    spec = {name: copy.deepcopy(config["spec"][name]) for name in _COPIED if name in config["spec"]}
    _apply_request(spec, body)
    spec = resolved(context.door, spec, key.namespace)
    spec["triggeredBy"] = maps(body, "triggeredBy") or [{"message": "Manually triggered"}]
    return _announced(_numbered(context, config, spec))


def clone(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Answer `builds/<name>/clone`: the same again, of the very same commit and images."""
    old = context.door.get(ACTOR, BUILDS, key.name, key.namespace)
    spec = copy.deepcopy(old["spec"])
    _apply_request(spec, body)
    spec["triggeredBy"] = maps(body, "triggeredBy") or [{"message": "Manually triggered"}]
    notes = {CLONE_OF: key.name}
    if config_name := config_of(old):
        try:
            config = context.door.get(ACTOR, CONFIGS, config_name, key.namespace)
        except NotFoundError:
            pass  # the build outlived it: its copy belongs to none
        else:
            return _announced(_numbered(context, config, spec, notes))
    wish = _build(generated_name(f"{key.name}-"), key.namespace, spec)
    wish["metadata"]["annotations"] = {**notes, STARTED_BY: context.actor.name}
    return _announced(context.door.create(ACTOR, wish, key.namespace))


def _check_version(config: ApiObject, body: ApiObject) -> None:
    wanted = number(body, "lastVersion")
    have = number(config, "status", "lastVersion") or 0
    if wanted is not None and wanted != have:
        text_ = f"the LastVersion({have}) on build config {name_of(config)} does not match {wanted}"
        raise ConflictError(text_)


def _apply_request(spec: Json, body: ApiObject) -> None:
    """Let a BuildRequest say what differs this time, in place."""
    strategy = ensure(spec, "strategy", "sourceStrategy")
    if revision := submap(body, "revision"):
        commit = text(revision, "git", "commit")
        if commit and commit_errors(commit):
            raise BadRequestError(f"revision.git.commit: {commit_errors(commit)[0]}")
        spec["revision"] = copy.deepcopy(revision)
    if variables := maps(body, "env"):
        given = {text(one, "name") for one in variables}
        kept = [one for one in maps(strategy, "env") if text(one, "name") not in given]
        strategy["env"] = [*kept, *copy.deepcopy(variables)]
    if reference := submap(body, "from"):
        strategy["from"] = copy.deepcopy(reference)
    incremental = submap(body, "sourceStrategyOptions").get("incremental")
    if isinstance(incremental, bool):
        strategy["incremental"] = incremental


def _numbered(
    context: WriteContext, config: ApiObject, spec: Json, notes: dict[str, str] | None = None
) -> ApiObject:
    """Create the config's next Build. The number is taken first, so that none is given twice."""
    for _ in range(TRIES):
        try:
            config = _counted(context, config)
            wish = _build_of(config, spec)
            wish["metadata"]["annotations"] |= {STARTED_BY: context.actor.name, **(notes or {})}
            return context.door.create(ACTOR, wish, namespace_of(config))
        except (ConflictError, AlreadyExistsError):  # somebody else took it, or a build is older
            config = context.door.get(ACTOR, CONFIGS, name_of(config), namespace_of(config))
    raise ConflictError(f"too many builds of {name_of(config)} are being started at once")


def _counted(context: WriteContext, config: ApiObject) -> ApiObject:
    changed = copy.deepcopy(config)
    status = ensure(changed, "status")
    status["lastVersion"] = (number(status, "lastVersion") or 0) + 1
    return context.door.update(ACTOR, changed)


def _build_of(config: ApiObject, spec: Json) -> ApiObject:
    name, count = name_of(config), number(config, "status", "lastVersion") or 1
    wish = _build(build_name(name, count), namespace_of(config), spec)
    policy = text(config, "spec", "runPolicy")
    wish["metadata"] |= {
        "labels": {
            **labels_of(config),
            CONFIG_LABEL_SHORT: label_value(name),
            CONFIG_LABEL: label_value(name),
            POLICY_LABEL: policy,
        },
        "annotations": {CONFIG_LABEL: name, NUMBER: str(count)},
        "ownerReferences": [owner_reference(config, block=False)],
    }
    wish["status"]["config"] = {
        "kind": "BuildConfig",
        "namespace": namespace_of(config),
        "name": name,
    }
    return wish


def _build(name: str, namespace: str, spec: Json) -> ApiObject:
    status: dict[str, Any] = {"phase": "New"}
    return {
        "apiVersion": API_VERSION,
        "kind": "Build",
        "metadata": {"name": name, "namespace": namespace},
        "spec": copy.deepcopy(spec),
        "status": status,
    }


def _announced(build: ApiObject) -> ApiObject:
    log.info("build_created", namespace=namespace_of(build), build=name_of(build))
    announce(build)
    return build
