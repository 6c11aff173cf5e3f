"""What an image says of itself, read once from the registry into an Image object.

Source: image.openshift.io/v1 Image, docker.io DockerImage metadata 1.0; OCI image-spec config.
"""

from typing import Any

import orjson

from paas.core.objects import ApiObject, Digest
from paas.core.shape import maps, number, submap, text
from paas.images.names import Repository, parse_digest
from paas.images.registry import DOCKER_LIST, OCI_INDEX, Manifest, Registry

LISTS = frozenset({DOCKER_LIST, OCI_INDEX})
METADATA_VERSION = "1.0"
CONFIG_MAX_BYTES = 128 * 1024
PLATFORMS_MAX = 50
SHOWN = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Labels",
    "StopSignal",
    "User",
    "Volumes",
    "WorkingDir",
)
_PLATFORM = ("linux", "amd64")


def image_object(registry: Registry, repository: Repository, digest: Digest) -> ApiObject:
    """Return the Image of a digest; of a list, with the metadata of its linux/amd64 image.

    Raises ImageUnknownError, RegistryUnavailableError.
    """
    manifest = registry.manifest(repository, digest)
    image: ApiObject = {
        "apiVersion": "image.openshift.io/v1",
        "kind": "Image",
        "metadata": {
            "name": digest,
            "annotations": {"image.openshift.io/manifestBlobStored": "true"},
        },
        "dockerImageReference": repository.at(digest),
        "dockerImageManifestMediaType": manifest.media_type,
        "dockerImageMetadataVersion": METADATA_VERSION,
    }
    if manifest.media_type in LISTS:
        image["dockerImageManifests"] = [_platform_of(one) for one in _entries(manifest)]
        manifest = _of_platform(registry, repository, manifest) or manifest
    if manifest.media_type not in LISTS:
        image |= _single(registry, repository, manifest)
    return image


def _single(registry: Registry, repository: Repository, manifest: Manifest) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {
            "name": text(one, "digest"),
            "size": number(one, "size") or 0,
            "mediaType": text(one, "mediaType"),
        }
        for one in maps(manifest.body, "layers")
    ]
    image_id = parse_digest(text(manifest.body, "config", "digest"))
    config = registry.document(repository, image_id) if image_id else {}
    size = sum(one["size"] for one in layers) + manifest.size_bytes
    return {
        "dockerImageLayers": layers,
        "dockerImageMetadata": _metadata(config, image_id or "", size),
    }


def _metadata(config: dict[str, Any], image_id: str, size_bytes: int) -> dict[str, Any]:
    """Return the parts of a configuration that builds, console and `oc describe` show.

    The configuration is a stranger's: what is too large to keep is left out.
    """
    inner = submap(config, "config")
    kept = {key: inner[key] for key in SHOWN if inner.get(key)}
    body: dict[str, Any] = {
        "kind": "DockerImage",
        "apiVersion": "image.openshift.io/1.0",
        "Id": image_id,
        "Created": text(config, "created"),
        "Architecture": text(config, "architecture"),
        "Os": text(config, "os"),
        "Size": size_bytes,
        "Config": kept if len(orjson.dumps(kept)) <= CONFIG_MAX_BYTES else {},
    }
    return {key: value for key, value in body.items() if value}


def _entries(manifest: Manifest) -> list[dict[str, Any]]:
    return maps(manifest.body, "manifests")[:PLATFORMS_MAX]


def _platform_of(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "digest": text(entry, "digest"),
        "mediaType": text(entry, "mediaType"),
        "manifestSize": number(entry, "size") or 0,
        "architecture": text(entry, "platform", "architecture"),
        "os": text(entry, "platform", "os"),
        "variant": text(entry, "platform", "variant"),
    }


def _of_platform(registry: Registry, repository: Repository, manifest: Manifest) -> Manifest | None:
    for entry in map(_platform_of, _entries(manifest)):
        digest = parse_digest(entry["digest"])
        if digest and (entry["os"], entry["architecture"]) == _PLATFORM:
            return registry.manifest(repository, digest)
    return None
