"""Up and down: what the command line calls. Everything here may be repeated."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from signal import Signals

from deploy import instances, layout
from deploy.configs.supervisor import pid_file
from deploy.errors import CommandError, DeployError
from deploy.launch import orphans_end, pid_of
from deploy.processes import Process, control_plane, data_plane, podman_environment
from deploy.report import Report
from deploy.runner import attempt, run
from deploy.steps.base import Setup, run_steps
from deploy.steps.machine import home_check, links_remove, names_remove, trust_remove
from deploy.steps.order import STEPS
from deploy.supervision import CONTROL, DATA, Supervisor
from paas.settings.instance import Instance

REMOVE_S = 300.0
_EVERYWHERE = {"0.0.0.0": ("A",), "::": ("A", "AAAA")}  # noqa: S104 -- compared
TRIES, AGAIN_S = 5, 1.0
SANDBOX_LABEL = "minato.runtime/sandbox"  # of paas.runtime: infra containers, which others join


def up(instance: Instance, *, number: int | None, checkout: Path, report: Report) -> Instance:
    """Install and start the platform; return it with the number that it got.

    `number` is what the administrator asked for, None for the first free one. Raises PaasError.
    """
    home_check(instance.home)
    instance.home.mkdir(parents=True, exist_ok=True)  # a claim without a home is anybody's
    claimed = instances.number_claim(instance.home, number)
    mine = replace(instance, number=claimed)
    run_steps(STEPS, Setup(mine, checkout, report, datetime.now(UTC)))
    return mine


def down(instance: Instance, *, apps: bool) -> bool:
    """Stop the platform, with `apps` the applications too. Return whether anything ran."""
    control = Supervisor(instance, CONTROL)
    if apps:
        ours = [process.name for process in control_plane(instance) if not process.server]
        control.stop(reversed(ours))
        _applications_remove(instance)
    stopped = _plane_stop(control, control_plane(instance))
    if apps:
        stopped = _plane_stop(Supervisor(instance, DATA), data_plane(instance)) or stopped
        network_remove(instance)
    return stopped


def _plane_stop(supervisor: Supervisor, processes: list[Process]) -> bool:
    """Stop a plane, and what runs on without a supervisor that was killed."""
    stopped = supervisor.shut_down()
    for process in reversed(processes):
        kept = pid_file(supervisor.instance, process.name)
        stopped = pid_of(kept) is not None or stopped
        orphans_end(kept, Signals[f"SIG{process.stop}"])
    return stopped


def purge(instance: Instance) -> None:
    """Stop everything and delete the instance: data, images, repositories, keys, all of it."""
    down(instance, apps=True)
    trust_remove(instance)
    names_remove(instance)
    instances.number_release(instance.home)
    for place in _mounts_below(instance.home):
        run(["umount", "--", place], timeout_s=60)
    run(["rm", "-rf", "--one-file-system", "--", instance.home], timeout_s=REMOVE_S)


def _mounts_below(home: Path) -> list[Path]:
    """Return what is mounted below the home, deepest first: a killed podman leaves its storage."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    places = [Path(line.split()[1]) for line in lines]
    return sorted((one for one in places if one.is_relative_to(home)), reverse=True)


def dns_records(instance: Instance) -> list[str]:
    """Return the DNS records that a real domain needs; none for a domain of this machine."""
    if instance.domain.endswith("localhost"):
        return []
    hosts = (
        instance.console_host,
        instance.api_host,
        instance.git_host,
        instance.registry_host,
        f"*.{instance.apps_domain}",
    )
    return [f"{host}.  {record}" for host in hosts for record in _address_records(instance.bind)]


def _address_records(bind: str) -> list[str]:
    """Return type and value of the records that lead to what is served; `::` is both families."""
    if bind in _EVERYWHERE:
        return [f"{kind}  this machine's address" for kind in _EVERYWHERE[bind]]
    kind = "A" if ip_address(bind).version == 4 else "AAAA"  # noqa: PLR2004 -- IPv4
    return [f"{kind}  {bind}"]


def _applications_remove(instance: Instance) -> None:
    """Remove every container of the instance; what the containers are for stays in the database."""
    if not layout.settings_file(instance).exists():
        return
    for attempt_number in range(1, TRIES + 1):
        try:
            _containers_remove(instance, podman_environment(instance))
        except CommandError:  # busy: podman itself still cleans up after one that has just ended
            if attempt_number == TRIES:
                raise
            time.sleep(AGAIN_S)
        else:
            return


def _containers_remove(instance: Instance, env: dict[str, str]) -> None:
    chosen = ["--all", "--no-trunc", "--filter", f"label=io.minato.instance={instance.name}"]
    form = ["--format", f'is {{{{index .Labels "{SANDBOX_LABEL}"}}}} {{{{.ID}}}}']
    said = run(["podman", "ps", *chosen, *form], timeout_s=REMOVE_S, env=env)
    rows = [line.split() for line in said.splitlines() if line.startswith("is ")]
    # Never together, and never with --depend: podman removes several at a time, and two that wait
    # for each other's lock wait for ever.
    sandboxes = [row[-1] for row in rows if row[1] == "self"]
    others = [row[-1] for row in rows if row[1] != "self"]
    for ids in filter(None, (others, sandboxes)):
        run(["podman", "rm", "--force", "--time", "10", *ids], timeout_s=REMOVE_S, env=env)


def network_remove(instance: Instance) -> None:
    """Remove the instance's packet filter, interfaces and routes; starting makes them anew."""
    attempt(["nft", "delete", "table", "inet", instance.name], timeout_s=30)
    links_remove(instance)
    refused = ["unreachable", str(instance.pod_network)]
    attempt(["ip", "route", "delete", *refused], timeout_s=10)


def checkout_of(module_file: str) -> Path:
    """Return the checkout that the running command belongs to. Raises DeployError in a release."""
    root = Path(module_file).resolve().parents[2]
    if not (root / "requirements.lock").exists() or not (root / ".venv").exists():
        raise DeployError(
            f"{root} is no checkout of Minato with a .venv.", "Run `make up` in a checkout."
        )
    return root
