"""Each project's store of layers: a bounded directory of the machine that only build pods mount.

It only makes builds faster: it may be deleted while none runs. The node agent asks for the path.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paas.apimachinery.engine.controller import Controller
from paas.apimachinery.engine.informer import Informer
from paas.builds.admission import is_build_pod
from paas.builds.names import CACHE_CLAIM
from paas.core.objects import ApiObject, ObjectKey, namespace_of, uid_of
from paas.orchestration.nodeagent.bounded import bounded_directory, bounded_remove
from paas.orchestration.nodeagent.errors import MountFailedError
from paas.orchestration.nodeagent.place import namespace_facts
from paas.orchestration.nodeagent.volumes import ClaimPath

NAME = "build-cache"
LOOK_AGAIN_S = 300.0
SIZE_BYTES = 10 << 30
_ONCE = ObjectKey("nodes", "", NAME)


@dataclass(frozen=True, slots=True)
class BuildCache:
    """The stores below `root`, by the uid of their project; all other claims are `otherwise`'s."""

    root: Path
    namespaces: Informer
    otherwise: ClaimPath
    size_bytes: int = SIZE_BYTES

    def path(self, pod: ApiObject, volume: Mapping[str, Any]) -> Path:
        """Return where a claim of a pod lies. Raises MountFailedError."""
        if volume["persistentVolumeClaim"]["claimName"] != CACHE_CLAIM:
            return self.otherwise(pod, volume)
        namespace = self.namespaces.get("", namespace_of(pod))
        if namespace is None or not is_build_pod(pod):
            raise MountFailedError(f'persistentvolumeclaim "{CACHE_CLAIM}" is for builds alone')
        base = namespace_facts(self.namespaces, pod).user_map.host_base
        place = bounded_directory(self.root / uid_of(namespace), size_bytes=self.size_bytes)
        if place.stat().st_uid != base:
            os.chown(place, base, base)
        return place

    def controller(self) -> Controller:
        """Return what removes the stores of projects that are gone."""
        return Controller(
            NAME, self._sweep, sources=(), reads=[self.namespaces], first_keys=[_ONCE]
        )

    def _sweep(self, _: ObjectKey) -> float:
        known = {uid_of(one) for one in self.namespaces.list()}
        for path in self.root.iterdir() if self.root.is_dir() else ():
            if path.is_dir() and path.name not in known:
                bounded_remove(path)
        return LOOK_AGAIN_S
