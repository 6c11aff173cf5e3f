"""Rules for a CustomResourceDefinition as a whole.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paas.apimachinery.custom.kinds import is_established
from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
    not_supported,
    required,
)
from paas.core.errors import Cause
from paas.core.objects import ApiObject
from paas.core.shape import maps, submap, text, values
from paas.orchestration.kinds.definition_names import (
    approval_errors,
    group_errors,
    names_errors,
    needed_names_errors,
    object_name_errors,
)
from paas.orchestration.kinds.definition_versions import version_errors

_SCOPES = ("Cluster", "Namespaced")
_STRATEGIES = ("None", "Webhook")


def definition_errors(definition: ApiObject) -> list[Cause]:
    """Return every rule that a definition breaks by itself."""
    return [
        *object_name_errors(definition),
        *_spec_errors(submap(definition, "spec")),
        *names_errors(submap(definition, "status", "acceptedNames"), "status.acceptedNames"),
        *_stored_errors(definition),
    ]


def definition_create_errors(definition: ApiObject) -> list[Cause]:
    """Return the rules that only a new definition can break."""
    return [*approval_errors(definition, None), *_preserving_errors(definition)]


def definition_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    """Return every rule that a change breaks."""
    wrong: list[Cause] = []
    after, before = submap(new, "spec"), submap(old, "spec")
    fixed = [("group",), ("names", "plural")]
    if is_established(old):
        fixed = [("scope",), ("names", "kind"), *fixed]
    for path in fixed:
        at = ".".join(("spec", *path))
        wrong += immutable(at, text(after, *path), text(before, *path))
    if not before.get("preserveUnknownFields"):
        wrong += _preserving_errors(new)
    return [*wrong, *approval_errors(new, old)]


def _preserving_errors(definition: ApiObject) -> list[Cause]:
    if not submap(definition, "spec").get("preserveUnknownFields"):
        return []
    why = (
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
        "spec.versions[*].schema instead"
    )
    return [invalid("spec.preserveUnknownFields", True, why)]


def _spec_errors(spec: Mapping[str, Any]) -> Iterator[Cause]:
    yield from group_errors(text(spec, "group"))
    yield from _one_of(text(spec, "scope"), _SCOPES, "spec.scope")
    versions = maps(spec, "versions")
    for place, version in enumerate(versions):
        if submap(version, "schema").get("openAPIV3Schema") is None:
            yield required(f"spec.versions[{place}].schema.openAPIV3Schema")
    for place, version in enumerate(versions):
        yield from version_errors(version, f"spec.versions[{place}]")
    names = [text(version, "name") for version in versions]
    if len(set(names)) != len(names):
        yield invalid("spec.versions", versions, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        why = "must have exactly one version marked as storage version"
        yield invalid("spec.versions", versions, why)
    yield from needed_names_errors(submap(spec, "names"))
    yield from names_errors(submap(spec, "names"), "spec.names")
    yield from _conversion_errors(submap(spec, "conversion"))


def _one_of(value: str, offered: tuple[str, ...], path: str) -> Iterator[Cause]:
    if not value:
        yield required(path)
    elif value not in offered:
        yield not_supported(path, value, offered)


def _conversion_errors(conversion: Mapping[str, Any]) -> Iterator[Cause]:
    strategy = text(conversion, "strategy")
    yield from _one_of(strategy, _STRATEGIES, "spec.conversion.strategy")
    if strategy == "Webhook":
        why = (
            "conversion by webhook is not offered by this platform yet; use None, and versions "
            "that differ in name only"
        )
        yield forbidden("spec.conversion.strategy", why)
    elif conversion.get("webhook") is not None:
        at = "spec.conversion.webhookClientConfig"
        if conversion["webhook"].get("clientConfig") is not None:
            yield forbidden(at, "should not be set when strategy is not set to Webhook")
        if conversion["webhook"].get("conversionReviewVersions"):
            at = "spec.conversion.conversionReviewVersions"
            yield forbidden(at, "should not be set when strategy is not set to Webhook")


def _stored_errors(definition: ApiObject) -> Iterator[Cause]:
    path = "status.storedVersions"
    stored = values(definition, "status", "storedVersions")
    versions = maps(definition, "spec", "versions")
    if not stored:
        yield invalid(path, stored, "must have at least one stored version")
        return
    names = {text(version, "name") for version in versions}
    for version in versions:
        name = text(version, "name")
        if version.get("storage") and name not in stored:
            yield invalid(path, stored, f"must have the storage version {name}")
    for place, name in enumerate(stored):
        if name not in names:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must "
                "remain in spec.versions until a storage migration ensures no data remains "
                f"persisted in {name} and removes {name} from status.storedVersions"
            )
            yield invalid(f"{path}[{place}]", name, why)
