"""A route's own certificate: read, checked and put together for HAProxy.

What passes here must be loadable by OpenSSL at its default security level, because a file that
HAProxy cannot load would keep it from reloading.
"""

from base64 import b64decode
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from paas.apimachinery.fielderrors import invalid, required
from paas.core.errors import Cause
from paas.core.objects import ApiObject, name_of, namespace_of, uid_of
from paas.core.shape import submap, text

TLS_TYPE = "kubernetes.io/tls"
RSA_BITS = 2048
RSA_BITS_MOST = 8192
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
CHAIN_MAX = 10
TEXT_MAX = 64 * 1024
_CERTIFICATE, _KEY, _AUTHORITY = "spec.tls.certificate", "spec.tls.key", "spec.tls.caCertificate"
_HIDDEN = "<hidden>"
_DIGESTS = (hashes.SHA256, hashes.SHA384, hashes.SHA512)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def certificate_problems(tls: dict[str, Any]) -> list[Cause]:
    """Return what is wrong with certificate, key and authorities; having none of them is fine."""
    certificate, key = text(tls, "certificate"), text(tls, "key")
    if not (certificate or key or text(tls, "caCertificate")):
        return []
    if not certificate:
        return [required(_CERTIFICATE, "the key or authority belongs to a certificate")]
    if not key:
        return [required(_KEY, "the certificate is of no use without its key")]
    chain, wrong = _chain(certificate, _CERTIFICATE)
    authorities, more = _chain(text(tls, "caCertificate"), _AUTHORITY)
    private, bad_key = _private(key)
    wrong += [*more, *bad_key]
    if not wrong and private is not None and not _fits(chain[0], private):
        wrong.append(invalid(_KEY, _HIDDEN, "is not the key of the certificate"))
    return wrong + _weaknesses([*chain, *authorities])


def with_secret(tls: dict[str, Any], secret: ApiObject | None) -> dict[str, Any]:
    """Return the TLS part with the certificate and key of the Secret, if it names one."""
    if not submap(tls, "externalCertificate"):
        return tls
    data = submap(secret or {}, "data")
    return {**tls, "certificate": _decoded(data, "tls.crt"), "key": _decoded(data, "tls.key")}


def _decoded(data: dict[str, Any], key: str) -> str:
    return b64decode(text(data, key)).decode(errors="replace")


def secret_problem(tls: dict[str, Any], secret: ApiObject | None) -> str:
    """Return why the Secret that a route names cannot serve it; nothing where it can, or none is.

    Source: github.com/openshift/library-go/pkg/route/validation (ValidateTLSExternalCertificate).
    """
    name = text(tls, "externalCertificate", "name")
    if not name:
        return ""
    if secret is None:
        return f'secrets "{name}" not found'
    if text(secret, "type") != TLS_TYPE:
        return f'secret of type "{TLS_TYPE}" required'
    whole = with_secret(tls, secret)
    if not text(whole, "certificate"):
        return f'secret "{name}" has no certificate'
    return next((f'secret "{name}": {cause.message}' for cause in certificate_problems(whole)), "")


class SecretProblems:
    """Remembers what was found of each Secret: to read an RSA key takes 50 ms. For one thread."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[str, str]] = {}

    def of(self, tls: dict[str, Any], secret: ApiObject | None) -> str:
        """Return what `secret_problem` does."""
        if secret is None or not submap(tls, "externalCertificate"):
            return secret_problem(tls, secret)
        place = (namespace_of(secret), name_of(secret))
        version = f"{uid_of(secret)} {text(secret, 'metadata', 'resourceVersion')}"
        known, problem = self._found.get(place, ("", ""))
        if known != version:
            problem = secret_problem(tls, secret)
            self._found[place] = (version, problem)
        return problem


def certificate_bundle(tls: dict[str, Any]) -> str:
    """Return certificate, authorities and key as one PEM text without blank lines.

    Only for a route that `certificate_problems` has nothing against; empty where it has none.
    """
    if not text(tls, "certificate"):
        return ""
    chain, _ = _chain(text(tls, "certificate"), _CERTIFICATE)
    authorities, _ = _chain(text(tls, "caCertificate"), _AUTHORITY)
    private, _ = _private(text(tls, "key"))
    if private is None:
        return ""
    pem = serialization.Encoding.PEM
    parts = [one.public_bytes(pem) for one in dict.fromkeys([*chain, *authorities])]
    parts.append(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return b"".join(parts).decode()


def expired_since(tls: dict[str, Any], now: datetime) -> datetime | None:
    """Return since when the certificate has been expired, or None."""
    chain, _ = _chain(text(tls, "certificate"), _CERTIFICATE)
    if not chain or chain[0].not_valid_after_utc > now:
        return None
    return chain[0].not_valid_after_utc


def _chain(pem: str, path: str) -> tuple[list[x509.Certificate], list[Cause]]:
    if not pem:
        return [], []
    if len(pem) > TEXT_MAX:
        return [], [invalid(path, _HIDDEN, f"is longer than {TEXT_MAX} characters")]
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        return [], [invalid(path, _HIDDEN, f"is not a certificate in PEM: {error}")]
    if len(found) > CHAIN_MAX:
        return [], [invalid(path, _HIDDEN, f"has more than {CHAIN_MAX} certificates")]
    return found, []


def _private(pem: str) -> tuple[PrivateKey | None, list[Cause]]:
    if len(pem) > TEXT_MAX:
        return None, [invalid(_KEY, _HIDDEN, f"is longer than {TEXT_MAX} characters")]
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError):  # TypeError: the key has a password
        return None, [invalid(_KEY, _HIDDEN, "is not a private key in PEM without a password")]
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return None, [invalid(_KEY, _HIDDEN, "must be an RSA or an elliptic-curve key")]
    return key, []


def _fits(certificate: x509.Certificate, key: PrivateKey) -> bool:
    der, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    mine = key.public_key().public_bytes(der, spki)
    return certificate.public_key().public_bytes(der, spki) == mine


def _weaknesses(certificates: list[x509.Certificate]) -> list[Cause]:
    return [
        invalid(_CERTIFICATE, _HIDDEN, why)
        for one in certificates
        if (why := _key_weakness(one) or _signature_weakness(one))
    ]


def _key_weakness(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        fine = RSA_BITS <= key.key_size <= RSA_BITS_MOST
        return "" if fine else f"an RSA key must have {RSA_BITS} to {RSA_BITS_MOST} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if isinstance(key.curve, CURVES) else "the curve must be P-256, P-384 or P-521"
    return "the key must be an RSA or an elliptic-curve key"


def _signature_weakness(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    return "" if isinstance(digest, _DIGESTS) else "must be signed with SHA-256 or better"
