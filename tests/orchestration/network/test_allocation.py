"""Service addresses on a real door and a real PostgreSQL: none twice, none lost."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network

import pytest

from paas.apimachinery.admission import AdmissionRequest
from paas.apimachinery.options import WriteOptions
from paas.apimachinery.scheme import Scheme
from paas.core.actors import platform_actor, user_actor
from paas.core.errors import InvalidError, PaasError
from paas.orchestration.kinds import KINDS
from paas.orchestration.network.allocation import ServiceAddress, bands, first_free
from paas.settings.instance import Instance

INSTANCE = Instance(number=13)
ACTOR = platform_actor("test")


@pytest.fixture
def door_scheme():
    return Scheme(KINDS, [ServiceAddress(INSTANCE)])


@pytest.fixture
def project(door):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    door.create(ACTOR, namespace)
    return door


def service(name, **spec):
    body = {"ports": [{"port": 80}], **spec}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body}


def create(door, name, *, options=None, **spec):
    return door.create(ACTOR, service(name, **spec), "shop", options=options)["spec"]


def test_a_service_gets_an_address_of_the_upper_band(project):
    spec = create(project, "web")
    assert IPv4Address(spec["clusterIP"]) in bands(INSTANCE.service_network)[1]
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    assert project.get(ACTOR, "services", "web", "shop")["spec"] == spec


def test_fifty_services_made_at_once_have_fifty_addresses(project):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: create(project, f"web-{number}"), range(50)))
    assert len({spec["clusterIP"] for spec in made}) == 50


def test_an_address_asked_for_is_given_once(project):
    wanted = str(INSTANCE.service_network[20])
    assert create(project, "first", clusterIP=wanted)["clusterIP"] == wanted
    with pytest.raises(InvalidError) as caught:
        create(project, "second", clusterIP=wanted)
    assert caught.value.message == (
        f'Service "second" is invalid: spec.clusterIPs: Invalid value: ["{wanted}"]: '
        f"failed to allocate IP {wanted}: provided IP is already allocated"
    )
    project.delete(ACTOR, "services", "first", "shop")
    assert create(project, "second", clusterIP=wanted)["clusterIP"] == wanted


@pytest.mark.parametrize("address", ["8.8.8.8", "172.30.208.0", "172.30.223.255", "fd00::1"])
def test_an_address_outside_the_range_is_refused(project, address):
    with pytest.raises(InvalidError, match="is not in the valid range"):
        create(project, "web", clusterIP=address)


def test_platform_addresses_are_for_the_platform_alone(project):
    address = str(INSTANCE.dns_service_address)
    kind = project.scheme.kind_of("services")
    eve = user_actor("eve")
    request = AdmissionRequest(
        "CREATE", kind, "shop", "dns", eve, project, service("dns", clusterIP=address)
    )
    with project.store.transaction() as connection, pytest.raises(InvalidError) as caught:
        ServiceAddress(INSTANCE).commit(request, connection)
    assert "provided IP is already allocated" in caught.value.message
    assert create(project, "dns", clusterIP=address)["clusterIP"] == address


def test_headless_and_external_services_get_none(project):
    assert create(project, "db", clusterIP="None")["clusterIP"] == "None"
    external = create(project, "far", type="ExternalName", externalName="example.org")
    assert "clusterIP" not in external


def test_a_service_that_becomes_headed_gets_an_address_and_keeps_it(project):
    create(project, "far", type="ExternalName", externalName="example.org")
    spec = project.update(ACTOR, service("far", type="ClusterIP"))["spec"]
    assert IPv4Address(spec["clusterIP"]) in INSTANCE.service_network
    again = project.update(ACTOR, service("far", ports=[{"port": 81}]))["spec"]
    assert again["clusterIP"] == spec["clusterIP"]


def test_a_dry_run_takes_no_address(project):
    wanted = str(INSTANCE.service_network[21])
    create(project, "web", clusterIP=wanted, options=WriteOptions(dry_run=True))
    assert create(project, "other", clusterIP=wanted)["clusterIP"] == wanted


def test_families_that_the_cluster_lacks_are_refused(project):
    with pytest.raises(InvalidError, match="not configured on this cluster"):
        create(project, "web", ipFamilies=["IPv6"])
    with pytest.raises(InvalidError, match="not configured for dual-stack services"):
        create(project, "web", ipFamilyPolicy="RequireDualStack")


def test_a_full_range_says_so_and_the_lower_band_is_the_reserve(monkeypatch, project):
    tiny = ServiceAddress(INSTANCE)
    tiny._network = IPv4Network("172.30.208.0/27")
    monkeypatch.setattr(project.scheme, "plugins", (tiny,))
    free = 30 - 3  # three are the platform's
    made = {create(project, f"web-{number}")["clusterIP"] for number in range(free)}
    assert len(made) == free
    with pytest.raises(PaasError, match="range is full"):
        create(project, "one-too-many")


def test_bands_are_sized_as_upstream_sizes_them():
    lower, upper = bands(IPv4Network("172.30.0.0/20"))
    assert (str(lower[0]), len(lower)) == ("172.30.0.1", 255)
    assert (str(upper[0]), str(upper[-1])) == ("172.30.1.0", "172.30.15.254")
    assert first_free(["a", "b"], {"a"}) == "b"
    assert first_free(["a"], {"a"}) == ""
