"""Gives each Service its address, inside the transaction that stores it.

The rows are the truth: an address is taken while a stored Service has it and free as soon as none
has. Source: k8s.io/kubernetes/pkg/registry/core/service/storage (alloc.go), KEP-3070 (bands).
"""

import secrets
from collections.abc import Collection, Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any

from paas.apimachinery import fielderrors
from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.words import invalid
from paas.core.actors import MASTERS
from paas.core.errors import Cause, PaasError
from paas.core.objects import ApiObject
from paas.orchestration.network.services import platform_addresses
from paas.settings.instance import Instance

if TYPE_CHECKING:
    from psycopg import Connection

HEADLESS = "None"
_LOCK = 0x6D6E5356  # "mnSV": one allocation at a time; held to the transaction's end
_DRAWS = 16
_BAND_MIN, _BAND_MAX, _BAND_SHARE = 16, 256, 16
_TAKEN_AMONG = """
    SELECT fields->>'spec.clusterIP' FROM minato_object
     WHERE resource = 'services' AND fields->>'spec.clusterIP' = ANY(%s)
"""
_TAKEN = "SELECT fields->>'spec.clusterIP' FROM minato_object WHERE resource = 'services'"


class ServiceAddress(AdmissionPlugin):
    """Fills in spec.clusterIP and clusterIPs, or takes the address that the client asks for."""

    name = "ServiceAddress"
    resources = frozenset({"services"})
    needs_transaction = True

    def __init__(self, instance: Instance) -> None:
        self._network = instance.service_network
        self._platform = frozenset(map(str, platform_addresses(instance)))

    def validate(self, request: AdmissionRequest) -> None:
        """Refuse families that this cluster does not have. Source: alloc.go initIPFamilyFields."""
        if request.obj is None or request.subresource or not needs_address(request.obj):
            return
        spec = request.obj["spec"]
        families = spec.get("ipFamilies") or []
        causes = [
            fielderrors.invalid(
                f"spec.ipFamilies[{place}]", family, "not configured on this cluster"
            )
            for place, family in enumerate(families)
            if family != "IPv4"
        ]
        if spec.get("ipFamilyPolicy") == "RequireDualStack":
            why = "this cluster is not configured for dual-stack services"
            causes.append(fielderrors.invalid("spec.ipFamilyPolicy", "RequireDualStack", why))
        if causes:
            raise invalid(request.kind, request.name, causes)

    def commit(self, request: AdmissionRequest, connection: "Connection[Any]") -> None:
        """Take an address, if the service needs one and has none that it had before."""
        if request.obj is None or request.subresource or not needs_address(request.obj):
            return
        wanted = request.obj["spec"].get("clusterIP") or ""
        if request.old is not None and wanted and wanted == _address_of(request.old):
            return
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        address = self._requested(request, wanted, connection) if wanted else self._any(connection)
        request.obj["spec"]["clusterIP"] = address
        request.obj["spec"]["clusterIPs"] = [address]

    def _requested(
        self, request: AdmissionRequest, text: str, connection: "Connection[Any]"
    ) -> str:
        if why := self._not_in_range(text):
            raise self._refused(request, text, why)
        reserved = text in self._platform and MASTERS not in request.actor.groups
        if reserved or _taken(connection, [text]):
            raise self._refused(request, text, "provided IP is already allocated")
        return text

    def _not_in_range(self, text: str) -> str:
        try:
            if int(IPv4Address(text)) in inside(self._network):
                return ""
        except AddressValueError:
            pass
        return (
            f"the provided IP ({text}) is not in the valid range. "
            f"The range of valid IPs is {self._network}"
        )

    def _refused(self, request: AdmissionRequest, text: str, why: str) -> PaasError:
        message = f"failed to allocate IP {text}: {why}"
        cause: Cause = fielderrors.invalid("spec.clusterIPs", [text], message)
        return invalid(request.kind, request.name, [cause])

    def _any(self, connection: "Connection[Any]") -> str:
        lower, upper = bands(self._network)
        drawn = [str(upper[secrets.randbelow(len(upper))]) for _ in range(_DRAWS)]
        if free := first_free(drawn, _taken(connection, drawn) | self._platform):
            return free
        taken = {row[0] for row in connection.execute(_TAKEN)} | self._platform
        if free := first_free(map(str, (*upper, *lower)), taken):
            return free
        raise PaasError("failed to allocate a serviceIP: range is full")


def needs_address(service: ApiObject) -> bool:
    """Say whether a service is neither headless nor a mere name."""
    spec = service.get("spec") or {}
    headless = HEADLESS in {spec.get("clusterIP"), *(spec.get("clusterIPs") or ())}
    return spec.get("type") != "ExternalName" and not headless


def inside(network: IPv4Network) -> range:
    """Return the numbers of the addresses that may be given out: all but first and last."""
    return range(int(network[1]), int(network[-1]))


def bands(network: IPv4Network) -> tuple[list[IPv4Address], list[IPv4Address]]:
    """Return the addresses for those who ask for one, and those for everybody else.

    Source: KEP-3070: the lower band has min(max(16, size / 16), 256) addresses.
    """
    size = min(max(_BAND_MIN, network.num_addresses // _BAND_SHARE), _BAND_MAX)
    every = [IPv4Address(number) for number in inside(network)]
    return every[: size - 1], every[size - 1 :]


def first_free(candidates: Iterable[str], taken: Collection[str]) -> str:
    """Return the first candidate that is not taken, or an empty string."""
    return next((one for one in candidates if one not in taken), "")


def _taken(connection: "Connection[Any]", addresses: list[str]) -> set[str]:
    return {row[0] for row in connection.execute(_TAKEN_AMONG, (addresses,))}


def _address_of(service: ApiObject) -> str:
    return str((service.get("spec") or {}).get("clusterIP") or "")
