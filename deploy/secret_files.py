"""The keys of an instance: made once, each readable by the one user that needs it."""

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy import users
from deploy.files import Access, file_write
from paas.settings.instance import Instance

# root (orchestrator, migrations) and the group of web and workers
_SHARED = Access(group=users.WEB, mode=0o440)
_PUBLIC = Access(mode=0o444)
_TOKEN_CERTIFICATE_DAYS = 3650


def missing(instance: Instance) -> list[str]:
    """Return the names of those that are not there, or not with their owner and mode."""
    wanted = dict.fromkeys(_MAKERS, _SHARED) | {"registry-token.crt": _PUBLIC}
    return [n for n, access in wanted.items() if not access.holds(instance.secrets / n)]


def create(instance: Instance, *, now: datetime) -> None:
    """Make what is missing and mend owners and modes; a secret that exists is never replaced."""
    for name, make in _MAKERS.items():
        path = instance.secrets / name
        file_write(path, path.read_bytes() if path.exists() else make(), _SHARED)
    certificate = instance.secrets / "registry-token.crt"
    if not certificate.exists():
        key = (instance.secrets / "registry-token.key").read_bytes()
        file_write(certificate, _token_certificate(key, instance, now), _PUBLIC)


def _text_secret() -> bytes:
    return secrets.token_urlsafe(48).encode() + b"\n"


def _seal_keys() -> bytes:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return f"k{secrets.token_hex(4)}:{key}\n".encode()


def _ticket_key() -> bytes:
    return secrets.token_bytes(32)


def _signing_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


_MAKERS: dict[str, Callable[[], bytes]] = {
    "django.key": _text_secret,
    "seal.keys": _seal_keys,
    "node-ticket.key": _ticket_key,
    "sa-signing.key": _signing_key,
    "registry-token.key": _signing_key,
    "registry-notify.token": _text_secret,
    "registry-http.key": _text_secret,
}


def _token_certificate(key_pem: bytes, instance: Instance, now: datetime) -> bytes:
    """Return a self-signed certificate: Distribution trusts tokens through `x5c` only."""
    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 -- _signing_key makes no other
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{instance.name} registry tokens")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(hours=1))
        .not_valid_after(now.astimezone(UTC) + timedelta(days=_TOKEN_CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def read(instance: Instance, name: str) -> str:
    """Return a secret that is text, for a configuration that only its server may read."""
    return Path(instance.secrets / name).read_text().strip()
