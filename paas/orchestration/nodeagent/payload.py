"""What files a configMap, secret, downwardAPI or projected volume holds. Writes nothing.

Source: pkg/volume/{configmap,secret,downwardapi,projected}.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paas.core.objects import ApiObject, namespace_of
from paas.orchestration.nodeagent.atomic import FileContent
from paas.orchestration.nodeagent.downward import Place, field_value, resource_value
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.ports import SourceReader
from paas.orchestration.nodeagent.tokens import TokenCache

DEFAULT_MODE = 0o644
TOKEN_EXPIRATION_S = 3600


@dataclass(frozen=True, slots=True)
class Payloads:
    """Collects the files of one pod's volumes.

    `token_owner` is the host's id that owns tokens, where all containers run as one user.
    """

    pod: ApiObject
    place: Place
    read: SourceReader
    tokens: TokenCache
    now: datetime
    token_owner: int | None = None

    def of_volume(self, volume: Mapping[str, Any]) -> dict[str, FileContent] | None:
        """Return the files by relative path; None for a volume of another sort."""
        if "configMap" in volume:
            source = volume["configMap"]
            return self._keys("configmaps", source, source.get("name", ""), _mode_of(source))
        if "secret" in volume:
            source = volume["secret"]
            return self._keys("secrets", source, source.get("secretName", ""), _mode_of(source))
        if "downwardAPI" in volume:
            return self._downward(volume["downwardAPI"], _mode_of(volume["downwardAPI"]))
        if "projected" in volume:
            return self._projected(volume["projected"])
        return None

    def _projected(self, volume: Mapping[str, Any]) -> dict[str, FileContent]:
        mode = _mode_of(volume)
        files: dict[str, FileContent] = {}
        for source in volume.get("sources") or ():
            if part := source.get("configMap"):
                files |= self._keys("configmaps", part, part.get("name", ""), mode)
            elif part := source.get("secret"):
                files |= self._keys("secrets", part, part.get("name", ""), mode)
            elif (part := source.get("downwardAPI")) is not None:
                files |= self._downward(part, mode)
            elif part := source.get("serviceAccountToken"):
                files[part["path"]] = self._token(part, mode)
        return files

    def _token(self, source: Mapping[str, Any], mode: int) -> FileContent:
        text = self.tokens.token(
            self.pod,
            audience=source.get("audience") or "",
            expiration_s=int(source.get("expirationSeconds") or TOKEN_EXPIRATION_S),
            now=self.now,
        )
        if self.token_owner is not None:
            return FileContent(text.encode(), 0o600, self.token_owner)
        return FileContent(text.encode(), mode)

    def _keys(
        self, resource: str, source: Mapping[str, Any], name: str, mode: int
    ) -> dict[str, FileContent]:
        obj = self.read(resource, namespace_of(self.pod), name)
        if obj is None:
            if source.get("optional"):
                return {}
            raise MountFailedError(f'{resource.removesuffix("s")} "{name}" not found')
        data = _bytes_of(obj)
        items = source.get("items")
        if not items:
            return {key: FileContent(value, mode) for key, value in data.items()}
        files = {}
        for item in items:
            if item["key"] in data:
                content = FileContent(data[item["key"]], item.get("mode", mode))
                files[item["path"]] = content
            elif not source.get("optional"):
                raise MountFailedError(
                    f"references non-existent {_sort_of(obj)} key: {item['key']}"
                )
        return files

    def _downward(self, source: Mapping[str, Any], mode: int) -> dict[str, FileContent]:
        files = {}
        for item in source.get("items") or ():
            if reference := item.get("fieldRef"):
                text = field_value(self.pod, reference["fieldPath"], self.place)
            else:
                text = resource_value(self.pod, item["resourceFieldRef"], self.place)
            files[item["path"]] = FileContent(text.encode(), item.get("mode", mode))
        return files


def _mode_of(source: Mapping[str, Any]) -> int:
    return int(source.get("defaultMode", DEFAULT_MODE))


def _sort_of(obj: ApiObject) -> str:
    return "config" if obj["kind"] == "ConfigMap" else "secret"


def _bytes_of(obj: ApiObject) -> dict[str, bytes]:
    if obj["kind"] == "ConfigMap":
        plain = {key: text.encode() for key, text in (obj.get("data") or {}).items()}
        coded = obj.get("binaryData") or {}
        return plain | {key: base64.b64decode(value) for key, value in coded.items()}
    return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
