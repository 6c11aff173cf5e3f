"""Nobody can grant what they do not have: the rule for writing roles and bindings.

A role's author must hold each of its rules already, or the verb `escalate` on the role; who binds a
role must hold its rules, or the verb `bind` on it. Beyond upstream, whoever labels a ClusterRole so
that another one aggregates it must hold its rules too.
Source: Kubernetes, "Using RBAC Authorization", privilege escalation prevention.
"""

from collections.abc import Iterable, Sequence

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.aggregation import aggregates
from paas.apimachinery.rbac import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    GROUP,
    ROLE,
    ROLE_BINDING,
    Attributes,
    Rule,
    describe,
    rule_of,
    uncovered,
)
from paas.apimachinery.words import forbidden
from paas.core.actors import MASTERS, Actor
from paas.core.objects import ApiObject, labels_of

SHOWN = 10
_ALL = frozenset({"*"})
_EVERYTHING = (Rule(_ALL, _ALL, _ALL), Rule(_ALL, paths=_ALL))
_AGGREGATES = "must have cluster-admin privileges to use the aggregationRule"


class EscalationPrevention(AdmissionPlugin):
    """Checks what a role or binding would give away against what its author holds."""

    name = "RBACEscalation"
    resources = frozenset({ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING})

    def validate(self, request: AdmissionRequest) -> None:
        """Refuse more than the author has."""
        if request.obj is None or MASTERS in request.actor.groups:
            return
        if request.kind.resource in {ROLE, CLUSTER_ROLE}:
            self._check_role(request, request.obj)
        else:
            self._check_binding(request, request.obj)

    def _check_role(self, request: AdmissionRequest, role: ApiObject) -> None:
        old = request.old or {}
        same = old.get("rules") == role.get("rules")
        same = same and old.get("aggregationRule") == role.get("aggregationRule")
        if request.old and same and not _joins_others(request, role):
            return
        wanted = [rule_of(policy) for policy in role.get("rules") or ()]
        asked = Attributes(
            "escalate", GROUP, request.kind.plural, "", request.namespace, request.name
        )
        self._require(request, wanted, asked)
        # it can gather anything; and who takes it away keeps others from taking rules away
        if aggregates(role) or aggregates(old):
            self._require(request, _EVERYTHING, asked, why=_AGGREGATES)

    def _check_binding(self, request: AdmissionRequest, binding: ApiObject) -> None:
        if request.old and request.old.get("subjects") == binding.get("subjects"):
            return
        reference = binding["roleRef"]
        plural = "roles" if reference["kind"] == "Role" else "clusterroles"
        asked = Attributes("bind", GROUP, plural, "", request.namespace, reference["name"])
        if request.door.rbac.allowed(request.actor, asked).allowed:
            return
        rules = request.door.rbac.role_rules(
            reference["kind"], request.namespace, reference["name"]
        )
        if rules is None:
            text = f'{plural}.{GROUP} "{reference["name"]}" not found'
            raise forbidden(request.kind, request.name, text)
        self._require(request, rules, asked)

    def _require(
        self, request: AdmissionRequest, wanted: Iterable[Rule], asked: Attributes, why: str = ""
    ) -> None:
        held = request.door.rbac.rules_for(request.actor, request.namespace)
        missing = uncovered(wanted, held)
        if not missing or request.door.rbac.allowed(request.actor, asked).allowed:
            return
        raise forbidden(request.kind, request.name, why or _grants_more(request.actor, missing))


def _grants_more(actor: Actor, missing: Sequence[Rule]) -> str:
    lines = "\n".join(describe(rule) for rule in missing[:SHOWN])
    return (
        f'user "{actor.name}" (groups={list(actor.groups)}) is attempting to '
        f"grant RBAC permissions not currently held:\n{lines}"
    )


def _joins_others(request: AdmissionRequest, role: ApiObject) -> bool:
    """Say whether new labels make the role's rules part of an aggregated role."""
    if request.kind.resource != CLUSTER_ROLE:
        return False
    rbac = request.door.rbac
    return bool(rbac.aggregators(labels_of(role)) - rbac.aggregators(labels_of(request.old or {})))
