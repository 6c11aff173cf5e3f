"""The checks of the level "baseline": what would lead from a pod to the machine.

Source: Kubernetes, "Pod Security Standards", Baseline, as of v1.35.
"""

from paas.core.shape import Json, maps, submap, text, values
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

CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_SELINUX_TYPES = frozenset(
    {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
_PROFILES = frozenset({"RuntimeDefault", "Localhost"})
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def is_user_namespaced(spec: Json) -> bool:
    """Say whether the pod asks for a user namespace of its own."""
    return spec.get("hostUsers") is False


def app_armor(metadata: Json, spec: Json) -> Violation | None:
    """Refuse profiles that switch AppArmor off."""
    pod, names, bad = _bad_profiles(spec, "appArmorProfile")
    notes = sorted(
        f'{key}="{value}"'
        for key, value in submap(metadata, "annotations").items()
        if key.startswith(_APPARMOR)
        and value not in {"", "runtime/default"}
        and not value.startswith("localhost/")
    )
    who = setters_text(pod=pod, names=names)
    if notes:
        who = " and ".join([*([who] if who else []), plural("annotation", len(notes))])
    if not who:
        return None
    kinds = [*sorted(bad), *notes]
    detail = f"{who} must not set AppArmor profile type to {quoted(kinds)}"
    return Violation(plural("forbidden AppArmor profile", len(kinds)), detail)


def _bad_profiles(spec: Json, field: str) -> tuple[bool, list[str], set[str]]:
    """Return whether the pod, and which containers, name a profile that is not allowed."""

    def bad(holder: Json) -> str:
        kind = text(holder, "securityContext", field, "type")
        named = submap(holder, "securityContext").get(field) is not None
        return kind if named and kind not in _PROFILES else ""

    names = names_where(spec, lambda container: bool(bad(container)))
    kinds = {bad(holder) for holder in [spec, *containers_of(spec)]} - {""}
    return bool(bad(spec)), names, kinds


def capabilities(_: Json, spec: Json) -> Violation | None:
    """Refuse added capabilities beyond the default set."""

    def extra(container: Json) -> set[str]:
        return set(values(container, "securityContext", "capabilities", "add")) - CAPABILITIES

    names = names_where(spec, lambda container: bool(extra(container)))
    if not names:
        return None
    added = sorted(set().union(*(extra(container) for container in containers_of(spec))))
    detail = (
        f"{containers_text(names)} must not include {quoted(added)} in "
        "securityContext.capabilities.add"
    )
    return Violation("non-default capabilities", detail)


def host_namespaces(_: Json, spec: Json) -> Violation | None:
    """Refuse the machine's network, processes and IPC."""
    used = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    detail = ", ".join(f"{name}=true" for name in used)
    return Violation("host namespaces", detail) if used else None


def host_paths(_: Json, spec: Json) -> Violation | None:
    """Refuse the machine's directories."""
    names = [
        text(volume, "name")
        for volume in maps(spec, "volumes")
        if volume.get("hostPath") is not None
    ]
    if not names:
        return None
    return Violation("hostPath volumes", f"{plural('volume', len(names))} {quoted(names)}")


def host_ports(_: Json, spec: Json) -> Violation | None:
    """Refuse the machine's ports."""

    def ports(container: Json) -> set[str]:
        return {str(one["hostPort"]) for one in maps(container, "ports") if one.get("hostPort")}

    names = names_where(spec, lambda container: bool(ports(container)))
    if not names:
        return None
    taken = sorted(set().union(*(ports(container) for container in containers_of(spec))))
    uses = "uses" if len(names) == 1 else "use"
    detail = f"{containers_text(names)} {uses} {plural('hostPort', len(taken))} {', '.join(taken)}"
    return Violation("hostPort", detail)


def handler_hosts(_: Json, spec: Json) -> Violation | None:
    """Refuse probes and hooks that are sent to another host than the pod."""
    names = sorted(set(names_where(spec, lambda container: bool(_hosts(container)))))
    if not names:
        return None
    hosts = sorted(set().union(*(_hosts(container) for container in containers_of(spec))))
    uses = "uses" if len(names) == 1 else "use"
    words = plural("probe or lifecycle host", len(hosts))
    detail = f"{containers_text(names)} {uses} {words} {quoted(hosts)}"
    return Violation("probe or lifecycle host", detail)


def _hosts(container: Json) -> set[str]:
    hooks = submap(container, "lifecycle")
    handlers = [
        *(submap(container, name) for name in _PROBES),
        submap(hooks, "postStart"),
        submap(hooks, "preStop"),
    ]
    kinds = ("httpGet", "tcpSocket")
    return {text(handler, kind, "host") for handler in handlers for kind in kinds} - {""}


def privileged(_: Json, spec: Json) -> Violation | None:
    """Refuse privileged containers."""
    names = names_where(spec, lambda one: bool(submap(one, "securityContext").get("privileged")))
    if not names:
        return None
    detail = f"{containers_text(names)} must not set securityContext.privileged=true"
    return Violation("privileged", detail)


def proc_mount(_: Json, spec: Json) -> Violation | None:
    """Refuse an unmasked /proc outside a user namespace."""
    return None if is_user_namespaced(spec) else masked_proc_mount(spec)


def masked_proc_mount(spec: Json) -> Violation | None:
    """Refuse an unmasked /proc anywhere."""

    def kind(container: Json) -> str:
        return text(container, "securityContext", "procMount") or "Default"

    names = names_where(spec, lambda container: kind(container) != "Default")
    if not names:
        return None
    kinds = sorted({kind(container) for container in containers_of(spec)} - {"Default"})
    detail = f"{containers_text(names)} must not set securityContext.procMount to {quoted(kinds)}"
    return Violation("procMount", detail)


def seccomp(_: Json, spec: Json) -> Violation | None:
    """Refuse to switch seccomp off."""
    pod, names, bad = _bad_profiles(spec, "seccompProfile")
    if not pod and not names:
        return None
    who = setters_text(pod=pod, names=names)
    detail = f"{who} must not set securityContext.seccompProfile.type to {quoted(sorted(bad))}"
    return Violation("seccompProfile", detail)


def se_linux(_: Json, spec: Json) -> Violation | None:
    """Refuse SELinux users, roles, and types that are not for containers."""

    def options(holder: Json) -> Json:
        return submap(holder, "securityContext", "seLinuxOptions")

    def is_bad(holder: Json) -> bool:
        found = options(holder)
        named = text(found, "user") or text(found, "role")
        return bool(named) or text(found, "type") not in _SELINUX_TYPES

    names = names_where(spec, is_bad)
    if not names and not is_bad(spec):
        return None
    holders = [options(holder) for holder in [spec, *containers_of(spec)]]
    types = sorted({text(found, "type") for found in holders} - _SELINUX_TYPES)
    wrong = [f"{plural('type', len(types))} {quoted(types)}"] if types else []
    wrong += [
        f"{field} may not be set"
        for field in ("user", "role")
        if any(text(found, field) for found in holders)
    ]
    who = setters_text(pod=is_bad(spec), names=names)
    detail = f"{who} set forbidden securityContext.seLinuxOptions: {'; '.join(wrong)}"
    return Violation("seLinuxOptions", detail)


def sysctls(_: Json, spec: Json) -> Violation | None:
    """Refuse kernel settings that reach beyond the pod."""
    named = [text(one, "name") for one in maps(spec, "securityContext", "sysctls")]
    bad = [name for name in named if name not in SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def windows_host_process(_: Json, spec: Json) -> Violation | None:
    """Refuse Windows' host processes."""

    def is_bad(holder: Json) -> bool:
        return bool(submap(holder, "securityContext", "windowsOptions").get("hostProcess"))

    names = names_where(spec, is_bad)
    if not names and not is_bad(spec):
        return None
    who = setters_text(pod=is_bad(spec), names=names)
    detail = f"{who} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", detail)


BASELINE_CHECKS: dict[str, Check] = {
    "appArmorProfile": app_armor,
    "capabilities_baseline": capabilities,
    "hostNamespaces": host_namespaces,
    "hostPathVolumes": host_paths,
    "hostPorts": host_ports,
    "hostProbesAndHostLifecycle": handler_hosts,
    "privileged": privileged,
    "procMount": proc_mount,
    "seLinuxOptions": se_linux,
    "seccompProfile_baseline": seccomp,
    "sysctls": sysctls,
    "windowsHostProcess": windows_host_process,
}
"""By upstream's id, in the order in which upstream reports them."""
