"""The instance's own authority and what it signs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from deploy import certificates, layout
from paas.settings.instance import Instance
from tests.deploy.conftest import NOW


def _authority(instance: Instance) -> x509.Certificate:
    return x509.load_pem_x509_certificate(instance.ca_file.read_bytes())


def _served(instance: Instance) -> x509.Certificate:
    return x509.load_pem_x509_certificate(layout.platform_certificate(instance).read_bytes())


def _verify(instance: Instance, leaf: x509.Certificate, name: str, now: datetime = NOW) -> None:
    store = Store([_authority(instance)])
    try:
        subject: x509.IPAddress | x509.DNSName = x509.IPAddress(ip_address(name))
    except ValueError:
        subject = x509.DNSName(name)
    builder = PolicyBuilder().store(store).time(now.replace(tzinfo=None))
    builder.build_server_verifier(subject).verify(leaf, [])


@pytest.mark.parametrize(
    "name",
    [
        "console.localhost",
        "api.localhost",
        "git.localhost",
        "registry.localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "image-registry.openshift-image-registry.svc",
        "image-registry.openshift-image-registry.svc.cluster.local",
        "127.0.0.1",
    ],
)
def test_a_strict_client_accepts_the_platform_under_each_of_its_names(
    instance: Instance, name: str
):
    _verify(instance, _served(instance), name)


def test_a_strict_client_accepts_the_platform_under_its_own_addresses(instance: Instance):
    for address in (instance.node_address, instance.api_service_address):
        _verify(instance, _served(instance), str(address))


def test_the_applications_certificate_is_for_applications_only(instance: Instance):
    leaf = x509.load_pem_x509_certificate(layout.apps_certificate(instance).read_bytes())
    _verify(instance, leaf, "web-shop.apps.localhost")
    with pytest.raises(VerificationError):
        _verify(instance, leaf, "console.localhost")


def test_nothing_is_due_until_sixty_days_before_the_end(instance: Instance):
    end = _served(instance).not_valid_after_utc
    assert certificates.due(instance, now=end - timedelta(days=61)) == []
    assert certificates.due(instance, now=end - timedelta(days=59)) == ["platform.pem", "apps.pem"]


def test_renewal_keeps_the_authority_that_clients_trust(instance: Instance):
    before = instance.ca_file.read_bytes()
    later = _served(instance).not_valid_after_utc - timedelta(days=10)
    certificates.issue(instance, now=later)
    assert instance.ca_file.read_bytes() == before
    _verify(instance, _served(instance), "api.localhost", later + timedelta(days=300))


def test_another_domain_asks_for_new_certificates(instance: Instance):
    moved = replace(instance, domain="paas.example.org")
    assert certificates.due(moved, now=NOW) == ["platform.pem", "apps.pem"]
    certificates.issue(moved, now=NOW)
    assert certificates.due(moved, now=NOW) == []
    _verify(moved, _served(moved), "console.paas.example.org")


def test_the_authoritys_key_is_for_root_only_and_the_servers_for_the_edge(instance: Instance):
    assert layout.ca_key_file(instance).stat().st_mode & 0o777 == 0o400
    served = layout.platform_certificate(instance)
    assert served.group() == "minato-router"
    assert served.stat().st_mode & 0o007 == 0


def test_a_certificate_is_valid_a_little_before_it_was_made(instance: Instance):
    assert _served(instance).not_valid_before_utc < NOW.astimezone(UTC)
