"""Usage as JSON, between the node agent's socket and its clients."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from paas.core.usage import PodUsage, Usage


def encode_usage(found: Sequence[PodUsage] | tuple[str, Usage] | None) -> bytes:
    """Return usage as JSON."""
    return orjson.dumps(found)


def decode_pod_usage(data: bytes) -> list[PodUsage]:
    """Return what `encode_usage` wrote of pods."""
    return [
        PodUsage(
            pod["namespace"],
            pod["name"],
            pod["labels"],
            {name: [_usage(one) for one in windows] for name, windows in pod["containers"].items()},
        )
        for pod in orjson.loads(data)
    ]


def decode_node_usage(data: bytes) -> tuple[str, Usage] | None:
    """Return what `encode_usage` wrote of the node."""
    found = orjson.loads(data)
    return (found[0], _usage(found[1])) if found else None


def _usage(window: dict[str, Any]) -> Usage:
    return Usage(**{**window, "at": datetime.fromisoformat(window["at"])})
