"""Rules for the names that a CustomResourceDefinition claims.

Source: k8s.io/apiextensions-apiserver/pkg/{apis/apiextensions/validation,apihelpers}.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from paas.apimachinery.fielderrors import invalid, required
from paas.core.errors import Cause
from paas.core.names import label_1035_errors, subdomain_errors
from paas.core.objects import ApiObject, name_of
from paas.core.shape import submap, text, values

APPROVED = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")
_NEEDED = ("plural", "singular", "kind", "listKind")
_PULL = "https://github.com/kubernetes/enhancements/pull/1111"


def object_name_errors(definition: ApiObject) -> Iterator[Cause]:
    """Check that the object is named after what it declares."""
    spec = submap(definition, "spec")
    wanted = f"{text(spec, 'names', 'plural')}.{text(spec, 'group')}"
    if name_of(definition) != wanted:
        why = 'must be spec.names.plural+"."+spec.group'
        yield invalid("metadata.name", name_of(definition), why)


def group_errors(group: str) -> Iterator[Cause]:
    """Check spec.group."""
    if not group:
        yield required("spec.group")
    elif wrong := subdomain_errors(group):
        yield invalid("spec.group", group, ",".join(wrong))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def names_errors(names: Mapping[str, Any], path: str) -> Iterator[Cause]:
    """Check spec.names or status.acceptedNames; what is empty is not looked at."""
    for key in ("plural", "singular"):
        word = text(names, key)
        if word and (wrong := label_1035_errors(word)):
            yield invalid(f"{path}.{key}", word, ",".join(wrong))
    for key in ("kind", "listKind"):
        word = text(names, key)
        if word and (wrong := label_1035_errors(word.lower())):
            why = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            yield invalid(f"{path}.{key}", word, why)
    yield from _words_errors(values(names, "shortNames"), f"{path}.shortNames")
    kind = text(names, "kind")
    if kind and kind == text(names, "listKind"):
        yield invalid(f"{path}.listKind", kind, "kind and listKind may not be the same")
    yield from _words_errors(values(names, "categories"), f"{path}.categories")


def _words_errors(words: list[str], path: str) -> Iterator[Cause]:
    for place, word in enumerate(words):
        if wrong := label_1035_errors(word):
            yield invalid(f"{path}[{place}]", word, ",".join(wrong))


def needed_names_errors(names: Mapping[str, Any]) -> Iterator[Cause]:
    """Check that spec.names has what must be there."""
    for key in _NEEDED:
        if not text(names, key):
            yield required(f"spec.names.{key}")


def approval_errors(new: ApiObject, old: ApiObject | None) -> list[Cause]:
    """Check the annotation that groups of the Kubernetes community need."""
    state, before = approval_of(new), approval_of(old or {})
    if state is None or (before is not None and before[0] == state[0]):
        return []
    kind, why = state
    path = f"metadata.annotations[{APPROVED}]"
    if kind == "missing":
        return [required(path, why)]
    return [invalid(path, _annotation(new), why)] if kind == "invalid" else []


def _annotation(definition: ApiObject) -> str:
    return text(definition, "metadata", "annotations", APPROVED)


def approval_of(definition: ApiObject) -> tuple[str, str] | None:
    """Return missing, invalid, bypassed or approved, and what is wrong; None for other groups."""
    group = text(definition, "spec", "group")
    if not any(group == one or group.endswith(f".{one}") for one in _PROTECTED):
        return None
    value = _annotation(definition)
    must = f'protected groups must have approval annotation "{APPROVED}"'
    if not value:
        return "missing", f"{must}, see {_PULL}"
    if value.startswith("unapproved"):
        return "bypassed", ""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme and parts.netloc:
        return "approved", ""
    reason = 'with either a URL or a reason starting with "unapproved"'
    return "invalid", f"{must} {reason}, see {_PULL}"
