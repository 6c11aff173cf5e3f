"""The checks that the level "restricted" adds: current best practice for a pod.

Source: Kubernetes, "Pod Security Standards", Restricted, as of v1.35.
"""

from paas.core.shape import Json, maps, submap, text, values
from paas.orchestration.admission.baseline import (
    BASELINE_CHECKS,
    is_user_namespaced,
    masked_proc_mount,
    seccomp,
)
from paas.orchestration.admission.violations import (
    Check,
    Violation,
    containers_text,
    names_where,
    plural,
    quoted,
    setters_text,
)
from paas.orchestration.podspec import containers_of

PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_MAY_ADD = "NET_BIND_SERVICE"


def _escalation(_: Json, spec: Json) -> Violation | None:
    names = names_where(
        spec,
        lambda one: submap(one, "securityContext").get("allowPrivilegeEscalation") is not False,
    )
    if not names:
        return None
    detail = f"{containers_text(names)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def _capabilities(_: Json, spec: Json) -> Violation | None:
    def of(container: Json, field: str) -> list[str]:
        return values(container, "securityContext", "capabilities", field)

    def extra(container: Json) -> set[str]:
        return set(of(container, "add")) - {_MAY_ADD}

    keeping = names_where(spec, lambda one: "ALL" not in of(one, "drop"))
    adding = names_where(spec, lambda one: bool(extra(one)))
    details = []
    if keeping:
        rule = 'must set securityContext.capabilities.drop=["ALL"]'
        details.append(f"{containers_text(keeping)} {rule}")
    if adding:
        added = sorted(set().union(*(extra(one) for one in containers_of(spec))))
        rule = f"must not include {quoted(added)} in securityContext.capabilities.add"
        details.append(f"{containers_text(adding)} {rule}")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _proc_mount(_: Json, spec: Json) -> Violation | None:
    return masked_proc_mount(spec)


def _volumes(_: Json, spec: Json) -> Violation | None:
    bad = [volume for volume in maps(spec, "volumes") if not volume.keys() & _VOLUMES]
    if not bad:
        return None
    names = [text(volume, "name") for volume in bad]
    kinds = sorted({next(iter(volume.keys() - {"name"}), "unknown") for volume in bad})
    uses = "uses" if len(names) == 1 else "use"
    detail = (
        f"{plural('volume', len(names))} {quoted(names)} {uses} restricted volume "
        f"{plural('type', len(kinds))} {quoted(kinds)}"
    )
    return Violation("restricted volume types", detail)


def _non_root(_: Json, spec: Json) -> Violation | None:
    if is_user_namespaced(spec):
        return None

    def said(holder: Json) -> bool | None:
        return submap(holder, "securityContext").get("runAsNonRoot")

    refusing = names_where(spec, lambda one: said(one) is False)
    if refusing or said(spec) is False:
        who = setters_text(pod=said(spec) is False, names=refusing)
        detail = f"{who} must not set securityContext.runAsNonRoot=false"
        return Violation("runAsNonRoot != true", detail)
    silent = names_where(spec, lambda one: said(one) is None) if not said(spec) else []
    if not silent:
        return None
    detail = f"pod or {containers_text(silent)} must set securityContext.runAsNonRoot=true"
    return Violation("runAsNonRoot != true", detail)


def _non_root_user(_: Json, spec: Json) -> Violation | None:
    if is_user_namespaced(spec):
        return None

    def is_root(holder: Json) -> bool:
        user = submap(holder, "securityContext").get("runAsUser")
        return user == 0 and user is not False

    names = names_where(spec, is_root)
    if not names and not is_root(spec):
        return None
    who = setters_text(pod=is_root(spec), names=names)
    return Violation("runAsUser=0", f"{who} must not set runAsUser=0")


def _seccomp(metadata: Json, spec: Json) -> Violation | None:
    if bad := seccomp(metadata, spec):
        return bad

    def is_silent(holder: Json) -> bool:
        return submap(holder, "securityContext").get("seccompProfile") is None

    names = names_where(spec, is_silent) if is_silent(spec) else []
    if not names:
        return None
    detail = (
        f"pod or {containers_text(names)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"'
    )
    return Violation("seccompProfile", detail)


RESTRICTED_CHECKS: dict[str, Check] = {
    "allowPrivilegeEscalation": _escalation,
    "capabilities_restricted": _capabilities,
    "procMount_restricted": _proc_mount,
    "restrictedVolumes": _volumes,
    "runAsNonRoot": _non_root,
    "runAsUser": _non_root_user,
    "seccompProfile_restricted": _seccomp,
}
_STRICTER = frozenset(
    {"capabilities_baseline", "hostPathVolumes", "procMount", "seccompProfile_baseline"}
)
"""Checks of baseline that a check above replaces."""


def violations(level: str, metadata: Json, spec: Json) -> list[Violation]:
    """Return every check of the level that fails: baseline's first, as upstream orders them."""
    checks: dict[str, Check] = {}
    if level == BASELINE:
        checks = BASELINE_CHECKS
    elif level == RESTRICTED:
        kept = {name: one for name, one in BASELINE_CHECKS.items() if name not in _STRICTER}
        checks = {**kept, **RESTRICTED_CHECKS}
    found = (check(metadata, spec) for check in checks.values())
    return [violation for violation in found if violation is not None]
