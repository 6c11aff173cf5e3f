"""TLS of an instance: its own authority, the platform's certificate, the applications' wildcard.

Elliptic-curve keys; certificates are renewed when they are about to expire or when what they
must name has changed. The authority is made once and never replaced by us.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy import layout, users
from deploy.files import Access, file_write
from paas.settings.instance import Instance

CA_DAYS = 3650
# 825 days is the most that Apple's clients accept from any authority.
SERVER_DAYS = 820
RENEW_BEFORE = timedelta(days=60)
_REGISTRY = "image-registry.openshift-image-registry.svc"
_API = "kubernetes.default.svc"


def platform_names(instance: Instance) -> list[str]:
    """Return every name and address under which clients reach API, console, git and registry."""
    hosts = [instance.console_host, instance.api_host, instance.git_host, instance.registry_host]
    inside = ["kubernetes", "kubernetes.default", _API, f"{_API}.cluster.local"]
    inside += [_REGISTRY, f"{_REGISTRY}.cluster.local"]
    addresses = [
        "127.0.0.1",
        layout.loopback(instance),
        str(instance.node_address),
        str(instance.api_service_address),
        str(instance.registry_service_address),
    ]
    return list(dict.fromkeys([*hosts, *inside, *addresses]))


def apps_names(instance: Instance) -> list[str]:
    """Return what the router's default certificate is for."""
    return [f"*.{instance.apps_domain}", instance.apps_domain]


def due(instance: Instance, *, now: datetime) -> list[str]:
    """Return which files are missing, about to expire, or name the wrong hosts."""
    if not (instance.ca_file.exists() and layout.ca_key_file(instance).exists()):
        return ["ca.crt", "platform.pem", "apps.pem"]
    authority = x509.load_pem_x509_certificate(instance.ca_file.read_bytes())
    wanted = {
        layout.platform_certificate(instance): platform_names(instance),
        layout.apps_certificate(instance): apps_names(instance),
    }
    return [
        path.name for path, names in wanted.items() if not _good(path, names, authority, now=now)
    ]


def issue(instance: Instance, *, now: datetime) -> None:
    """Make the authority if there is none, and what is due."""
    names = due(instance, now=now)
    if "ca.crt" in names:
        _authority_make(instance, now)
    if "platform.pem" in names:
        path = layout.platform_certificate(instance)
        server_make(instance, path, platform_names(instance), now)
    if "apps.pem" in names:
        server_make(instance, layout.apps_certificate(instance), apps_names(instance), now)


def _good(path: Path, names: Sequence[str], authority: x509.Certificate, *, now: datetime) -> bool:
    if not path.exists():
        return False
    found = x509.load_pem_x509_certificate(path.read_bytes())
    stated = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        list(stated) == _alternative_names(names)
        and found.issuer == authority.subject
        and found.not_valid_after_utc > now + RENEW_BEFORE
    )


def _alternative_names(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(subject: x509.Name, now: datetime, days: int) -> x509.CertificateBuilder:
    start = now.astimezone(UTC) - timedelta(hours=1)  # clocks of clients may be a little behind
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
    )


def _authority_make(instance: Instance, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # the moment makes the name unique: a browser keeps authorities apart by it
    common = f"Minato {instance.domain} {now.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        _builder(name, now, CA_DAYS)
        .issuer_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    file_write(layout.ca_key_file(instance), _pem(key), Access(mode=0o400))
    file_write(instance.ca_file, made.public_bytes(serialization.Encoding.PEM))


def server_make(instance: Instance, path: Path, names: Sequence[str], now: datetime) -> None:
    """Write a certificate for these names with its key, signed by the instance's authority."""
    authority = x509.load_pem_x509_certificate(instance.ca_file.read_bytes())
    loaded = serialization.load_pem_private_key(layout.ca_key_file(instance).read_bytes(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101 -- _authority_make made it
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    signer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    made = (
        _builder(subject, now, SERVER_DAYS)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(names)), critical=False)
        .add_extension(signer, critical=False)
        .sign(loaded, hashes.SHA256())
    )
    chain = made.public_bytes(serialization.Encoding.PEM)
    file_write(path, chain + _pem(key), Access(group=users.ROUTER, mode=0o640))


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
