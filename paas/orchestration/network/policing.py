"""Makes the kernel's table say what NetworkPolicies say.

The first key it gets makes it compare everything in one go, as the service proxy does; after that
each change is one namespace's: its policies and pods are looked at, and the sets that name its
pods. A pod's address is known from the network that gave it, not from the pod's status, and a pod
is told of before it is wired: it has no first packet that no policy has seen.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address
from typing import Final

import structlog

from paas.apimachinery.engine.controller import Controller, Source
from paas.apimachinery.engine.informers import Informers
from paas.core.errors import RetryLaterError
from paas.core.objects import ApiObject, ObjectKey, labels_of, name_of, namespace_of, uid_of
from paas.core.shape import maps, number, submap, text
from paas.orchestration.network.policies import PROTOCOLS, Peer, PolicedPod, Policy, policy_of
from paas.orchestration.network.policychains import (
    NamespacePolicing,
    Policing,
    namespace_policing,
    policy_transactions,
)
from paas.orchestration.network.policytable import policing_read
from paas.orchestration.network.table import ServiceTable
from paas.settings.instance import Instance

log = structlog.get_logger(__name__)

POLICIES: Final = "networkpolicies.networking.k8s.io"
_ALL = ObjectKey(POLICIES, "", "")
_NOT_YET_S = 0.1
_LOOK_AGAIN_S = 1.0
_NONE = NamespacePolicing()

_EMPTY: Final[frozenset[str]] = frozenset()

ByNamespace = dict[str, frozenset[str]]
"""What the set of a peer holds, by the namespace it comes from."""


def pod_as_policed(pod: ApiObject, address: IPv4Address) -> PolicedPod:
    """Return what rules see of a pod: restartable init containers have ports too."""
    spec = submap(pod, "spec")
    containers = [
        *maps(spec, "containers"),
        *(one for one in maps(spec, "initContainers") if text(one, "restartPolicy") == "Always"),
    ]
    ports = frozenset(
        (text(port, "name"), PROTOCOLS[text(port, "protocol") or "TCP"], found)
        for container in containers
        for port in maps(container, "ports")
        if text(port, "name") and (found := number(port, "containerPort"))
    )
    return PolicedPod(str(address), labels_of(pod), ports)


class NetworkPolicing:
    """Knows what policies ask for and what the kernel has been told. Safe from any thread.

    `address_of` returns the address that a pod, by uid, has from the network, if it has one.
    """

    def __init__(
        self,
        instance: Instance,
        table: ServiceTable,
        informers: Informers,
        address_of: Callable[[str], IPv4Address | None],
    ) -> None:
        self._node = instance.node_address
        self._table = table
        self._address_of = address_of
        self._policies = informers.of(POLICIES)
        self._pods = informers.of("pods")
        self._namespaces = informers.of("namespaces")
        self._informers = (self._policies, self._pods, self._namespaces)
        self._lock = threading.Lock()
        self._policies_read: dict[str, dict[tuple[str, str], Policy]] = {}
        self._seen: dict[str, dict[str, PolicedPod]] = {}
        self._told: dict[str, NamespacePolicing] = {}
        self._members: dict[Peer, ByNamespace] = {}
        self._users: dict[Peer, set[str]] = {}
        self._wide: set[Peer] = set()  # those that name pods of several namespaces
        self._complete = False

    def controller(self) -> Controller:
        """Return the declaration for the engine. One worker: the kernel takes one at a time."""
        return Controller(
            name="network-policy",
            reconcile=self.reconcile,
            sources=(
                Source(self._policies, lambda obj: (_key(namespace_of(obj)),)),
                Source(self._pods, lambda obj: (_key(namespace_of(obj)),), matters=_pod_matters),
                Source(self._namespaces, lambda obj: (_key(name_of(obj)),), matters=_relabelled),
            ),
            first_keys=(_ALL,),
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Make the kernel follow one namespace; the first time, all of them."""
        with self._lock:
            if not self._complete:
                self._compare_all()
            elif key.namespace:
                self._follow(key.namespace)
            # that a pod is unwired whose object is gone, nobody tells
            return _LOOK_AGAIN_S if self._orphans(key.namespace) else None

    def admit(self, namespace: str, pod_uid: str) -> None:
        """Tell the kernel of a pod that has its address and is not wired yet.

        Raises RetryLaterError while the pod, or anything, is not known here.
        """
        with self._lock:
            if not all(one.synced.is_set() for one in self._informers):
                raise RetryLaterError("network policies are not known yet", delay_s=_NOT_YET_S)
            if not self._complete:
                self._compare_all()
            if not self._concerns(namespace):
                return
            if all(uid_of(pod) != pod_uid for pod in self._pods.list(namespace)):
                raise RetryLaterError("the pod is not known to policies yet", delay_s=_NOT_YET_S)
            self._follow(namespace)

    def resync(self) -> None:
        """Tell the kernel everything again, as far as it differs."""
        with self._lock:
            if self._complete:
                self._compare_all()

    def _orphans(self, namespace: str) -> bool:
        known = {uid_of(pod) for pod in self._pods.list(namespace)} if namespace else set()
        return bool(self._seen.get(namespace, {}).keys() - known)

    def _concerns(self, namespace: str) -> bool:
        if self._policies.list(namespace) or namespace in self._told:
            return True
        labels = self._labels(namespace)
        return any(peer.names(namespace, labels) for peer in self._wide)

    def _follow(self, namespace: str) -> None:
        fresh, old = self._ask(namespace), self._told.get(namespace, _NONE)
        now = self._members_after(namespace, old, fresh)
        was = {peer: self._members[peer] for peer in now if peer in self._members}
        changed = [peer for peer, members in now.items() if was.get(peer) != members]
        before = Policing(old.entries, old.chains, _sets(was, changed))
        after = Policing(fresh.entries, fresh.chains, _sets(now, changed))
        self._tell(before, after)
        self._remember(namespace, fresh, now)

    def _members_after(
        self, namespace: str, old: NamespacePolicing, fresh: NamespacePolicing
    ) -> dict[Peer, ByNamespace | None]:
        """Return what the sets hold that a change of a namespace may touch; None for no set.

        Those are its own, and those that name pods of several namespaces.
        """
        pods, labels = self._pods_of(namespace), self._labels(namespace)
        members: dict[Peer, ByNamespace | None] = {}
        for peer in fresh.peers | old.peers | self._wide:
            known = self._members.get(peer)
            if peer not in fresh.peers and not self._users[peer] - {namespace}:
                members[peer] = None
            elif known is None:
                members[peer] = self._gather(peer)
            else:
                names = peer.names(namespace, labels)
                members[peer] = _with(known, namespace, peer.elements(pods) if names else _EMPTY)
        return members

    def _gather(self, peer: Peer) -> ByNamespace:
        names = (
            [peer.home]
            if peer.namespaces is None
            else [
                name_of(one)
                for one in self._namespaces.list()
                if peer.names(name_of(one), labels_of(one))
            ]
        )
        found = {name: peer.elements(self._pods_of(name)) for name in names}
        return {name: elements for name, elements in found.items() if elements}

    def _compare_all(self) -> None:
        asked = {name: self._ask(name) for name in map(namespace_of, self._policies.list())}
        peers = {peer for one in asked.values() for peer in one.peers}
        members = {peer: self._gather(peer) for peer in peers}
        after = Policing(
            {entry: chain for one in asked.values() for entry, chain in one.entries.items()},
            {name: rules for one in asked.values() for name, rules in one.chains.items()},
            _sets(members, members),
        )
        self._tell(policing_read(self._table), after)
        self._told, self._members, self._users, self._wide = {}, {}, {}, set()
        for name, one in asked.items():
            self._remember(name, one, {peer: members[peer] for peer in one.peers})
        log.info("network_policies_compared", pods=len(after.entries), sets=len(after.sets))

    def _tell(self, before: Policing, after: Policing) -> None:
        # what the kernel has is not sure if this fails: then everything is compared
        self._complete = False
        self._table.transact(policy_transactions(self._table.name, before, after))
        self._complete = True

    def _ask(self, namespace: str) -> NamespacePolicing:
        policies = self._read(namespace)
        if not policies:
            return _NONE
        pods = self._pods_of(namespace)
        return namespace_policing(namespace, policies, pods, node=self._node)

    def _read(self, namespace: str) -> list[Policy]:
        """Return the namespace's policies in the order of their uids; each is read once."""
        before = self._policies_read.pop(namespace, {})
        now: dict[tuple[str, str], Policy] = {}
        for one in sorted(self._policies.list(namespace), key=uid_of):
            version = (uid_of(one), text(one, "metadata", "resourceVersion"))
            now[version] = before.get(version) or policy_of(one)
        if now:
            self._policies_read[namespace] = now
        return list(now.values())

    def _remember(
        self,
        namespace: str,
        fresh: NamespacePolicing,
        members: Mapping[Peer, ByNamespace | None],
    ) -> None:
        for peer in self._told.pop(namespace, _NONE).peers:
            self._users[peer].discard(namespace)
        for peer in fresh.peers:
            self._users.setdefault(peer, set()).add(namespace)
        if fresh != _NONE:
            self._told[namespace] = fresh
        for peer, found in members.items():
            if found is not None:
                self._members[peer] = found
                if peer.namespaces is not None:
                    self._wide.add(peer)
                continue
            self._members.pop(peer, None)
            self._users.pop(peer, None)
            self._wide.discard(peer)

    def _labels(self, namespace: str) -> Mapping[str, str]:
        found = self._namespaces.get("", namespace)
        return labels_of(found) if found else {}

    def _pods_of(self, namespace: str) -> list[PolicedPod]:
        """Return the namespace's pods that have an address, in the order of their uids.

        A pod whose object is gone is policed until it is unwired.
        """
        known = {uid_of(pod): pod for pod in self._pods.list(namespace)}
        seen = self._seen.pop(namespace, {})
        found: dict[str, PolicedPod] = {}
        for uid in sorted(known.keys() | seen.keys()):
            address = self._address_of(uid)
            if address is not None:
                found[uid] = pod_as_policed(known[uid], address) if uid in known else seen[uid]
        if found:
            self._seen[namespace] = found
        return list(found.values())


def _key(namespace: str) -> ObjectKey:
    return ObjectKey(POLICIES, namespace, "")


def _pod_matters(old: ApiObject, new: ApiObject) -> bool:
    return labels_of(old) != labels_of(new) or _addresses(old) != _addresses(new)


def _addresses(pod: ApiObject) -> str:
    return text(pod, "status", "podIP")


def _relabelled(old: ApiObject, new: ApiObject) -> bool:
    return labels_of(old) != labels_of(new)


def _with(known: ByNamespace, namespace: str, elements: frozenset[str]) -> ByNamespace:
    if known.get(namespace, _EMPTY) == elements:
        return known
    rest = {name: some for name, some in known.items() if name != namespace}
    return {**rest, namespace: elements} if elements else rest


def _sets(
    members: Mapping[Peer, ByNamespace | None], peers: Iterable[Peer]
) -> dict[str, frozenset[str]]:
    found = {peer: members.get(peer) for peer in peers}
    return {
        peer.set_name: _EMPTY.union(*some.values())
        for peer, some in found.items()
        if some is not None
    }
