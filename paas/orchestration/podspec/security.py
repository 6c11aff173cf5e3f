"""Rules for the security contexts of pods and containers (what is allowed is Pod Security's).

Source: k8s.io/kubernetes/pkg/apis/core/validation (ValidateSecurityContext).
"""

import re

from paas.apimachinery.fielderrors import duplicate, invalid, not_supported, required
from paas.core.errors import Cause
from paas.core.shape import Json, maps, number, submap, text, values

_ID_MAX = 2**31 - 1
_ID_RULE = f"must be between 0 and {_ID_MAX}, inclusive"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")
_FS_GROUP_POLICIES = ("Always", "OnRootMismatch")
_GROUP_POLICIES = ("Merge", "Strict")
_PROC_MOUNTS = ("Default", "Unmasked")
_SYSCTL_MAX = 253
_SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"


def pod_security_errors(context: Json, spec: Json, path: str) -> list[Cause]:
    """Check `spec.securityContext`."""
    wrong = _ids_errors(context, ("fsGroup", "runAsUser", "runAsGroup"), path)
    for position, group in enumerate(values(context, "supplementalGroups")):
        if not _is_id(group):
            wrong.append(invalid(f"{path}.supplementalGroups[{position}]", group, _ID_RULE))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        wrong.append(invalid(f"{path}.shareProcessNamespace", True, why))
    wrong += _sysctls_errors(context, f"{path}.sysctls")
    wrong += _choice_errors(context, "fsGroupChangePolicy", _FS_GROUP_POLICIES, path)
    wrong += _choice_errors(context, "supplementalGroupsPolicy", _GROUP_POLICIES, path)
    return [*wrong, *_profiles_errors(context, path)]


def container_security_errors(context: Json, path: str, *, host_users: bool) -> list[Cause]:
    """Check `securityContext` of a container."""
    wrong = _ids_errors(context, ("runAsUser", "runAsGroup"), path)
    wrong += _choice_errors(context, "procMount", _PROC_MOUNTS, path)
    if host_users and context.get("procMount") == "Unmasked":
        why = "`hostUsers` must be false to use `Unmasked`"
        wrong.append(invalid(f"{path}.procMount", "Unmasked", why))
    wrong += _profiles_errors(context, path)
    if context.get("allowPrivilegeEscalation") is False:
        wrong += _escalation_errors(context, path)
    return wrong


def _escalation_errors(context: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    rule = "cannot set `allowPrivilegeEscalation` to false and"
    if context.get("privileged"):
        wrong.append(invalid(path, context, f"{rule} `privileged` to true"))
    if "CAP_SYS_ADMIN" in values(context, "capabilities", "add"):
        wrong.append(invalid(path, context, f"{rule} `capabilities.Add` CAP_SYS_ADMIN"))
    return wrong


def _is_id(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= _ID_MAX


def _ids_errors(context: Json, fields: tuple[str, ...], path: str) -> list[Cause]:
    return [
        invalid(f"{path}.{field}", number(context, field), _ID_RULE)
        for field in fields
        if context.get(field) is not None and not _is_id(context[field])
    ]


def _choice_errors(context: Json, field: str, choices: tuple[str, ...], path: str) -> list[Cause]:
    value = context.get(field)
    if value is None or value in choices:
        return []
    return [not_supported(f"{path}.{field}", value, choices)]


def _profiles_errors(context: Json, path: str) -> list[Cause]:
    return [
        *_profile_errors(context, "seccompProfile", "seccomp", path),
        *_profile_errors(context, "appArmorProfile", "AppArmor", path),
    ]


def _profile_errors(context: Json, field: str, words: str, path: str) -> list[Cause]:
    if context.get(field) is None:
        return []
    profile, at = submap(context, field), f"{path}.{field}"
    kind, local = text(profile, "type"), text(profile, "localhostProfile")
    if not kind:
        return [required(f"{at}.type", f"type is required when {field} is set")]
    if kind not in _PROFILES:
        return [not_supported(f"{at}.type", kind, _PROFILES)]
    if kind != "Localhost":
        why = f"can only be set when {words} type is Localhost"
        return [invalid(f"{at}.localhostProfile", profile, why)] if local else []
    if not local:
        why = f"must be set when {words} type is Localhost"
        return [required(f"{at}.localhostProfile", why)]
    return _local_path_errors(local, f"{at}.localhostProfile")


def _local_path_errors(local: str, path: str) -> list[Cause]:
    if local.startswith("/"):
        return [invalid(path, local, "must be a relative path")]
    return [invalid(path, local, "must not contain '..'")] if ".." in local.split("/") else []


def _sysctls_errors(context: Json, path: str) -> list[Cause]:
    wrong: list[Cause] = []
    names: set[str] = set()
    for position, setting in enumerate(maps(context, "sysctls")):
        name, at = text(setting, "name"), f"{path}[{position}].name"
        if not name:
            wrong.append(required(at))
        elif len(name) > _SYSCTL_MAX or not re.fullmatch(_SYSCTL, name):
            why = f"must have at most {_SYSCTL_MAX} characters and match regex ^{_SYSCTL}$"
            wrong.append(invalid(at, name, why))
        elif name in names:
            wrong.append(duplicate(at, name))
        names.add(name)
    return wrong
