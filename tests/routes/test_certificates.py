"""A route's own certificate at the real door: what is taken, what is refused and why."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from paas.core.actors import platform_actor
from paas.core.errors import InvalidError
from tests.routes.objects import namespace_object, route_object

ROOT = platform_actor("test")
HOST = "www.example.org"


def edge(own, **changes):
    return {"termination": "edge", "certificate": own.certificate, "key": own.key, **changes}


@pytest.fixture
def door(platform_door):
    platform_door.create(ROOT, namespace_object("shop"))
    return platform_door


def refusal(door, tls):
    with pytest.raises(InvalidError) as caught:
        door.create(ROOT, route_object(host=HOST, tls=tls))
    return {cause.field: cause.message for cause in caught.value.causes}


def test_a_certificate_with_its_key_is_taken(door, own_certificate):
    for key in (None, rsa.generate_private_key(65537, 2048)):
        own = own_certificate(HOST, key=key)
        made = door.create(ROOT, route_object(f"web{bool(key)}".lower(), host=HOST, tls=edge(own)))
        assert made["spec"]["tls"]["key"] == own.key


def test_another_certificates_key_is_refused(door, own_certificate):
    one, other = own_certificate(HOST), own_certificate(HOST)
    found = refusal(door, edge(one, key=other.key))
    assert "is not the key of the certificate" in found["spec.tls.key"]
    assert "PRIVATE" not in str(found)


def test_an_expired_certificate_is_refused(door, own_certificate):
    found = refusal(door, edge(own_certificate(HOST, begin_days=-3, days=-1)))
    assert "has been expired since" in found["spec.tls.certificate"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("certificate", "no certificate"), ("key", "no key"), ("caCertificate", "no authority")],
)
def test_what_is_not_pem_is_refused(door, own_certificate, field, value):
    assert f"spec.tls.{field}" in refusal(door, edge(own_certificate(HOST), **{field: value}))


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 -- what is to be refused
        ec.generate_private_key(ec.SECP192R1()),
    ],
)
def test_a_key_that_openssl_would_not_load_is_refused(door, own_certificate, key):
    assert "spec.tls.certificate" in refusal(door, edge(own_certificate(HOST, key=key)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"externalCertificate": {"name": ""}}, "spec.tls.externalCertificate.name"),
        ({"externalCertificate": {"name": "No_Name"}}, "spec.tls.externalCertificate.name"),
        ({"externalCertificate": {"name": "a"}, "key": "k"}, "spec.tls.externalCertificate"),
    ],
)
def test_a_secret_is_named_instead_of_a_certificate(door, change, field):
    assert list(refusal(door, {"termination": "edge", **change})) == [field]


def test_a_route_may_name_a_secret_that_comes_later(door):
    tls = {"termination": "edge", "externalCertificate": {"name": "web-tls"}}
    assert door.create(ROOT, route_object(host=HOST, tls=tls))["spec"]["tls"] == tls
