"""What one request may cost. Bounds that protect the process, not the tenants' quotas."""

from dataclasses import dataclass

from paas.apimachinery.watching import BOOKMARK_S

BODY_BYTES = 3 * 1024 * 1024
"""Upstream's limit of a request body (`--max-request-bytes`' default)."""

URL_BYTES = 16 * 1024
HEADER_BYTES = 64 * 1024
DEPTH = 100
"""Nesting of a body. Upstream's protobuf reader stops at 100, its JSON reader at 10,000."""

NODES = 500_000
"""Values in a YAML body once its aliases are written out."""

WATCH_TIMEOUT_S = (1800, 3600)
"""A watch without timeoutSeconds ends at random between these, as upstream's does."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one application; a test may have others.

    `request_timeout_s` is upstream's `--request-timeout`, for everything but watches, logs and
    the connections to pods. `in_flight` is upstream's `--max-requests-inflight`: what waits for
    the door beyond it is refused with 429. `watch_backlog` is how many events a watcher may be
    behind before its connection is dropped; it then lists again. Each `watch_beat_s` a watch says
    where it is (a bookmark), and asks whether its client may still go on.
    """

    request_timeout_s: float = 60.0
    in_flight: int = 400
    threads: int = 16
    watch_backlog: int = 1000
    watch_beat_s: float = BOOKMARK_S
