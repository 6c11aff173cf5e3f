"""coordination.k8s.io/v1 Lease."""

from paas.apimachinery.columns import AGE, NAME
from paas.apimachinery.fielderrors import invalid, not_negative
from paas.apimachinery.kinds import Column, Kind
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import number, text


def _validate(lease: ApiObject) -> list[Cause]:
    duration = number(lease, "spec", "leaseDurationSeconds")
    wrong: list[Cause] = []
    if duration is not None and duration <= 0:
        wrong.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    transitions = number(lease, "spec", "leaseTransitions")
    return [*wrong, *not_negative("spec.leaseTransitions", transitions)]


LEASE = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    name_errors=subdomain_errors,
    schema="io.k8s.api.coordination.v1.Lease",
    generation=False,
    audited=False,
    validate=_validate,
    columns=(
        NAME,
        Column("Holder", lambda lease: text(lease, "spec", "holderIdentity")),
        AGE,
    ),
)
KINDS = (LEASE,)
