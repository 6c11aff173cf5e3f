"""`python -m tests.git.webserver`: a web process of its own, which a test may kill.

Reads one line of JSON: `dsn`, `root`, `certificate`, `key`; prints its port.
Builds are real Build objects, which the test moves on through its own door.
"""

import json
import socket
import sys
from typing import Any

import django
import uvicorn

django.setup()

from pathlib import Path  # noqa: E402

from django.conf import settings  # noqa: E402 -- after setup

from paas.accounts.authentication import Authenticator  # noqa: E402
from paas.builds.logs import BuildLogs  # noqa: E402
from paas.cluster.client import EmbeddedCluster  # noqa: E402
from paas.git.asgi import Limits, git_application  # noqa: E402
from paas.git.cluster_builds import ClusterBuilds  # noqa: E402
from paas.git.repositories import Repositories  # noqa: E402
from paas.git.tokens import RepositoryTokens  # noqa: E402
from paas.manager.scheme import build_scheme  # noqa: E402
from tests.fixtures.door import new_door  # noqa: E402
from tests.fixtures.keys import throw_away_tokens  # noqa: E402


def main() -> None:
    """Serve until killed."""
    given: dict[str, Any] = json.loads(sys.stdin.readline())
    door = new_door(given["dsn"], build_scheme(settings.MINATO), throw_away_tokens())
    door.start()
    cluster = EmbeddedCluster(door, lambda _actor, _request: iter(()))
    logs = BuildLogs(door.store.database)
    application = git_application(
        cluster,
        Authenticator(door),
        repositories=Repositories(Path(given["root"])),
        tokens=RepositoryTokens(b"secret"),
        builds=ClusterBuilds(cluster, logs.follow, ports=(8080, 8443)),
        limits=Limits(push_max_bytes=512 << 20, repository_max_bytes=1024 << 20),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            ssl_certfile=given["certificate"],
            ssl_keyfile=given["key"],
        )
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
