"""Images in podman's storage: find, pull, list, remove."""

import base64
import hashlib
import json
import re
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from paas.core.errors import NotFoundError
from paas.runtime.base import (
    ImagePullFailedError,
    ImageState,
    RegistryAuth,
    RuntimeFailedError,
    RuntimeUnavailableError,
)
from paas.runtime.podman.references import normalized
from paas.runtime.podman.transport import Lines, Transport, segment

PULL_SILENCE_S = 600.0
Stamp = tuple[int, ...]
_REAL_TIME = re.compile(r"SIGRT(MIN\+|MAX-)(1[0-5]|[1-9])")


class PodmanImages:
    """The images of one storage. `root` gives podman's root directory when it is first needed.

    What podman said of an image is believed until the storage's own index of images has changed,
    whoever changed it: to ask for each container costs 15 ms.
    """

    def __init__(self, transport: Transport, root: Callable[[], Path]) -> None:
        self._transport = transport
        self._root = root
        self._found: tuple[Stamp, dict[str, ImageState]] = ((), {})

    def find(self, reference: str) -> ImageState | None:
        """Return the image, or None."""
        wanted = normalized(reference)
        stamp, found = self._found
        if (now := self._stamp()) != stamp or not now:
            found = {}
            self._found = (now, found)
        if wanted not in found:
            try:
                found[wanted] = self._state(wanted, wanted)
            except NotFoundError:
                return None
        return found[wanted]

    def pull(self, reference: str, auth: RegistryAuth | None) -> ImageState:
        """Pull, even if the tag is here already; return the image."""
        wanted = normalized(reference)
        headers = {"X-Registry-Auth": _auth(auth)} if auth else {}
        query = {"reference": wanted, "policy": "always", "quiet": "true"}
        try:
            lines = self._transport.lines(
                "POST", "/images/pull", query=query, headers=headers, silence_s=PULL_SILENCE_S
            )
            return self._state(_pulled_id(lines, wanted), wanted)
        except (RuntimeFailedError, NotFoundError) as error:
            raise ImagePullFailedError(error.message) from error

    def all(self) -> list[ImageState]:
        """Return all images. One call each: the list leaves out the image's configuration."""
        rows = self._transport.call("GET", "/images/json").json()
        found = (self.find(row["Id"]) for row in rows)
        return [image for image in found if image is not None]

    def remove(self, image_id: str) -> None:
        """Remove with all its names; nothing happens if it is gone.

        Raises RuntimeFailedError when a container uses it: asked first, because podman would take
        the names off before it refuses.
        """
        query = {"all": "true", "filters": json.dumps({"ancestor": [image_id]})}
        if self._transport.call("GET", "/containers/json", query=query).json():
            raise RuntimeFailedError(f"image {image_id} is in use by a container")
        try:
            self._transport.call("POST", f"/images/{segment(image_id)}/untag")
            self._transport.call("DELETE", f"/images/{segment(image_id)}")
        except NotFoundError:
            return

    def _stamp(self) -> Stamp:
        """Return what tells one state of the index from the next: it is replaced, never changed."""
        try:
            seen = (self._root() / "overlay-images" / "images.json").stat()
        except FileNotFoundError:
            return ()
        return seen.st_ino, seen.st_mtime_ns, seen.st_size

    def _state(self, name: str, wanted: str) -> ImageState:
        body = self._transport.call("GET", f"/images/{segment(name)}/json").json()
        return _state(body, self._digest(body, wanted))

    def _digest(self, body: dict[str, Any], wanted: str) -> str:
        """Return the digest asked for, else that of the manifest that came last.

        One image may have several manifests (its layers packed anew by another registry), and
        podman then names the first it ever saw.
        """
        by_digest = body.get("RepoDigests") or []
        if wanted in by_digest:
            return wanted.partition("@")[2]
        if len({name.partition("@")[2] for name in by_digest}) > 1:
            manifest = self._root() / "overlay-images" / str(body["Id"]) / "manifest"
            if manifest.exists():
                return f"sha256:{hashlib.sha256(manifest.read_bytes()).hexdigest()}"
        return str(body["Digest"])


def _pulled_id(lines: Lines, wanted: str) -> str:
    """Return the id that the pull ends with. Raises ImagePullFailedError with podman's words."""
    last: dict[str, Any] = {}
    for line in lines:
        last = json.loads(line)
        if message := last.get("error"):
            lines.close()
            raise ImagePullFailedError(str(message))
    if "id" not in last:
        raise RuntimeUnavailableError(f"podman went away while it pulled {wanted}")
    return str(last["id"])


def _auth(auth: RegistryAuth) -> str:
    """Return the header's value: one credential, or for a location of its own a map of it."""
    one = {"username": auth.username, "password": auth.password}
    body = json.dumps({auth.location: one} if auth.location else one)
    return base64.urlsafe_b64encode(body.encode()).decode()


def _state(body: dict[str, Any], digest: str) -> ImageState:
    config = body.get("Config") or {}
    return ImageState(
        id=body["Id"],
        digest=digest,
        references=(*(body.get("RepoTags") or ()), *(body.get("RepoDigests") or ())),
        size_bytes=body["Size"],
        user=body.get("User", ""),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=dict(_pairs(config.get("Env") or ())),
        labels=body.get("Labels") or {},
        exposed_ports=tuple(sorted(config.get("ExposedPorts") or {})),
        working_dir=config.get("WorkingDir", ""),
        stop_signal=stop_signal(config.get("StopSignal", "")),
    )


def stop_signal(said: str) -> str:
    """Return an image's STOPSIGNAL as podman takes it; empty where there is no such signal.

    Source: OCI image configuration; moby signal.ParseSignal: a name, with SIG or not, or a number.
    """
    if said.isdecimal():
        return said if 0 < int(said) <= signal.SIGRTMAX else ""
    name = f"SIG{said.upper().removeprefix('SIG')}"
    is_known = name in signal.Signals.__members__ or _REAL_TIME.fullmatch(name)
    return name if is_known else ""


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition("=")
        yield name, value
