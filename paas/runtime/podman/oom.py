"""Whether the kernel killed for memory: podman's own `OOMKilled` is always false with runc here.

The kernel counts a kill in the container's memory group before the process dies, and runc removes
that group when podman cleans up. Our runtime shim (`deploy/images/oci-runtime.sh`, which podman
calls in runc's place) leaves a marker file between the two, so that whoever reads the group first
and the marker second cannot miss it, however late: also after a restart of the node agent.
"""

from pathlib import Path

from paas.runtime.podman.cgroups import MOUNT


class OomMarkers:
    """Reads and removes the marks of one instance. `directory` is the shim's."""

    def __init__(self, instance: str, directory: Path, mount: Path = MOUNT) -> None:
        self._instance = instance
        self._directory = directory
        self._mount = mount

    def killed(self, container_id: str) -> bool:
        """Return whether a process of this container was killed for memory."""
        return self._counted(container_id) or (self._directory / container_id).exists()

    def forget(self, container_id: str) -> None:
        """Remove the mark, with the container."""
        (self._directory / container_id).unlink(missing_ok=True)

    def _counted(self, container_id: str) -> bool:
        group = f"{self._instance}/libpod-{container_id}"
        for path in (
            self._mount / "memory" / group / "memory.oom_control",
            self._mount / group / "memory.events",
        ):
            try:
                words = path.read_text().split()
            except OSError:  # another version of control groups, or it is gone
                continue
            return words[words.index("oom_kill") + 1] != "0"
        return False
