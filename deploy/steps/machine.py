"""What the machine itself gets: system users, directories, names, an interface, a trusted CA."""

import json
import re
from contextlib import suppress
from pathlib import Path

from deploy import layout, users
from deploy.errors import DeployError
from deploy.files import Access, directory_ensure, file_write
from deploy.runner import attempt, run
from deploy.steps.base import Setup, Step
from paas.settings.instance import Instance

PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+")
HOSTS = Path("/etc/hosts")
TRUST = Path("/usr/local/share/ca-certificates")
CERTIFICATES = Path("/etc/ssl/certs")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A bridge without ports: some kernels have no dummy. As paas.orchestration.network makes it.
NODE_MAC = "0a:58:00:00:00:01"


def home_check(home: Path) -> None:
    """Raise DeployError where PostgreSQL's user could not pass a parent of the home.

    A home of plain letters needs no quoting in any server's configuration.
    """
    if not PLAIN_PATH.fullmatch(str(home)):
        raise DeployError(
            f"MINATO_HOME={str(home)!r} has characters that not every server takes in a path.",
            "Use letters, digits, '/', '.', '_' and '-'.",
        )
    for parent in reversed(home.parents):
        if parent.exists() and not parent.stat().st_mode & 0o001:
            raise DeployError(
                f"MINATO_HOME={home} lies below {parent}, which other users cannot enter.",
                f"Choose another home, or: chmod o+x {parent}",
            )


def _users_missing(_setup: Setup) -> bool:
    return bool(users.missing())


def _users_create(_setup: Setup) -> None:
    for name in users.missing():
        users.create(name)


def _directories_wrong(setup: Setup) -> bool:
    wanted = layout.directories(setup.instance)
    wrong = not all(access.holds(path) for path, access in wanted.items())
    return wrong or _booted_since(setup.instance)


def _directories_make(setup: Setup) -> None:
    instance = setup.instance
    if _booted_since(instance):
        _volatile_clear(instance.run)
    for path, access in layout.directories(instance).items():
        directory_ensure(path, access)
    file_write(instance.run / "boot-id", BOOT_ID.read_text())


def _booted_since(instance: Instance) -> bool:
    mark = instance.run / "boot-id"
    return not mark.exists() or mark.read_text() != BOOT_ID.read_text()


def _volatile_clear(run_directory: Path) -> None:
    """Remove what an earlier boot left: pid files, sockets, podman's belief of what runs."""
    if run_directory.exists():
        run(["rm", "-rf", "--one-file-system", "--", run_directory], timeout_s=60)


def _link_missing(setup: Setup) -> bool:
    shown = attempt(["ip", "-j", "address", "show", "dev", _link(setup.instance)], timeout_s=10)
    if shown.returncode != 0:
        return True
    (found,) = json.loads(shown.output)
    held = {address["local"] for address in found["addr_info"]}
    return str(setup.instance.node_address) not in held or "UP" not in found["flags"]


def _link_make(setup: Setup) -> None:
    name = _link(setup.instance)
    if attempt(["ip", "link", "show", "dev", name], timeout_s=10).returncode != 0:
        run(["ip", "link", "add", name, "address", NODE_MAC, "type", "bridge"], timeout_s=10)
    run(
        ["ip", "address", "replace", f"{setup.instance.node_address}/32", "dev", name], timeout_s=10
    )
    run(["ip", "link", "set", name, "up"], timeout_s=10)


def links_remove(instance: Instance) -> None:
    """Remove the machine's interface on the pod network and those of pods, with their routes."""
    shown = json.loads(run(["ip", "-j", "link", "show"], timeout_s=30))
    for name in (link["ifname"] for link in shown):
        if name.startswith(instance.bridge_prefix):
            attempt(["ip", "link", "delete", name], timeout_s=10)


def _link(instance: Instance) -> str:
    return f"{instance.bridge_prefix}node"


def _names_missing(setup: Setup) -> bool:
    return setup.instance.domain.endswith("localhost") and HOSTS.read_text() != _hosts(setup)


def _names_write(setup: Setup) -> None:
    file_write(HOSTS, _hosts(setup), Access(mode=HOSTS.stat().st_mode & 0o7777))


def _hosts(setup: Setup) -> str:
    """Return /etc/hosts with our line: Go programs do not resolve *.localhost by themselves."""
    one = setup.instance
    hosts = f"{one.console_host} {one.api_host} {one.git_host} {one.registry_host}"
    kept = _hosts_without(one)
    return f"{kept}{layout.loopback(one)} {hosts} {_mark(one)}\n"


def _hosts_without(instance: Instance) -> str:
    lines = HOSTS.read_text().splitlines()
    return "".join(f"{line}\n" for line in lines if not line.endswith(_mark(instance)))


def _mark(instance: Instance) -> str:
    return f"# {instance.name}"


def names_remove(instance: Instance) -> None:
    """Take our line out of /etc/hosts."""
    file_write(HOSTS, _hosts_without(instance), Access(mode=HOSTS.stat().st_mode & 0o7777))


def _trust_missing(setup: Setup) -> bool:
    ca_file = setup.instance.ca_file
    bundle = CERTIFICATES / "ca-certificates.crt"
    with suppress(FileNotFoundError):
        trusted = _trusted(setup.instance).read_bytes() == ca_file.read_bytes()
        return not (trusted and ca_file.read_bytes().strip() in bundle.read_bytes())
    return True


def _trust_add(setup: Setup) -> None:
    file_write(_trusted(setup.instance), setup.instance.ca_file.read_bytes())
    run(["update-ca-certificates"], timeout_s=120)


def trust_remove(instance: Instance) -> None:
    """Take the instance's authority out of the machine's trust store."""
    if _trusted(instance).exists():
        _trusted(instance).unlink()
        (CERTIFICATES / f"{instance.name}.pem").unlink(missing_ok=True)  # its link to ours
        run(["update-ca-certificates"], timeout_s=120)


def _trusted(instance: Instance) -> Path:
    return TRUST / f"{instance.name}.crt"


USERS = Step("System users", _users_missing, _users_create)
DIRECTORIES = Step("Directories", _directories_wrong, _directories_make)
LINK = Step("The machine's address on the pod network", _link_missing, _link_make)
NAMES = Step("Host names in /etc/hosts", _names_missing, _names_write)
TRUST_STORE = Step("Trust of this machine in our certificates", _trust_missing, _trust_add)
