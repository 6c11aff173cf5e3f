"""The podman adapter: libpod REST for containers and images, cgroup files for counters.

Owns how the seam in `paas.runtime.base` is said to podman 4 and runc; refuses to know pods.
"""

from paas.runtime.podman.engine import PodmanRuntime

__all__ = ["PodmanRuntime"]
