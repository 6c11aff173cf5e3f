"""The instance's nftables table: made or adopted once, then changed service by service.

What is in the kernel is read once, at start; from then on this object is the only writer and
knows it. A failed transaction has changed nothing, and what is known is read again; chains that
came in before it, or should have gone after it, are reached by nobody, and `prepare` sweeps them.
"""

import threading
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Any

import structlog

from paas.orchestration.network.elements import Change
from paas.orchestration.network.errors import NftablesError
from paas.orchestration.network.nftables import Nftables
from paas.orchestration.network.rules import (
    BASE_CHAINS,
    POLICY_IN,
    POLICY_OUT,
    SERVICES_MAP,
    base_rules,
    table_of,
)
from paas.orchestration.network.services import (
    PLATFORM,
    ServiceAddressPort,
    ServicePort,
    owner_of,
    platform_ports,
    transactions,
)
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

_OTHERS = (f"{POLICY_IN}/", f"{POLICY_OUT}/")  # chains of policies: theirs to sweep


class ServiceTable:
    """Owns the table. Safe from any thread."""

    def __init__(self, instance: Instance, nftables: Nftables) -> None:
        self.name = table_of(instance)
        self._instance = instance
        self._table = self.name
        self._nftables = nftables
        self._lock = threading.Lock()
        self._current: dict[ServiceAddressPort, str] = {}
        self._generation = 0
        self._touched = False

    def prepare(self, guarded: Iterable[str] = ()) -> None:
        """Make the table or adopt the one that is there; connections and services go on.

        Chains that nothing points to any more, left by an earlier version, are removed.
        """
        with self._lock:
            self._run(base_rules(self._instance, guarded))
            self._current = self._read()
            self._sweep()
            self._change(platform_ports(self._instance), owner=PLATFORM)
            self._touched = False

    def is_untouched(self) -> bool:
        """Say whether nobody else has changed any table since `prepare`."""
        with self._lock:
            return not self._touched and self._nftables.generation() == self._generation

    def owners(self) -> frozenset[str]:
        """Return `<namespace>/<name>` of the services that have chains now."""
        with self._lock:
            return frozenset(
                owner
                for owner in map(owner_of, self._current.values())
                if not owner.startswith(f"{PLATFORM}/")
            )

    def replace(self, owner: str, ports: Iterable[ServicePort]) -> bool:
        """Give one service (`<namespace>/<name>`) these ports and no others; say if it changed."""
        with self._lock:
            return self._change(ports, owner=owner)

    def replace_all(self, ports: Iterable[ServicePort]) -> bool:
        """Make these the only services besides the platform's, all at once."""
        with self._lock:
            return self._change((*platform_ports(self._instance), *ports), owner="")

    def transact(self, steps: Iterable[str | Sequence[Change]]) -> None:
        """Do each of these, one after the other, for who has a part of the table of its own.

        Raises NftablesError; what came before the one that failed has happened.
        """
        with self._lock:
            for step in steps:
                self._run(step)

    def read(self, command: str) -> list[dict[str, Any]]:
        """Return the objects that a `list` command names."""
        with self._lock:
            return self._nftables.read(command)

    def close(self) -> None:
        """Let go of the kernel; the rules stay."""
        self._nftables.close()

    def _change(self, ports: Iterable[ServicePort], *, owner: str) -> bool:
        wanted = list(ports)
        claimed = {port.at for port in wanted}
        scope = {
            at: chain
            for at, chain in self._current.items()
            if at in claimed or not owner or f"{owner_of(chain)}/".startswith(f"{owner}/")
        }
        steps = transactions(self._table, scope, wanted)
        if not steps:
            return False
        try:
            for commands in steps:
                self._run(commands)
        except NftablesError:
            self._current = self._read()
            raise
        for at in scope:
            del self._current[at]
        self._current.update({port.at: port.chain for port in wanted})
        return True

    def _run(self, step: str | Sequence[Change]) -> None:
        if isinstance(step, str):
            self._nftables.run(step)
        else:
            self._nftables.change(self._table, step)
        now = self._nftables.generation()
        self._touched = self._touched or now != self._generation + 1
        self._generation = now

    def _read(self) -> dict[ServiceAddressPort, str]:
        found: dict[ServiceAddressPort, str] = {}
        for entry in self._nftables.read(f"list map {self._table} {SERVICES_MAP}"):
            for key, verdict in entry["map"].get("elem", ()) if "map" in entry else ():
                address, protocol, port = key["concat"]
                at = ServiceAddressPort(IPv4Address(address), protocol_name(protocol), int(port))
                found[at] = verdict["goto"]["target"]
        return found

    def _sweep(self) -> None:
        used = BASE_CHAINS | set(self._current.values())
        stale = [
            entry["chain"]["name"]
            for entry in self._nftables.read("list chains")
            if "chain" in entry
            and f"{entry['chain']['family']} {entry['chain']['table']}" == self._table
            and entry["chain"]["name"] not in used
            and not entry["chain"]["name"].startswith(_OTHERS)
        ]
        if stale:
            log.info("stale_chains_removed", count=len(stale))
            self._run(
                "\n".join(f"flush chain {self._table} {name}" for name in stale)
                + "\n"
                + "\n".join(f"delete chain {self._table} {name}" for name in stale)
                + "\n"
            )


_NUMBERS = {6: "tcp", 17: "udp", 132: "sctp"}


def protocol_name(value: Any) -> str:
    """Return `tcp` for what libnftables says: a name, or a number."""
    return _NUMBERS.get(value, str(value))
