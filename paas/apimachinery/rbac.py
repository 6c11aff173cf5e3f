"""RBAC: may this actor do that? Answered from memory, kept current by the watch hub.

A yes may be as old as the hub is behind (milliseconds). A no is never given from an old view: the
hub first catches up with the database, so that a permission works as soon as it is granted.
Source: Kubernetes' RBAC documentation; k8s.io/kubernetes/pkg/registry/rbac/validation.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from paas.apimachinery.aggregation import aggregated_by, aggregates, held_rules
from paas.apimachinery.hub import Hub
from paas.apimachinery.kinds import Kind
from paas.apimachinery.mirror import Mirror
from paas.apimachinery.scheme import Scheme
from paas.apimachinery.store import Store
from paas.core.actors import MASTERS, SERVICE_ACCOUNT_PREFIX, Actor
from paas.core.objects import ApiObject, name_of, namespace_of

GROUP = "rbac.authorization.k8s.io"
ROLE, CLUSTER_ROLE = f"roles.{GROUP}", f"clusterroles.{GROUP}"
ROLE_BINDING, CLUSTER_ROLE_BINDING = f"rolebindings.{GROUP}", f"clusterrolebindings.{GROUP}"
RESOURCES = (ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING)
DECISIONS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Attributes:
    """What somebody wants to do: on a resource, or on a URL path that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """Return `pods/log` or `pods`, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no; `reason` says which binding allowed it."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()

    def allows(self, asked: Attributes) -> bool:
        """Say whether the rule covers what is asked."""
        if not _has(self.verbs, asked.verb):
            return False
        if asked.path:
            return self._allows_path(asked.path)
        return (
            _has(self.groups, asked.group)
            and self._allows_resource(asked)
            and (not self.names or asked.name in self.names)
        )

    def _allows_path(self, path: str) -> bool:
        return any(
            one in {"*", path} or (one.endswith("*") and path.startswith(one[:-1]))
            for one in self.paths
        )

    def _allows_resource(self, asked: Attributes) -> bool:
        if "*" in self.resources or asked.full_resource in self.resources:
            return True
        return bool(asked.subresource) and f"*/{asked.subresource}" in self.resources


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding or ClusterRoleBinding; `namespace` is empty for the latter."""

    name: str
    namespace: str
    role_kind: str
    role_name: str


