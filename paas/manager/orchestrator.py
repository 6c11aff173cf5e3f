"""`python -m paas.manager.orchestrator`: the one privileged process of ours.

Runs every controller, the node agent and the service network. Containers, rules and names that an
earlier process left are adopted; nothing healthy is touched by starting or stopping this one.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import django
import structlog
from django.conf import LazySettings
from setproctitle import setproctitle

log = structlog.get_logger(__name__)

HEARTBEAT_S = 5.0
SYNC_S = 60.0


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 when it cannot begin."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
    setproctitle("minato: orchestrator")
    django.setup()
    # only now: the models of these need the settings
    from django.conf import settings

    from paas.manager.node import Node

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    node = Node(settings.MINATO, ticket_key=Path(settings.MINATO_TICKET_KEY_FILE).read_bytes())
    node.start()
    log.info("orchestrator_started", pid=os.getpid(), host=socket.gethostname())
    try:
        while not stopping.wait(HEARTBEAT_S):
            _beat(settings, node.problems())
    finally:
        node.stop()
    return 0


def _beat(settings: LazySettings, problems: list[str]) -> None:
    """Prove that the loops are alive; a file that grows old says that they are not."""
    if problems:
        log.error("orchestrator_unhealthy", problems=problems)
        return
    body = {
        "pid": os.getpid(),
        "time": time.time(),
        "version": settings.MINATO_VERSION,
        "at": datetime.now(UTC).isoformat(),
    }
    path: Path = settings.MINATO.orchestrator_heartbeat
    fresh = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(json.dumps(body))
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
