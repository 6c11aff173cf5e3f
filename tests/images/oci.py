"""Images made by hand as OCI layouts: a layer with one file, and a configuration."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

_OCI = "application/vnd.oci.image"


class Layout:
    """A directory in the OCI layout. `source` is what skopeo calls it."""

    def __init__(self, place: Path) -> None:
        self._blobs = place / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._place = place
        self.source = f"oci:{place}:latest"
        self.config_digest = ""

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Store a blob; return its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def finish(self, manifest: dict[str, Any]) -> None:
        """Make it the image that the layout names."""
        name = {"org.opencontainers.image.ref.name": "latest"}
        manifests = [{**manifest, "annotations": name}]
        (self._place / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "manifests": manifests})
        )
        (self._place / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def write_image(place: Path, content: str, *, filling: bytes = b"") -> Layout:
    """Write an image whose one file has this content and filling."""
    layout = Layout(place)
    archive = _archive(content.encode() + filling)
    layer = layout.blob(gzip.compress(archive, mtime=0), f"{_OCI}.layer.v1.tar+gzip")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Cmd": ["run", content],
            "User": "1001",
            "ExposedPorts": {"8080/tcp": {}},
            "Labels": {"io.openshift.s2i.scripts-url": "image:///usr/libexec/s2i"},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(archive).hexdigest()}"]},
    }
    described = layout.blob(json.dumps(config).encode(), f"{_OCI}.config.v1+json")
    layout.config_digest = described["digest"]
    media_type = f"{_OCI}.manifest.v1+json"
    body = {"schemaVersion": 2, "mediaType": media_type, "config": described, "layers": [layer]}
    layout.finish(layout.blob(json.dumps(body).encode(), media_type))
    return layout


def _archive(content: bytes) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        member = tarfile.TarInfo("hello")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()