class Rbac:
    """The evaluator of one process. `start` loads and subscribes."""

    def __init__(self, scheme: Scheme, store: Store, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._mirror = Mirror(scheme, store, hub, RESOURCES, self._forget)
        self._bindings: dict[str, list[Binding]] = {}
        self._rules: dict[tuple[str, str, str], tuple[Rule, ...]] = {}
        self._decisions: dict[tuple[str, tuple[str, ...], Attributes], Decision] = {}
        self._stale = True

    def start(self) -> None:
        """Load all roles and bindings and follow them."""
        self._mirror.start()

    def allowed(self, actor: Actor, asked: Attributes) -> Decision:
        """Decide. A refusal is given only after the hub has caught up with the database."""
        if MASTERS in actor.groups:
            return Decision(allowed=True, reason=f"RBAC: in group {MASTERS}")
        seen = self._hub.last
        decision = self._cached(actor, asked)
        if not decision.allowed and self.catch_up(seen):
            decision = self._cached(actor, asked)
        return decision

    def catch_up(self, seen: int = 0) -> bool:
        """Wait for the hub; say whether anything has come since the version `seen`.

        For whoever has many questions: one wait, and then `allowed_now` for each.
        """
        return self._mirror.catch_up(seen)

    def allowed_now(self, actor: Actor, asked: Attributes) -> bool:
        """Say yes from memory without waiting, for an event loop; a no means: ask `allowed`."""
        return MASTERS in actor.groups or self._cached(actor, asked).allowed

    def rules_for(self, actor: Actor, namespace: str) -> list[Rule]:
        """Return every rule that holds for the actor in the namespace ("" for the cluster)."""
        if MASTERS in actor.groups:
            everything = frozenset({"*"})
            return [
                Rule(everything, everything, everything),
                Rule(everything, paths=everything),
            ]
        return [rule for _, rule in self._rules_of(actor, namespace)]

    def role_rules(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
        """Return the rules of a Role or ClusterRole, or None where there is no such role."""
        resource = ROLE if kind == "Role" else CLUSTER_ROLE
        place = (namespace if kind == "Role" else "", name)
        with self._lock:
            if self._stale:
                self._index()
            if self._mirror.get(resource, *place) is None:
                return None
            return self._rules_at(kind, *place)

    def aggregators(self, labels: Mapping[str, str]) -> set[str]:
        """Return the names of the ClusterRoles that aggregate a role with these labels."""
        return {
            name_of(role)
            for role in self._mirror.all(CLUSTER_ROLE)
            if any(term.matches(labels) for term in aggregated_by(role))
        }

    def _cached(self, actor: Actor, asked: Attributes) -> Decision:
        key = (actor.name, actor.groups, asked)
        decisions = self._decisions
        if self._stale or (decision := decisions.get(key)) is None:
            decision = self._decide(actor, asked)
            # kept in the dictionary that was current before: a change meanwhile has replaced it
            if len(decisions) < DECISIONS_MAX:
                decisions[key] = decision
        return decision

    def _decide(self, actor: Actor, asked: Attributes) -> Decision:
        for binding, rule in self._rules_of(actor, asked.namespace):
            if rule.allows(asked):
                kind = "RoleBinding" if binding.namespace else "ClusterRoleBinding"
                place = f"{binding.name}/{binding.namespace}" if binding.namespace else binding.name
                reason = f'RBAC: allowed by {kind} "{place}" of {binding.role_kind} '
                return Decision(allowed=True, reason=f'{reason}"{binding.role_name}"')
        return Decision(allowed=False)

    def _rules_of(self, actor: Actor, namespace: str) -> Iterator[tuple[Binding, Rule]]:
        with self._lock:
            if self._stale:
                self._index()
            found = [
                (binding, rule)
                for subject in _subjects_of(actor)
                for binding in self._bindings.get(subject, ())
                if not binding.namespace or binding.namespace == namespace
                for rule in self._rules_at(
                    binding.role_kind,
                    binding.namespace if binding.role_kind == "Role" else "",
                    binding.role_name,
                )
            ]
        return iter(found)

    def _rules_at(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...]:
        place = (kind, namespace, name)
        if place not in self._rules:
            resource = ROLE if kind == "Role" else CLUSTER_ROLE
            role = self._mirror.get(resource, namespace, name) or {}
            others = self._mirror.all(CLUSTER_ROLE) if aggregates(role) else ()
            policies = held_rules(role, others)
            self._rules[place] = tuple(rule_of(one) for one in policies)
        return self._rules[place]

    def _index(self) -> None:
        self._rules.clear()
        bindings: dict[str, list[Binding]] = defaultdict(list)
        for resource in (CLUSTER_ROLE_BINDING, ROLE_BINDING):
            for obj in self._mirror.all(resource):
                role, namespace = obj["roleRef"], namespace_of(obj)
                binding = Binding(name_of(obj), namespace, role["kind"], role["name"])
                for subject in obj.get("subjects") or ():
                    bindings[_subject_key(subject, namespace)].append(binding)
        self._bindings = dict(bindings)
        self._stale = False

    def _forget(self) -> None:
        with self._lock:  # what is being indexed at this moment may have been read before
            self._stale = True
            self._decisions = {}


def rule_of(policy: Mapping[str, Any]) -> Rule:
    """Return the rule that a PolicyRule spells."""
    return Rule(
        frozenset(policy.get("verbs") or ()),
        frozenset(policy.get("apiGroups") or ()),
        frozenset(policy.get("resources") or ()),
        frozenset(policy.get("resourceNames") or ()),
        frozenset(policy.get("nonResourceURLs") or ()),
    )


def uncovered(wanted: Iterable[Rule], held: Iterable[Rule]) -> list[Rule]:
    """Return what of `wanted` is not covered by `held`, broken down to single permissions.

    Source: k8s.io/component-helpers/auth/rbac/validation.Covers.
    """
    have = tuple(held)
    return [piece for rule in wanted for piece in _pieces(rule) if not _covered(piece, have)]


def _pieces(rule: Rule) -> Iterator[Rule]:
    for verb in sorted(rule.verbs):
        one = frozenset({verb})
        for path in sorted(rule.paths):
            yield Rule(one, paths=frozenset({path}))
        for group in sorted(rule.groups):
            for resource in sorted(rule.resources):
                for name in sorted(rule.names) or [""]:
                    names = frozenset({name}) if name else frozenset()
                    yield Rule(one, frozenset({group}), frozenset({resource}), names)


def _covered(piece: Rule, held: tuple[Rule, ...]) -> bool:
    (verb,) = piece.verbs
    path = next(iter(piece.paths), "")
    if path:
        return any(_has(rule.verbs, verb) and rule.allows(_path_ask(verb, path)) for rule in held)
    (group,), (resource,) = piece.groups, piece.resources
    name = next(iter(piece.names), "")
    plain, _, subresource = resource.partition("/")
    asked = Attributes(verb, group, plain, subresource, name=name)
    return any(rule.allows(asked) for rule in held)


def _path_ask(verb: str, path: str) -> Attributes:
    return Attributes(verb, path=path)


def describe(rule: Rule) -> str:
    """Return a rule as upstream prints it in an escalation error."""
    parts = [
        (name, sorted(values))
        for name, values in (
            ("APIGroups", rule.groups),
            ("Resources", rule.resources),
            ("ResourceNames", rule.names),
            ("NonResourceURLs", rule.paths),
            ("Verbs", rule.verbs),
        )
        if values
    ]
    inner = ", ".join(f"{name}:{orjson.dumps(values).decode()}" for name, values in parts)
    return f"{{{inner}}}"


def attributes(
    kind: Kind, verb: str, *, namespace: str = "", name: str = "", subresource: str = ""
) -> Attributes:
    """Return what a request on this kind asks for."""
    scope = name if kind.names_a_namespace else namespace
    return Attributes(verb, kind.group, kind.plural, subresource, scope, name)


def _has(allowed: frozenset[str], value: str) -> bool:
    return value in allowed or "*" in allowed


def _subjects_of(actor: Actor) -> list[str]:
    return [f"User:{actor.name}", *(f"Group:{group}" for group in actor.groups)]


def concerns(binding: ApiObject, actor: Actor) -> bool:
    """Say whether a binding names the actor or one of its groups; False for what is no binding."""
    place = namespace_of(binding)
    named = {_subject_key(subject, place) for subject in binding.get("subjects") or ()}
    return not named.isdisjoint(_subjects_of(actor))


def _subject_key(subject: Mapping[str, Any], namespace: str) -> str:
    """Return whom a binding in `namespace` names: an account is, if not said, of there."""
    if subject["kind"] == "ServiceAccount":
        place = subject.get("namespace") or namespace
        return f"User:{SERVICE_ACCOUNT_PREFIX}{place}:{subject['name']}"
    return f"{subject['kind']}:{subject['name']}"
