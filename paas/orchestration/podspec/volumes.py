"""Rules for volumes and their mounts.

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidateVolumes, ValidateVolumeMounts).
"""

from collections.abc import Collection

from paas.apimachinery.fielderrors import (
    duplicate,
    forbidden,
    invalid,
    invalid_all,
    not_found,
    not_supported,
    required,
)
from paas.core.errors import Cause
from paas.core.names import label_errors
from paas.core.quantities import RULE, parse_quantity
from paas.core.shape import Json, maps, number, submap, text
from paas.orchestration.podspec.environment import (
    VOLUME_FIELDS,
    field_ref_errors,
    resource_ref_errors,
)

_MODE_MAX = 0o777
_MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive"
_TOKEN_MIN_S = 600
_TOKEN_MAX_S = 1 << 32
_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_CONFLICT = "conflicting duplicate paths"


def volumes_errors(spec: Json, path: str) -> tuple[set[str], list[Cause]]:
    """Return the names that mounts may use, and every rule broken."""
    names: set[str] = set()
    wrong: list[Cause] = []
    for position, volume in enumerate(maps(spec, "volumes")):
        at, name = f"{path}[{position}]", text(volume, "name")
        found = [*_source_errors(volume, at), *_name_errors(name, f"{at}.name")]
        if name in names:
            found.append(duplicate(f"{at}.name", name))
        if not found:
            names.add(name)
        wrong += found
    return names, wrong


def _name_errors(name: str, path: str) -> list[Cause]:
    return invalid_all(path, name, label_errors(name)) if name else [required(path)]


def _source_errors(volume: Json, path: str) -> list[Cause]:
    sources = [field for field in volume if field != "name" and volume[field] is not None]
    if not sources:
        return [required(path, "must specify a volume type")]
    more = "may not specify more than 1 volume type"
    wrong = [forbidden(f"{path}.{field}", more) for field in sources[1:]]
    source, at = submap(volume, sources[0]), f"{path}.{sources[0]}"
    return [*wrong, *_one_source_errors(sources[0], source, at)]


def _one_source_errors(field: str, source: Json, path: str) -> list[Cause]:
    if field == "emptyDir":
        return _empty_dir_errors(source, path)
    if field in {"secret", "configMap"}:
        return _files_errors(source, path, "secretName" if field == "secret" else "name")
    if field == "persistentVolumeClaim":
        return [] if text(source, "claimName") else [required(f"{path}.claimName")]
    if field == "hostPath":
        return _host_path_errors(source, path)
    if field == "downwardAPI":
        items = maps(source, "items")
        wrong = _mode_errors(source, "defaultMode", path)
        return wrong + [cause for item in items for cause in _downward_errors(item, path)]
    return _projected_errors(source, path) if field == "projected" else []


def _empty_dir_errors(source: Json, path: str) -> list[Cause]:
    limit = source.get("sizeLimit")
    try:
        negative = limit is not None and parse_quantity(limit) < 0
    except ValueError:
        return [invalid(f"{path}.sizeLimit", limit, RULE)]
    why = "SizeLimit field must be a valid resource quantity"
    return [forbidden(f"{path}.sizeLimit", why)] if negative else []


def _files_errors(source: Json, path: str, name_field: str) -> list[Cause]:
    wrong = [] if text(source, name_field) else [required(f"{path}.{name_field}")]
    return [*wrong, *_mode_errors(source, "defaultMode", path), *_items_errors(source, path)]


