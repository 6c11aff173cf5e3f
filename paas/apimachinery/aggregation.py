"""ClusterRoles that hold what other ClusterRoles hold, chosen by their labels. Pure.

A part that is aggregated itself counts by its own parts, not by what is written in it: all is known
at once, and in a circle nothing stays that no role gives any more (upstream's controller takes what
is written, one link of a chain at a time).
Source: k8s.io/kubernetes/pkg/controller/clusterroleaggregation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from paas.core.objects import ApiObject, labels_of, name_of
from paas.core.selectors import LabelSelector, selector_from_object

Policies = list[Mapping[str, Any]]


def aggregates(role: ApiObject) -> bool:
    """Say whether the rules of a role are those of others."""
    return role.get("aggregationRule") is not None


def aggregated_by(role: ApiObject) -> list[LabelSelector]:
    """Return the selectors of a role; none where it is not aggregated."""
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    return [selector_from_object(one) for one in selectors]


def held_rules(role: ApiObject, roles: Iterable[ApiObject]) -> Policies:
    """Return the PolicyRules that a ClusterRole holds, among `roles`; each once.

    Those of an aggregated role are in the order of its selectors, and then of the names of what
    they select.
    """
    if not aggregates(role):
        return list(role.get("rules") or ())
    # what has no label may be selected too: by `{}`, or by DoesNotExist
    ordered = sorted(roles, key=name_of)
    found: dict[bytes, Mapping[str, Any]] = {}
    for rule in _gathered(role, ordered, {name_of(role)}):
        found.setdefault(orjson.dumps(rule, option=orjson.OPT_SORT_KEYS), rule)
    return list(found.values())


def _gathered(
    role: ApiObject, roles: Sequence[ApiObject], seen: set[str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the rules of an aggregated role's parts; each role is entered once."""
    for selector in aggregated_by(role):
        for part in roles:
            if name_of(part) in seen or not selector.matches(labels_of(part)):
                continue
            seen.add(name_of(part))
            if aggregates(part):
                yield from _gathered(part, roles, seen)
            else:
                yield from part.get("rules") or ()
