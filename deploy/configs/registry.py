"""CNCF Distribution: behind the edge, tokens by us, every push told to us.

JSON is YAML, so the configuration is written as JSON: no value can break out of its place.
Source: https://distribution.github.io/distribution/about/configuration/ (2.8).
"""

import json
from typing import Any

from deploy import layout
from paas.core.registry import EVENTS_PATH, ISSUER, SERVICE
from paas.settings import env
from paas.settings.instance import Instance

# Distribution sends clients to this path of whatever host they called (autoredirect).
AUTOREDIRECT_PATH = "/auth/token"
BLOB_MAX = "MINATO_REGISTRY_BLOB_MAX_MIB"
# An upload that nobody ends is one file; the registry itself keeps them for a week.
UPLOAD_KEPT = "24h"


def blob_max_mib() -> int:
    """Return how large a layer may be.

    Distribution knows no such bound; its process may write no larger file. It survives that and
    answers 500, which the edge puts into words.
    """
    return env.integer(BLOB_MAX, 4096, low=1, high=1_000_000)


def registry_json(instance: Instance, *, notify_token: str, http_secret: str) -> str:
    """Return the configuration; it holds two secrets, so only its server may read it."""
    body: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(layout.registry_directory(instance))},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": _purging()},
            "cache": {"blobdescriptor": "inmemory"},
        },
        "http": {
            "net": "unix",
            "addr": str(instance.registry_socket),
            "secret": http_secret,
            # clients come by several names: what they are sent to must not name one
            "relativeurls": True,
            "headers": {"X-Content-Type-Options": ["nosniff"]},
        },
        "auth": {"token": _token(instance)},
        "notifications": {"endpoints": [_endpoint(instance, notify_token)]},
    }
    return json.dumps(body, indent=2) + "\n"


def _purging() -> dict[str, Any]:
    return {"enabled": True, "age": UPLOAD_KEPT, "interval": "6h", "dryrun": False}


def _token(instance: Instance) -> dict[str, Any]:
    return {
        "autoredirect": True,
        "realm": f"{instance.url(instance.registry_host)}{AUTOREDIRECT_PATH}",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": str(instance.secrets / "registry-token.crt"),
    }


def _endpoint(instance: Instance, token: str) -> dict[str, Any]:
    return {
        "name": "minato",
        "url": f"{layout.loopback_url(instance)}{EVENTS_PATH}",
        "headers": {"Authorization": [f"Bearer {token}"]},
        "timeout": "5s",
        "threshold": 3,
        "backoff": "1s",
        "ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull"]},
    }
