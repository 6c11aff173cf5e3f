"""Reads from the kernel what an earlier process has told it of policies."""

from typing import Any

from paas.orchestration.network.policies import PEER_PORTS, PEERS
from paas.orchestration.network.policychains import Entry, Policing
from paas.orchestration.network.rules import POLICY_IN, POLICY_OUT
from paas.orchestration.network.table import ServiceTable, protocol_name


def policing_read(table: ServiceTable) -> Policing:
    """Return what is in the kernel, chains that nothing leads to included."""
    entries: dict[Entry, str] = {}
    for name in (POLICY_IN, POLICY_OUT):
        for entry in table.read(f"list map {table.name} {name}"):
            for address, verdict in entry.get("map", {}).get("elem", ()):
                entries[name, address] = verdict["jump"]["target"]
    chains = [
        one["name"]
        for one in _ours(table, "chain")
        if one["name"].startswith((f"{POLICY_IN}/", f"{POLICY_OUT}/"))
    ]
    sets = {
        one["name"]: frozenset(map(_element, one.get("elem", ())))
        for one in _ours(table, "set")
        if one["name"].startswith((PEERS, PEER_PORTS))
    }
    return Policing(entries, dict.fromkeys(chains, ()), sets)


def _ours(table: ServiceTable, kind: str) -> list[dict[str, Any]]:
    found = [one[kind] for one in table.read(f"list {kind}s") if kind in one]
    return [one for one in found if f"{one['family']} {one['table']}" == table.name]


def _element(found: Any) -> str:
    if isinstance(found, str):
        return found
    address, protocol, port = found["concat"]
    return f"{address} . {protocol_name(protocol)} . {port}"
