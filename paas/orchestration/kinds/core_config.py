"""core/v1 ConfigMap, Secret and ServiceAccount."""

import base64
import binascii
import json

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.fielderrors import (
    forbidden,
    immutable,
    invalid,
    invalid_all,
    required,
    too_long,
)
from paas.apimachinery.kinds import Column, Kind, Subresource
from paas.core.errors import Cause
from paas.core.names import config_key_errors, subdomain_errors
from paas.core.objects import ApiObject, annotations_of
from paas.core.shape import default, submap, text, values
from paas.orchestration.kinds.token_requests import token_request

DATA_MAX_BYTES = 1024 * 1024
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
_REDACTED = "<secret contents redacted>"
_LOCKED = "field is immutable when `immutable` is set"
_JSON_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


def _config_map_errors(obj: ApiObject) -> list[Cause]:
    plain, binary = submap(obj, "data"), submap(obj, "binaryData")
    wrong = [
        cause
        for field in ("data", "binaryData")
        for key in submap(obj, field)
        for cause in invalid_all(f"{field}[{key}]", key, config_key_errors(key))
    ]
    wrong += [
        invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
        for key in plain
        if key in binary
    ]
    size = sum(len(value.encode()) for value in plain.values())
    size += sum(len(_decoded(value)) for value in binary.values())
    return [*wrong, too_long("", DATA_MAX_BYTES)] if size > DATA_MAX_BYTES else wrong


def _locked_errors(new: ApiObject, old: ApiObject, *fields: str) -> list[Cause]:
    if not old.get("immutable"):
        return []
    wrong = [] if new.get("immutable") else [forbidden("immutable", _LOCKED)]
    changed = [field for field in fields if submap(new, field) != submap(old, field)]
    return [*wrong, *(forbidden(field, _LOCKED) for field in changed)]


def _config_map_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    return _locked_errors(new, old, "data", "binaryData")


def _default_secret(obj: ApiObject) -> None:
    default(obj, "type", "Opaque")
    plain = submap(obj, "stringData")
    if plain:  # a write-only convenience: merged into data, never stored
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        obj["data"] = {**submap(obj, "data"), **encoded}
    obj.pop("stringData", None)


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _secret_errors(obj: ApiObject) -> list[Cause]:
    data = submap(obj, "data")
    wrong = [
        cause for key in data for cause in invalid_all(f"data[{key}]", key, config_key_errors(key))
    ]
    if sum(len(_decoded(value)) for value in data.values()) > DATA_MAX_BYTES:
        wrong.append(too_long("data", DATA_MAX_BYTES))
    return [*wrong, *_typed_errors(obj, text(obj, "type"), set(data))]


def _typed_errors(obj: ApiObject, kind: str, keys: set[str]) -> list[Cause]:
    if kind == "kubernetes.io/service-account-token":
        path = f"metadata.annotations[{ACCOUNT_ANNOTATION}]"
        return [] if annotations_of(obj).get(ACCOUNT_ANNOTATION) else [required(path)]
    if kind in _JSON_KEYS:
        return _json_errors(submap(obj, "data"), _JSON_KEYS[kind])
    if kind == "kubernetes.io/basic-auth":
        wanted = ("username", "password")
        return [] if keys & set(wanted) else [required(f"data[{key}]") for key in wanted]
    if kind == "kubernetes.io/ssh-auth":
        filled = bool(text(obj, "data", "ssh-privatekey"))
        return [] if filled else [required("data[ssh-privatekey]")]
    if kind == "kubernetes.io/tls":
        return [required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in keys]
    return []


def _json_errors(data: dict[str, str], key: str) -> list[Cause]:
    if key not in data:
        return [required(f"data[{key}]")]
    try:
        found = json.loads(_decoded(data[key]))
    except (ValueError, UnicodeDecodeError) as error:
        return [invalid(f"data[{key}]", _REDACTED, str(error))]
    return [] if isinstance(found, dict) else [invalid(f"data[{key}]", _REDACTED, "not an object")]


def _secret_update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    return [
        *immutable("type", new.get("type"), old.get("type")),
        *_locked_errors(new, old, "data"),
    ]


def _pairs(obj: ApiObject) -> int:
    return len(submap(obj, "data")) + len(submap(obj, "binaryData"))


CONFIG_MAP = Kind(
    group="",
    version="v1",
    kind="ConfigMap",
    plural="configmaps",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.ConfigMap",
    short_names=("cm",),
    generation=False,
    validate=_config_map_errors,
    validate_update=_config_map_update_errors,
    columns=(NAME, Column("Data", _pairs, "string", "How many keys it has."), AGE),
)

SECRET = Kind(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.Secret",
    generation=False,
    default=_default_secret,
    validate=_secret_errors,
    validate_update=_secret_update_errors,
    fields=lambda obj: {"type": text(obj, "type")},
    sealed=("data",),
    columns=(
        NAME,
        Column("Type", lambda obj: text(obj, "type"), "string", "What kind of secret it is."),
        Column("Data", lambda obj: len(submap(obj, "data")), "string", "How many keys it has."),
        AGE,
    ),
)

SERVICE_ACCOUNT = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    returns_deleted=True,
    name_errors=subdomain_errors,
    schema="io.k8s.api.core.v1.ServiceAccount",
    short_names=("sa",),
    generation=False,
    subresources=(
        Subresource(
            "token",
            ("create",),
            ("authentication.k8s.io", "v1", "TokenRequest"),
            token_request,
            dry_run=True,
        ),
    ),
    columns=(
        NAME,
        Column(
            "Secrets", lambda obj: len(values(obj, "secrets")), "string", "Secrets pods may use."
        ),
        AGE,
    ),
)

KINDS = (CONFIG_MAP, SECRET, SERVICE_ACCOUNT)
