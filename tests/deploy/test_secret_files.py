"""Keys are made once, and each is readable by whom it is for."""

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from deploy import secret_files
from deploy.runner import attempt
from paas.settings.instance import Instance
from tests.deploy.conftest import NOW


def test_nothing_is_missing_after_creation(instance: Instance):
    assert secret_files.missing(instance) == []


def test_a_second_set_up_keeps_every_key(instance: Instance):
    before = {path.name: path.read_bytes() for path in instance.secrets.iterdir()}
    secret_files.create(instance, now=NOW)
    assert {path.name: path.read_bytes() for path in instance.secrets.iterdir()} == before


def test_a_key_with_open_permissions_is_noticed_and_mended(instance: Instance):
    key = instance.secrets / "seal.keys"
    before = key.read_bytes()
    key.chmod(0o644)
    assert secret_files.missing(instance) == ["seal.keys"]
    secret_files.create(instance, now=NOW)
    assert (key.stat().st_mode & 0o777, key.read_bytes()) == (0o440, before)


def test_the_seal_key_is_an_id_and_thirty_two_bytes(instance: Instance):
    name, _, key = (instance.secrets / "seal.keys").read_text().strip().partition(":")
    assert name
    assert len(base64.b64decode(key, validate=True)) == 32


def test_service_account_tokens_can_be_signed_with_the_signing_key(instance: Instance):
    key = load_pem_private_key((instance.secrets / "sa-signing.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    token = jwt.encode({"sub": "a"}, key, algorithm="ES256")
    public = key.public_key()
    assert jwt.decode(token, public, algorithms=["ES256"]) == {"sub": "a"}


def test_the_web_user_reads_its_keys_and_the_databases_user_does_not(instance: Instance):
    key = instance.secrets / "django.key"
    assert attempt(["cat", key], timeout_s=10, user="minato").returncode == 0
    assert attempt(["cat", key], timeout_s=10, user="minato-db").returncode != 0
