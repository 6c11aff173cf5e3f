"""The kinds of this domain: BuildConfig and Build. Source: build.openshift.io/v1.

Neither has a status subresource, as on OpenShift: only the platform writes a status, but for
`status.cancelled`, by which everybody who may update a build ends it.
"""

import copy
import re
from typing import Any

from paas.apimachinery.audit import is_platform
from paas.apimachinery.columns import NAME
from paas.apimachinery.fielderrors import immutable
from paas.apimachinery.kinds import Column, Kind, Since, Subresource, WriteContext
from paas.builds.instantiate import clone, instantiate
from paas.builds.names import NEW, has_ended, phase_of, pod_name
from paas.builds.rules import STRATEGIES, SourceRules
from paas.builds.schemas import BUILD, BUILD_CONFIG
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import Json, default, ensure, number, submap, text

GROUP, VERSION = "build.openshift.io", "v1"
NAME_MAX = 53
"""A build's name has its number and its pod `-build`; both are labels, of 63 characters."""
HISTORY_LIMIT = 5
_NANOSECONDS = 1_000_000_000
_SHORT_COMMIT = 7
_COMMIT = re.compile(r"[0-9a-fA-F]{21,}")
_TYPES = {
    "sourceStrategy": "Source",
    "dockerStrategy": "Docker",
    "customStrategy": "Custom",
    "jenkinsPipelineStrategy": "JenkinsPipeline",
}


def build_kinds(schemes: tuple[str, ...]) -> tuple[Kind, ...]:
    """Return the kinds; `schemes` are those that a repository's address may have."""
    rules = SourceRules(schemes)
    return (_build_config(rules), _build(rules))


def _config_name_errors(name: str) -> list[str]:
    if len(name) > NAME_MAX:
        return [f"must be no more than {NAME_MAX} characters"]
    return subdomain_errors(name)


def _default_common(spec: Json) -> None:
    source, strategy = ensure(spec, "source"), ensure(spec, "strategy")
    default(source, "type", "Git" if submap(source, "git") else "None")
    for name in STRATEGIES:
        if strategy.get(name) is not None:
            default(strategy, "type", _TYPES[name])
            default(ensure(strategy, name, "from"), "kind", "ImageStreamTag")
    default(spec, "serviceAccount", "builder")
    for field in ("output", "postCommit", "resources"):
        ensure(spec, field)
    if spec.get("nodeSelector") is None:
        spec["nodeSelector"] = None


def _default_config(config: ApiObject) -> None:
    spec = ensure(config, "spec")
    _default_common(spec)
    default(spec, "runPolicy", "Serial")
    default(spec, "successfulBuildsHistoryLimit", HISTORY_LIMIT)
    default(spec, "failedBuildsHistoryLimit", HISTORY_LIMIT)
    if spec.get("triggers") is None:
        spec["triggers"] = []
    default(ensure(config, "status"), "lastVersion", 0)


def _default_build(build: ApiObject) -> None:
    _default_common(ensure(build, "spec"))
    default(ensure(build, "status"), "phase", NEW)


def _prepare_config(config: ApiObject, context: WriteContext) -> None:
    if not is_platform(context.actor):
        config["status"] = {"lastVersion": 0}


def _keep_config(new: ApiObject, old: ApiObject, context: WriteContext) -> None:
    if not is_platform(context.actor):
        new["status"] = copy.deepcopy(submap(old, "status"))


def _prepare_build(build: ApiObject, context: WriteContext) -> None:
    if not is_platform(context.actor):
        build["status"] = {"phase": NEW}


def _keep_build(new: ApiObject, old: ApiObject, context: WriteContext) -> None:
    if is_platform(context.actor):
        return
    wanted = submap(new, "status").get("cancelled") is True
    if "revision" in submap(old, "spec"):
        ensure(new, "spec")["revision"] = copy.deepcopy(old["spec"]["revision"])
    else:
        submap(new, "spec").pop("revision", None)
    new["status"] = copy.deepcopy(submap(old, "status"))
    if wanted and not has_ended(old):
        new["status"]["cancelled"] = True


def _validate_build_update(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Keep the spec as it was; the platform alone fills in which commit was found."""

    def fixed(build: ApiObject) -> Json:
        return {key: value for key, value in submap(build, "spec").items() if key != "revision"}

    return immutable("spec", fixed(new), fixed(old))


def _type(obj: ApiObject) -> str:
    return text(obj, "spec", "strategy", "type")


def _from(obj: ApiObject) -> str:
    """Return the kind of source, with branch or commit. Source: OpenShift's printers."""
    source = submap(obj, "spec", "source")
    detail = text(obj, "spec", "revision", "git", "commit") or text(source, "git", "ref")
    if _COMMIT.fullmatch(detail):
        detail = detail[:_SHORT_COMMIT]
    kind = text(source, "type")
    if source.get("dockerfile") and source.get("git"):
        kind = "Dockerfile,Git"
    return f"{kind}@{detail}" if detail and kind != "Dockerfile" else kind


def _status(build: ApiObject) -> str:
    reason = text(build, "status", "reason")
    return f"{phase_of(build)} ({reason})" if reason else phase_of(build)


def _started(build: ApiObject) -> str:
    moment = text(build, "status", "startTimestamp")
    return Since("", "{} ago", moment) if moment else ""


def _duration(build: ApiObject) -> str:
    nanoseconds = number(build, "status", "duration")
    if not nanoseconds:
        return ""
    minutes, seconds = divmod(round(nanoseconds / _NANOSECONDS), 60)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h" if hours else ""
    return f"{head}{minutes}m{seconds}s" if head or minutes else f"{seconds}s"


def _build_fields(build: ApiObject) -> dict[str, Any]:
    return {"status": phase_of(build), "podName": pod_name(build)}


_TYPE = Column("Type", _type, description="The strategy.")
_FROM = Column("From", _from, description="Where the source comes from.")


def _build_config(rules: SourceRules) -> Kind:
    return Kind(
        group=GROUP,
        version=VERSION,
        kind="BuildConfig",
        plural="buildconfigs",
        short_names=("bc",),
        categories=("all",),
        name_errors=_config_name_errors,
        schema=BUILD_CONFIG,
        default=_default_config,
        prepare_create=_prepare_config,
        prepare_update=_keep_config,
        validate=rules.config_errors,
        subresources=(
            Subresource("instantiate", ("create",), (GROUP, VERSION, "BuildRequest"), instantiate),
        ),
        columns=(
            NAME,
            _TYPE,
            _FROM,
            Column(
                "Latest",
                lambda config: number(config, "status", "lastVersion") or 0,
                description="The number of the newest build.",
            ),
        ),
    )


def _build(rules: SourceRules) -> Kind:
    return Kind(
        group=GROUP,
        version=VERSION,
        kind="Build",
        plural="builds",
        categories=("all",),
        name_errors=subdomain_errors,
        schema=BUILD,
        default=_default_build,
        prepare_create=_prepare_build,
        prepare_update=_keep_build,
        validate=rules.build_errors,
        validate_update=_validate_build_update,
        fields=_build_fields,
        subresources=(
            Subresource("clone", ("create",), (GROUP, VERSION, "BuildRequest"), clone),
            Subresource("log", ("get",), (GROUP, VERSION, "BuildLog")),
        ),
        columns=(
            NAME,
            _TYPE,
            _FROM,
            Column("Status", _status, description="The phase, and why."),
            Column("Started", _started, description="How long ago it began."),
            Column("Duration", _duration, description="How long it took."),
        ),
    )