def _items_errors(source: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    for position, item in enumerate(maps(source, "items")):
        at = f"{path}.items[{position}]"
        wrong += [required(f"{at}.{field}") for field in ("key", "path") if not text(item, field)]
        wrong += _file_path_errors(text(item, "path"), f"{at}.path")
        wrong += _mode_errors(item, "mode", at)
    return wrong


def _mode_errors(source: Json, field: str, path: str) -> list[Cause]:
    mode = number(source, field)
    if mode is None or 0 <= mode <= _MODE_MAX:
        return []
    return [invalid(f"{path}.{field}", mode, _MODE_RULE)]


def _host_path_errors(source: Json, path: str) -> list[Cause]:
    wrong = [] if text(source, "path") else [required(f"{path}.path")]
    wrong += _backstep_errors(text(source, "path"), f"{path}.path")
    kind = source.get("type") or ""
    if kind not in _HOST_PATH_TYPES:
        wrong.append(not_supported(f"{path}.type", kind, _HOST_PATH_TYPES))
    return wrong


def _downward_errors(item: Json, path: str) -> list[Cause]:
    file = text(item, "path")
    wrong = [] if file else [required(f"{path}.path")]
    wrong += [*_file_path_errors(file, f"{path}.path"), *_mode_errors(item, "mode", path)]
    if item.get("fieldRef") is not None:
        wrong += field_ref_errors(submap(item, "fieldRef"), f"{path}.fieldRef", VOLUME_FIELDS)
        if item.get("resourceFieldRef") is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            wrong.append(invalid(path, "resource", why))
    elif item.get("resourceFieldRef") is not None:
        reference = submap(item, "resourceFieldRef")
        wrong += resource_ref_errors(reference, f"{path}.resourceFieldRef", volume=True)
    else:
        wrong.append(required(path, "one of fieldRef and resourceFieldRef is required"))
    return wrong


def _projected_errors(source: Json, path: str) -> list[Cause]:
    wrong = _mode_errors(source, "defaultMode", path)
    taken: set[str] = set()
    for position, projection in enumerate(maps(source, "sources")):
        at = f"{path}.sources[{position}]"
        wrong += _projection_errors(projection, at)
        for file, shown in _paths_of(projection):
            if file in taken:
                wrong.append(invalid(path, shown, _CONFLICT))
            taken.add(file)
    return wrong


def _projection_errors(source: Json, path: str) -> list[Cause]:
    given = [field for field in source if source[field] is not None]
    wrong: list[Cause] = []
    for field in ("secret", "configMap"):
        if field in given:
            at = f"{path}.{field}"
            wrong += [] if text(source, field, "name") else [required(f"{at}.name")]
            wrong += _items_errors(submap(source, field), at)
    for item in maps(source, "downwardAPI", "items"):
        wrong += _downward_errors(item, f"{path}.downwardAPI")
    if "serviceAccountToken" in given:
        token = submap(source, "serviceAccountToken")
        wrong += _token_errors(token, f"{path}.serviceAccountToken")
    if len(given) > 1:
        wrong.append(forbidden(path, "may not specify more than 1 volume type"))
    return wrong


def _token_errors(token: Json, path: str) -> list[Cause]:
    expiry, wrong = number(token, "expirationSeconds") or 0, []
    if expiry < _TOKEN_MIN_S:
        why = "may not specify a duration less than 10 minutes"
        wrong.append(invalid(f"{path}.expirationSeconds", expiry, why))
    if expiry > _TOKEN_MAX_S:
        why = "may not specify a duration larger than 2^32 seconds"
        wrong.append(invalid(f"{path}.expirationSeconds", expiry, why))
    file = text(token, "path")
    return [
        *wrong,
        *(_file_path_errors(file, f"{path}.path") if file else [required(f"{path}.path")]),
    ]


def _paths_of(source: Json) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field in ("secret", "configMap"):
        name = text(source, field, "name")
        found += [(text(item, "path"), name) for item in maps(source, field, "items")]
    found += [
        (text(item, "path"), text(item, "path")) for item in maps(source, "downwardAPI", "items")
    ]
    if token := text(source, "serviceAccountToken", "path"):
        found.append((token, token))
    return [pair for pair in found if pair[0]]


def mounts_errors(container: Json, volumes: Collection[str], path: str) -> list[Cause]:
    """Check `volumeMounts` of a container against the volumes of its pod."""
    wrong: list[Cause] = []
    taken: set[str] = set()
    for position, mount in enumerate(maps(container, "volumeMounts")):
        at, where = f"{path}[{position}]", text(mount, "mountPath")
        wrong += _mount_name_errors(text(mount, "name"), volumes, f"{at}.name")
        if not where:
            wrong.append(required(f"{at}.mountPath"))
        if where in taken:
            wrong.append(invalid(f"{at}.mountPath", where, "must be unique"))
        taken.add(where)
        wrong += _subpath_errors(mount, at)
        wrong += _propagation_errors(mount, container, at)
    return wrong


def _mount_name_errors(name: str, volumes: Collection[str], path: str) -> list[Cause]:
    wrong = [] if name else [required(path)]
    return wrong if name in volumes else [*wrong, not_found(path, name)]


def _subpath_errors(mount: Json, path: str) -> list[Cause]:
    plain, expression = text(mount, "subPath"), text(mount, "subPathExpr")
    wrong = _descending_errors(plain, f"{path}.subPath") if plain else []
    if expression:
        if plain:
            why = "subPathExpr and subPath are mutually exclusive"
            wrong.append(invalid(f"{path}.subPathExpr", expression, why))
        wrong += _descending_errors(expression, f"{path}.subPathExpr")
    return wrong


def _propagation_errors(mount: Json, container: Json, path: str) -> list[Cause]:
    propagation = mount.get("mountPropagation")
    if propagation is None:
        return []
    at = f"{path}.mountPropagation"
    if propagation not in _PROPAGATIONS:
        return [not_supported(at, propagation, _PROPAGATIONS)]
    privileged = submap(container, "securityContext").get("privileged")
    if propagation == "Bidirectional" and not privileged:
        why = "Bidirectional mount propagation is available only to privileged containers"
        return [forbidden(at, why)]
    return []


def _descending_errors(target: str, path: str) -> list[Cause]:
    wrong = [invalid(path, target, "must be a relative path")] if target.startswith("/") else []
    return [*wrong, *_backstep_errors(target, path)]


def _backstep_errors(target: str, path: str) -> list[Cause]:
    return [invalid(path, target, "must not contain '..'")] if ".." in target.split("/") else []


def _file_path_errors(target: str, path: str) -> list[Cause]:
    wrong = _descending_errors(target, path)
    if target.startswith("..") and not target.startswith("../"):
        wrong.append(invalid(path, target, "must not start with '..'"))
    return wrong
