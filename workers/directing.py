"""The one director of a worker process, and what ends it in order."""

import os
import socket
from functools import cache

from paas.core.objects import new_uid
from paas.manager.builds import build_desk
from workers.director import Director


@cache
def director() -> Director:
    """Return the process's director; its name is never used again."""
    return Director(build_desk(), f"{socket.gethostname()}:{os.getpid()}:{new_uid()[:8]}")


def leave(**_: object) -> None:
    """Take Celery's signal that this worker is to stop: its builds are for others, at once."""
    if director.cache_info().currsize:
        director().leave()
