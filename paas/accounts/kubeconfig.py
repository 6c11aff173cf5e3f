"""A kubeconfig for a person: what kubectl, oc and helm need to know of this platform."""

import base64
from ipaddress import ip_address
from typing import Any

from paas.settings.instance import Instance

IPV6 = 6


def server_of(instance: Instance) -> str:
    """Return the API's URL for clients: by address where its name is a *.localhost.

    Go programs know none of these. An address that was chosen to serve on holds for others too.
    """
    if instance.domain != "localhost" and not instance.domain.endswith(".localhost"):
        return f"https://{instance.api_host}:{instance.https_port}"
    bind = ip_address(instance.bind)
    if bind.is_unspecified:
        bind = ip_address("127.0.0.1")
    host = f"[{bind}]" if bind.version == IPV6 else str(bind)
    return f"https://{host}:{instance.https_port}"


def kubeconfig_of(
    instance: Instance, *, user: str, token: str, project: str = "default"
) -> dict[str, Any]:
    """Return a kubeconfig with the platform's own authority in it."""
    authority = base64.b64encode(instance.ca_file.read_bytes()).decode()
    cluster = {
        "server": server_of(instance),
        "tls-server-name": instance.api_host,
        "certificate-authority-data": authority,
    }
    context = {"cluster": "minato", "user": user, "namespace": project}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "minato", "cluster": cluster}],
        "contexts": [{"name": "minato", "context": context}],
        "current-context": "minato",
        "users": [{"name": user, "user": {"token": token}}],
    }
