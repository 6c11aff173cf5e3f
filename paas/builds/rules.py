"""What a BuildConfig and a Build may say. Pure.

Source: openshift-apiserver pkg/build/apis/build/validation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paas.apimachinery.fielderrors import (
    forbidden,
    invalid,
    invalid_all,
    not_negative,
    not_supported,
    required,
)
from paas.builds.names import NEW, phase_of
from paas.builds.settings import DEADLINE_MAX_S, with_defaults
from paas.core.errors import Cause
from paas.core.gitsource import HTTPS_ONLY, folder_errors, ref_errors, uri_errors
from paas.core.names import env_name_errors
from paas.core.objects import ApiObject, namespace_of
from paas.core.shape import Json, maps, number, submap, text, values
from paas.orchestration.podspec.resources import requirements_errors

RUN_POLICIES = ("Parallel", "Serial", "SerialLatestOnly")
SOURCE_KINDS = ("DockerImage", "ImageStreamImage", "ImageStreamTag")
OFFERED_STRATEGY = "sourceStrategy"
STRATEGIES = (OFFERED_STRATEGY, "dockerStrategy", "customStrategy", "jenkinsPipelineStrategy")
_NOT_OFFERED = "not offered by this platform yet"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_STREAM_TAG = re.compile(r"[a-z0-9][a-z0-9._-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class SourceRules:
    """Which addresses source may come from: `schemes` in order of preference."""

    schemes: tuple[str, ...] = HTTPS_ONLY

    def config_errors(self, config: ApiObject) -> Sequence[Cause]:
        """Return every rule that a BuildConfig breaks."""
        spec = submap(config, "spec")
        wrong = self.spec_errors(spec, namespace_of(config))
        policy = text(spec, "runPolicy")
        if policy not in RUN_POLICIES:
            wrong.append(not_supported("spec.runPolicy", policy, RUN_POLICIES))
        for field in ("successfulBuildsHistoryLimit", "failedBuildsHistoryLimit"):
            wrong += not_negative(f"spec.{field}", number(spec, field))
        return wrong

    def build_errors(self, build: ApiObject) -> Sequence[Cause]:
        """Return every rule that a Build breaks.

        One that has left New is not checked again: its spec cannot change any more, and its end
        must be written also where an earlier release let something pass.
        """
        if phase_of(build) != NEW:
            return []
        return self.spec_errors(submap(build, "spec"), namespace_of(build))

    def spec_errors(self, spec: Json, namespace: str) -> list[Cause]:
        """Return every rule that the part breaks which both kinds have."""
        wrong = [
            *self._source_errors(submap(spec, "source")),
            *_strategy_errors(submap(spec, "strategy")),
            *_output_errors(submap(spec, "output"), namespace),
            *_hook_errors(submap(spec, "postCommit")),
            *_deadline_errors(number(spec, "completionDeadlineSeconds")),
        ]
        if commit := text(spec, "revision", "git", "commit"):
            wrong += invalid_all("spec.revision.git.commit", commit, commit_errors(commit))
        # as the pod's container will have them: a request may be above a limit that is a default
        resources = with_defaults(submap(spec, "resources"))
        return [*wrong, *requirements_errors(resources, "spec.resources")]

    def _source_errors(self, source: Json) -> list[Cause]:
        path = "spec.source"
        wrong = [
            forbidden(f"{path}.{field}", _NOT_OFFERED)
            for field in ("binary", "dockerfile", "images", "secrets", "configMaps")
            if source.get(field)
        ]
        if not submap(source, "git") and not wrong:
            wrong.append(required(f"{path}.git", "the source is a git repository"))
        if submap(source, "git"):
            wrong += self._git_errors(submap(source, "git"), f"{path}.git")
        folder = text(source, "contextDir")
        return [*wrong, *invalid_all(f"{path}.contextDir", folder, folder_errors(folder))]

    def _git_errors(self, git: Json, path: str) -> list[Cause]:
        uri, ref = text(git, "uri"), text(git, "ref")
        if not uri:
            return [required(f"{path}.uri")]
        wrong = invalid_all(f"{path}.uri", uri, uri_errors(uri, self.schemes))
        if ref:
            wrong += invalid_all(f"{path}.ref", ref, ref_errors(ref))
        return wrong


def commit_errors(commit: str) -> list[str]:
    """Check a commit's full name."""
    if _COMMIT.fullmatch(commit):
        return []
    return ["must be a commit's full name: 40 or 64 hexadecimal digits"]


