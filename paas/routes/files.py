"""The files from which HAProxy begins: written so that it could be restarted at any moment."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paas.core.router import (
    CERTIFICATES,
    DIRECTORY,
    FRAME,
    PLAIN_MAP,
    POOLS_MARK,
    SECURE_MAP,
)
from paas.settings.instance import Instance

_OPEN, _GROUP_ONLY = 0o644, 0o640


@dataclass(frozen=True, slots=True)
class RouterFiles:
    """Where the router's files are. Those in `directory` are for its group alone."""

    config: Path
    frame: Path
    directory: Path

    @property
    def plain_map(self) -> Path:
        """Return the map of the http port."""
        return self.directory / PLAIN_MAP

    @property
    def secure_map(self) -> Path:
        """Return the map of TLS connections."""
        return self.directory / SECURE_MAP

    @property
    def certificates(self) -> Path:
        """Return the list of routes' own certificates."""
        return self.directory / CERTIFICATES

    def certificate(self, uid: str) -> Path:
        """Return where a route's own certificate is."""
        return self.directory / f"{uid}.pem"

    def pools_write(self, pools: str) -> None:
        """Write the configuration: set-up's frame as it is now, and the pools."""
        frame, mark, _ = self.frame.read_text().partition(POOLS_MARK)
        _write(self.config, frame + (mark or POOLS_MARK) + pools, _OPEN)

    def map_write(self, path: Path, entries: Mapping[str, str]) -> None:
        """Write a map."""
        lines = (f"{key} {value}\n" for key, value in sorted(entries.items()))
        _write(path, "".join(lines), _GROUP_ONLY)

    def names_write(self, names: Mapping[str, str]) -> None:
        """Write which route has which backend, for whoever reads HAProxy's counters."""
        text = json.dumps(dict(sorted(names.items())), indent=1)
        _write(self.directory / "backends.json", text, _GROUP_ONLY)

    def certificate_write(self, uid: str, bundle: str) -> None:
        """Write a route's certificate with its key."""
        _write(self.certificate(uid), bundle, _GROUP_ONLY)

    def certificate_remove(self, uid: str) -> None:
        """Remove a route's certificate."""
        self.certificate(uid).unlink(missing_ok=True)

    def certificates_write(self, hosts: Mapping[str, str]) -> None:
        """Write the list: which certificate (by route) is for which host."""
        lines = (f"{self.certificate(uid)} {host}\n" for uid, host in sorted(hosts.items()))
        _write(self.certificates, "".join(lines), _GROUP_ONLY)

    def certificate_uids(self) -> set[str]:
        """Return the routes whose certificates lie here."""
        return {path.stem for path in self.directory.glob("*.pem")}


def router_files(instance: Instance) -> RouterFiles:
    """Return the files of an instance."""
    etc = instance.etc
    return RouterFiles(
        config=instance.router_config,
        frame=etc / FRAME,
        directory=etc / DIRECTORY,
    )


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file in one rename; it belongs to the group of its directory."""
    body = text.encode()
    if path.exists() and path.read_bytes() == body:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        os.fchown(file.fileno(), -1, path.parent.stat().st_gid)
        os.fchmod(file.fileno(), mode)
        file.write(body)
    Path(name).replace(path)
