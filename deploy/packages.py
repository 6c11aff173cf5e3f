"""Debian packages that the platform stands on; none of their services starts, now or at boot."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.runner import attempt, run

PLATFORM = (
    "python3.11",
    "python3-venv",
    "ca-certificates",
    "git",
    "iproute2",
    "nftables",
    "postgresql",
    "redis-server",
    "haproxy",
    "unbound",
    "docker-registry",
    "podman",
    "catatonit",
    "uidmap",
    "buildah",
    "runc",
    "skopeo",
    "mmdebstrap",
)
KUBECTL = "kubernetes-client"
KUBECTL_FOLDERS = (Path("/usr/lib/google-cloud-sdk/bin"), Path("/usr/local/bin"))
"""Where several versions of kubectl may lie, named `kubectl.1.33`, beside the PATH."""
TESTS = ("chromium", "fonts-liberation", "wrk", "curl", "procps")
SERVERS = ("docker-registry", "haproxy", "podman", "postgresql-common", "redis-server", "unbound")
"""Packages whose own services would start with the machine and take our ports."""
APT_S = 1800.0
POLICY = Path("/usr/sbin/policy-rc.d")
MAIN_CLUSTER = Path("/etc/postgresql-common/createcluster.d/minato.conf")
_UNITS = Path("lib/systemd/system")
_SCRIPTS = Path("etc/init.d")
_DENY = "#!/bin/sh\n# Written by Minato while it installs packages: start no service.\nexit 101\n"


def missing(names: Sequence[str]) -> list[str]:
    """Return those that dpkg does not list as installed."""
    asked = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", "--", *names]
    said = attempt(asked, timeout_s=30).output
    installed = {line.split()[0] for line in said.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def wanted(*, tests: bool) -> list[str]:
    """Return what is to be there; Node, and for tests kubectl, only where nobody has put one.

    Debian's kubectl (1.20) is older than those that are served: it stands in for a part of tests.
    """
    names = [*PLATFORM, *(TESTS if tests else ())]
    if tests and not _has_kubectl():
        names.append(KUBECTL)
    if not shutil.which("npm"):
        names += ["nodejs", "npm"]
    return names


def _has_kubectl() -> bool:
    named = any(any(folder.glob("kubectl.1.*")) for folder in KUBECTL_FOLDERS)
    return named or shutil.which("kubectl") is not None


def install(names: Sequence[str]) -> None:
    """Install packages with their recommendations refused but podman's, which it needs.

    Raises CommandError. podman's recommended helpers are named in PLATFORM.
    """
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    hint = "Check that the machine reaches its Debian mirror: apt-get update"
    with no_service_starts(), no_service_at_boot(), no_main_cluster():
        run(["apt-get", "update", "-q"], timeout_s=APT_S, env=env, hint=hint)
        options = ["-y", "-q", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
        run(["apt-get", "install", *options, "--", *names], timeout_s=APT_S, env=env, hint=hint)


@contextmanager
def no_service_starts() -> Iterator[None]:
    """Keep packages from starting services meanwhile; what was there before comes back."""
    before = POLICY.read_bytes() if POLICY.exists() else None
    POLICY.write_text(_DENY)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            POLICY.unlink()
        else:
            POLICY.write_bytes(before)


@contextmanager
def no_service_at_boot() -> Iterator[None]:
    """Keep the services of what is installed meanwhile from starting with the machine.

    A package that was there before is its administrator's, and is left as it is.
    """
    absent = missing(SERVERS)
    try:
        yield
    finally:  # also when another package failed: the next run takes these for there before
        came = set(absent) - set(missing(absent))
        services_disable(sorted(came))


def services_disable(names: Sequence[str], root: Path = Path("/")) -> None:
    """Disable the units and init scripts of packages below `root`, with or without systemd.

    Raises CommandError.
    """
    elsewhere = {} if root == Path("/") else {"DPKG_ROOT": str(root)}
    for name in names:
        files = [path for path in _files(name) if (root / path).exists()]
        units = [path.name for path in files if path.parent == _UNITS and "@" not in path.name]
        as_package = {"DPKG_MAINTSCRIPT_PACKAGE": name, **elsewhere}  # else it refuses
        run(["deb-systemd-helper", "disable", *units], timeout_s=60, env=as_package)
        for script in (path.name for path in files if path.parent == _SCRIPTS):
            run(["update-rc.d", script, "disable"], timeout_s=60, env=elsewhere)


def _files(name: str) -> list[Path]:
    """Return what a package puts on the machine, without the leading slash."""
    said = run(["dpkg-query", "-L", name], timeout_s=30)
    return [Path(line.lstrip("/")) for line in said.splitlines() if line.startswith("/")]


@contextmanager
def no_main_cluster() -> Iterator[None]:
    """Keep Debian's PostgreSQL from making a cluster beside ours meanwhile.

    Debian's own file names the directory; one made later by the administrator is none of ours.
    """
    MAIN_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    MAIN_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        MAIN_CLUSTER.unlink()