def _strategy_errors(strategy: Json) -> list[Cause]:
    path = "spec.strategy"
    given = [name for name in STRATEGIES if strategy.get(name) is not None]
    if not given:
        return [required(path, f"one of {', '.join(STRATEGIES[:1])}")]
    if len(given) > 1:
        return [invalid(path, sorted(given), "may only set one strategy property")]
    if given[0] != OFFERED_STRATEGY:
        return [forbidden(f"{path}.{given[0]}", f"{_NOT_OFFERED}; sourceStrategy is")]
    return _source_strategy_errors(submap(strategy, OFFERED_STRATEGY), f"{path}.{OFFERED_STRATEGY}")


def _source_strategy_errors(strategy: Json, path: str) -> list[Cause]:
    wrong = reference_errors(submap(strategy, "from"), f"{path}.from", SOURCE_KINDS)
    for position, variable in enumerate(maps(strategy, "env")):
        wrong += _variable_errors(variable, f"{path}.env[{position}]")
    scripts = text(strategy, "scripts")
    if scripts and not scripts.startswith(("image:///", "http://", "https://")):
        wrong.append(
            invalid(f"{path}.scripts", scripts, "must begin with image:///, https:// or http://")
        )
    if values(strategy, "volumes"):
        wrong.append(forbidden(f"{path}.volumes", _NOT_OFFERED))
    return wrong


def _variable_errors(variable: Json, path: str) -> list[Cause]:
    name = text(variable, "name")
    wrong = invalid_all(f"{path}.name", name, env_name_errors(name))
    source = submap(variable, "valueFrom")
    for field in source:
        if field not in {"secretKeyRef", "configMapKeyRef"}:
            wrong.append(forbidden(f"{path}.valueFrom.{field}", _NOT_OFFERED))
    return wrong


def reference_errors(reference: Json, path: str, kinds: tuple[str, ...]) -> list[Cause]:
    """Return what is wrong with the reference to an image."""
    kind, name = text(reference, "kind"), text(reference, "name")
    wrong = []
    if kind not in kinds:
        wrong.append(not_supported(f"{path}.kind", kind, kinds))
    if not name:
        wrong.append(required(f"{path}.name"))
    elif kind == "ImageStreamTag" and not _STREAM_TAG.fullmatch(name):
        wrong.append(invalid(f"{path}.name", name, "must be in the form <stream>:<tag>"))
    elif name.startswith("-"):
        wrong.append(invalid(f"{path}.name", name, "must be an image reference"))
    return wrong


def _output_errors(output: Json, namespace: str) -> list[Cause]:
    to = submap(output, "to")
    if not to:
        return []
    path = "spec.output.to"
    wrong = reference_errors(to, path, ("ImageStreamTag",))
    other = text(to, "namespace")
    if other and other != namespace:
        wrong.append(forbidden(f"{path}.namespace", "an image goes to the build's own project"))
    return wrong


def _deadline_errors(deadline_s: int | None) -> list[Cause]:
    if deadline_s is None or 1 <= deadline_s <= DEADLINE_MAX_S:
        return []
    why = f"must be between 1 and {DEADLINE_MAX_S}, inclusive"
    return [invalid("spec.completionDeadlineSeconds", deadline_s, why)]


def _hook_errors(hook: Json) -> list[Cause]:
    if text(hook, "script") and values(hook, "command"):
        return [invalid("spec.postCommit", hook, "cannot use command and script together")]
    return []
