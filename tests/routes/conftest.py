import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from paas.routes.certificates import certificate_bundle
from tests.fixtures.platform import free_ports
from tests.fixtures.scratch import scratch_make, scratch_remove
from tests.routes.lab import Backends, lab, local_networks


@pytest.fixture
def router_lab():
    """Yield a running router with nothing in it."""
    if os.geteuid() != 0:
        pytest.skip("the router's files belong to its user: needs root")
    home = scratch_make()
    home.chmod(0o755)
    http_port, https_port = free_ports(2)
    with lab(home, http_port=http_port, https_port=https_port) as one:
        yield one
    scratch_remove(home)


@pytest.fixture
def backends():
    """Yield a place to start small web servers."""
    one = Backends()
    yield one
    one.close()


@pytest.fixture(scope="module")
def networks():
    """Make the projects' networks this machine's own for a module's tests."""
    with local_networks():
        yield


@dataclass(frozen=True)
class Own:
    """A certificate that signs itself: `bundle` is what HAProxy gets."""

    certificate: str
    key: str
    der: bytes

    @property
    def bundle(self):
        return certificate_bundle({"certificate": self.certificate, "key": self.key})


@pytest.fixture
def own_certificate():
    """Return a function that makes a certificate for a host."""

    def make(host, *, key=None, days=30, begin_days=-1, digest=None):
        key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=begin_days))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(key, digest or hashes.SHA256())
        )
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        der = made.public_bytes(serialization.Encoding.DER)
        return Own(made.public_bytes(pem).decode(), private.decode(), der)

    return make
