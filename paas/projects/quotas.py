"""What a project uses of what it may use; the bounds are the administrator's to change."""

from collections.abc import Mapping
from dataclasses import dataclass

from paas.apimachinery.options import Patch
from paas.cluster.client import Cluster
from paas.core.actors import Actor
from paas.core.errors import Cause, InvalidError
from paas.core.objects import ApiObject, dig, name_of
from paas.core.quantities import parse_quantity
from paas.projects.services import QUOTA_NAME

QUOTAS = "resourcequotas"


@dataclass(frozen=True, slots=True)
class Usage:
    """One bound of one quota, as Kubernetes quantities; `share` is used / hard, 0 to 1."""

    quota: str
    resource: str
    used: str
    hard: str
    share: float


def usage_list(cluster: Cluster, *, actor: Actor, project: str) -> list[Usage]:
    """Return every bound of the project, by quota, in the order in which it is written."""
    found = cluster.list(actor, QUOTAS, project).items
    return [one for quota in found for one in _usages(quota)]


def quota_set(cluster: Cluster, *, actor: Actor, project: str, hard: Mapping[str, str]) -> None:
    """Change bounds of the project's own quota; an empty value takes a bound away.

    Raises InvalidError naming each value that is no quantity.
    """
    causes = [_cause(key, value) for key, value in hard.items() if value and not _reads(value)]
    if causes:
        raise InvalidError(f"{causes[0].field}: {causes[0].message}", causes=causes)
    wish = {key: value or None for key, value in hard.items()}
    cluster.patch(
        actor, QUOTAS, QUOTA_NAME, project, patch=Patch("merge", {"spec": {"hard": wish}})
    )


def _usages(quota: ApiObject) -> list[Usage]:
    hard = dig(quota, "spec", "hard") or {}
    used = dig(quota, "status", "used") or {}
    return [
        Usage(
            name_of(quota), key, str(used.get(key, "0")), str(bound), _share(used.get(key), bound)
        )
        for key, bound in hard.items()
    ]


def _share(used: str | None, hard: str) -> float:
    bound = parse_quantity(hard)
    if not bound:
        return 1.0
    return min(float(parse_quantity(used or "0") / bound), 1.0)


def _reads(value: str) -> bool:
    try:
        return parse_quantity(value) >= 0
    except ValueError:
        return False


def _cause(key: str, value: str) -> Cause:
    return Cause("FieldValueInvalid", f"{value!r} is not an amount such as 500m, 4 or 2Gi", key)
