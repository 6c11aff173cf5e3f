"""Which form of answer a client accepts: JSON, YAML or protobuf, whole or as a Table.

JSON is preferred wherever the client takes it, in whatever place: it is what is stored.
Source: k8s.io/apiserver/pkg/endpoints/handlers/negotiation.
"""

from dataclasses import dataclass
from functools import lru_cache

from paas.core.errors import NotAcceptableError, UnsupportedMediaTypeError

_FORMS = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/vnd.kubernetes.protobuf": "protobuf",
    "*/*": "json",
    "application/*": "json",
}
_TRANSFORMS = frozenset({"Table", "PartialObjectMetadata", "PartialObjectMetadataList"})
_META_VERSIONS = frozenset({"v1", "v1beta1"})
_ACCEPTED_CUSTOM = "application/json, application/yaml"
_ACCEPTED = f"{_ACCEPTED_CUSTOM}, application/vnd.kubernetes.protobuf"
_CACHED = 256


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form to answer in. `transform` is empty, Table, PartialObjectMetadata or …List."""

    form: str = "json"
    transform: str = ""
    version: str = ""

    @property
    def plain(self) -> bool:
        """Say whether the stored text can be sent as it is."""
        return self.form == "json" and not self.transform


PLAIN = Accepted()


@lru_cache(maxsize=_CACHED)
def accepted(header: bytes) -> Accepted:
    """Return the form of an object or list. Raises NotAcceptableError."""
    found = [one for text in _by_preference(header) if (one := _offer(text)) is not None]
    if not found:
        raise _not_acceptable()
    return next((one for one in found if one.form == "json"), found[0])


@lru_cache(maxsize=_CACHED)
def accepted_stream(header: bytes) -> Accepted:
    """Return the form of a watch, which is always JSON. Raises NotAcceptableError."""
    if (found := accepted(header)).form != "json":
        raise NotAcceptableError("only the following media types are accepted: application/json")
    return found


def _not_acceptable() -> NotAcceptableError:
    return NotAcceptableError(f"only the following media types are accepted: {_ACCEPTED}")


def _by_preference(header: bytes) -> list[str]:
    clauses = [text.strip() for text in header.decode("latin-1").split(",") if text.strip()]
    return sorted(clauses, key=lambda text: -_quality(text)) or ["*/*"]


def _quality(clause: str) -> float:
    try:
        return float(_parameters(clause)[1].get("q", "1"))
    except ValueError:
        return 0.0


def _parameters(clause: str) -> tuple[str, dict[str, str]]:
    media_type, *pieces = (piece.strip() for piece in clause.split(";"))
    pairs = (piece.partition("=") for piece in pieces)
    return media_type.lower(), {key.strip(): value.strip() for key, _, value in pairs}


def _offer(clause: str) -> Accepted | None:
    """Return what one clause of Accept asks for; None where it is not offered here."""
    media_type, given = _parameters(clause)
    form = _FORMS.get(media_type)
    if form is None or given.get("stream", "watch") != "watch":
        return None
    if "as" not in given:
        return Accepted(form)
    known = given["as"] in _TRANSFORMS and given.get("v") in _META_VERSIONS
    if not known or given.get("g") != "meta.k8s.io":
        return None
    return Accepted(form, given["as"], given["v"])


@lru_cache(maxsize=_CACHED)
def body_form(header: bytes, *, is_custom: bool = False) -> str:
    """Return json, yaml or protobuf for a Content-Type. Raises UnsupportedMediaTypeError.

    Custom resources have no protobuf: no numbers are declared for their fields.
    """
    media_type, _ = _parameters(header.decode("latin-1"))
    form = _FORMS.get(media_type or "application/json")
    if form is None or "*" in media_type or (is_custom and form == "protobuf"):
        raise UnsupportedMediaTypeError(
            "the body of the request was in an unknown format - accepted media types include: "
            + (_ACCEPTED_CUSTOM if is_custom else _ACCEPTED)
        )
    return form


_PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


@lru_cache(maxsize=_CACHED)
def patch_form(header: bytes, *, is_custom: bool = False) -> str:
    """Return json, merge, strategic or apply. Raises UnsupportedMediaTypeError.

    Custom resources have no strategic merge: their schemas say nothing of how lists are merged so.
    """
    media_type, _ = _parameters(header.decode("latin-1"))
    offered = [one for one, form in _PATCHES.items() if not is_custom or form != "strategic"]
    if media_type not in offered:
        raise UnsupportedMediaTypeError(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(offered)
        )
    return _PATCHES[media_type]
