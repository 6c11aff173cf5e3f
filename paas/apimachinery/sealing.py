"""Encryption at rest for the fields that a kind names in `sealed`.

With them go the annotation in which `kubectl apply` keeps a copy of the whole object, and
managedFields, which name each key.
Envelope: each write draws a data key, which encrypts the field (AES-256-GCM, bound to the
object's place); the data key is encrypted by the instance's key, whose id is stored with it.
Rotation: put a new key first in the file; the old ones still open what they sealed.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from paas.core.errors import PaasError
from paas.core.objects import ApiObject, annotations_of, meta, name_of, namespace_of

KEY_BYTES = 32
NONCE_BYTES = 12
MARK = "$sealed"
MANAGED = "managedFields"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class SealError(PaasError):
    """A sealed field cannot be opened: its key is gone, or the row was tampered with."""

    reason = "InternalError"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals with the first key, opens with any. `keys` maps id to 32 bytes, newest first."""

    keys: Mapping[str, bytes]

    def seal(self, obj: ApiObject, fields: tuple[str, ...]) -> ApiObject:
        """Return a copy whose `fields` are sealed; absent and empty ones stay as they are."""
        sealed = {name: self._encrypt(obj, name, obj[name]) for name in fields if obj.get(name)}
        note, managed = annotations_of(obj).get(LAST_APPLIED), meta(obj).get(MANAGED)
        return _noted(
            {**obj, **sealed},
            note and self._encrypt(obj, LAST_APPLIED, note),
            managed and self._encrypt(obj, MANAGED, managed),
        )

    def open(self, obj: ApiObject, fields: tuple[str, ...]) -> ApiObject:
        """Return a copy whose `fields` are readable. Raises SealError."""
        opened = {
            name: self._decrypt(obj, name, obj[name])
            for name in fields
            if _is_sealed(obj.get(name))
        }
        note: Any = annotations_of(obj).get(LAST_APPLIED)
        managed: Any = meta(obj).get(MANAGED)
        return _noted(
            {**obj, **opened},
            _is_sealed(note) and self._decrypt(obj, LAST_APPLIED, note),
            _is_sealed(managed) and self._decrypt(obj, MANAGED, managed),
        )

    def _encrypt(self, obj: ApiObject, name: str, value: object) -> dict[str, dict[str, str]]:
        key_id, key = next(iter(self.keys.items()))
        data_key = secrets.token_bytes(KEY_BYTES)
        place = _place(obj, name)
        return {
            MARK: {
                "key": key_id,
                "dataKey": _b64(_lock(key, data_key, place)),
                "data": _b64(_lock(data_key, orjson.dumps(value), place)),
            }
        }

    def _decrypt(self, obj: ApiObject, name: str, sealed: Mapping[str, Any]) -> object:
        box = sealed[MARK]
        if (key := self.keys.get(box["key"])) is None:
            raise SealError(
                f"The key {box['key']} that sealed {_place(obj, name).decode()} is gone."
            )
        place = _place(obj, name)
        try:
            data_key = _unlock(key, base64.b64decode(box["dataKey"]), place)
            return orjson.loads(_unlock(data_key, base64.b64decode(box["data"]), place))
        except InvalidTag as error:
            raise SealError(f"{place.decode()} cannot be opened: it was changed.") from error


def parse_keys(text: str) -> dict[str, bytes]:
    """Return the keys of a key file: lines `<id>:<base64 of 32 bytes>`. Raises ValueError."""
    pairs = [line.split(":", 1) for line in text.split() if line]
    keys = {key_id: base64.b64decode(value) for key_id, value in pairs}
    if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise ValueError("a key file has lines `<id>:<base64 of 32 bytes>`")
    return keys


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and MARK in value


def _noted(obj: ApiObject, note: object, managed: object) -> ApiObject:
    """Return the object with another note of what was applied last, and other managers.

    Itself where there is neither.
    """
    if not note and not managed:
        return obj
    metadata = dict(meta(obj))
    if note:
        metadata["annotations"] = {**annotations_of(obj), LAST_APPLIED: note}
    if managed:
        metadata[MANAGED] = managed
    return {**obj, "metadata": metadata}


def _place(obj: ApiObject, name: str) -> bytes:
    return f"{obj['kind']}/{namespace_of(obj)}/{name_of(obj)}/{name}".encode()


def _lock(key: bytes, data: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, place)


def _unlock(key: bytes, box: bytes, place: bytes) -> bytes:
    return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], place)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
