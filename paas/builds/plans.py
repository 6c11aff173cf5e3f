"""What the two containers of a build pod are told, as JSON. Pure.

The other side reads it: `deploy/images/build/program/minato_build`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from paas.builds.settings import BuildSettings
from paas.core.objects import ApiObject, name_of, namespace_of
from paas.core.quantities import size_bytes
from paas.core.shape import maps, submap, text

CA_DIRECTORY = "/etc/minato/ca"
CA_FILE = f"{CA_DIRECTORY}/ca-bundle.crt"
CA_VARIABLES = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
Variables = Sequence[tuple[str, str]]


def clone_plan(build: ApiObject, settings: BuildSettings) -> str:
    """Return what `git-clone` is told."""
    git = submap(build, "spec", "source", "git")
    uri = text(git, "uri")
    server = settings.git
    body: dict[str, Any] = {
        "uri": server.internal(uri) if server else uri,
        "shown_uri": uri,
        "ref": text(git, "ref"),
        "commit": text(build, "spec", "revision", "git", "commit"),
        "context_dir": text(build, "spec", "source", "contextDir"),
        "protocols": list(settings.schemes),
        "size_max_bytes": size_bytes(settings.source_max),
    }
    if server and server.owns(uri):
        # libcurl takes every name below .localhost for the pod itself, whatever its hosts file says
        body["resolve"] = [f"{server.host}:{server.port}:{server.address}"]
    return json.dumps(body)


def build_plan(build: ApiObject, settings: BuildSettings, variables: Variables) -> str:
    """Return what `sti-build` is told; `variables` are the strategy's, with values."""
    spec = submap(build, "spec")
    strategy = submap(spec, "strategy", "sourceStrategy")
    output = output_reference(build, settings.registry)
    body = {
        "name": name_of(build),
        "namespace": namespace_of(build),
        "builder": text(strategy, "from", "name"),
        "output": output,
        "uri": text(spec, "source", "git", "uri"),
        "ref": text(spec, "source", "git", "ref"),
        "context_dir": text(spec, "source", "contextDir"),
        "scripts_url": text(strategy, "scripts"),
        "force_pull": bool(strategy.get("forcePull")),
        "incremental": output if strategy.get("incremental") else "",
        "insecure": settings.registry_insecure,
        "environment": _pairs([*variables, *_openshift_variables(build)]),
        "labels": [
            {"name": text(one, "name"), "value": text(one, "value")}
            for one in maps(spec, "output", "imageLabels")
        ],
        "build_arguments": build_arguments(settings, submap(spec, "source", "git")),
        "post_commit": submap(spec, "postCommit"),
    }
    return json.dumps(body)


def output_reference(build: ApiObject, registry: str) -> str:
    """Return where the image goes, with its tag; empty where nothing is pushed."""
    name = text(build, "spec", "output", "to", "name")
    return f"{registry}/{namespace_of(build)}/{name}" if name else ""


def output_tag(build: ApiObject) -> tuple[str, str] | None:
    """Return stream and tag of the output; None where nothing is pushed."""
    stream, _, tag = text(build, "spec", "output", "to", "name").partition(":")
    return (stream, tag or "latest") if stream else None


def build_arguments(settings: BuildSettings, git: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the commands of a build see, and its image does not keep."""
    found = dict(settings.environment)
    if settings.ca_bundle:
        found |= dict.fromkeys(CA_VARIABLES, CA_FILE)
    for name, field in zip(PROXY_VARIABLES, ("httpProxy", "httpsProxy", "noProxy"), strict=True):
        if value := text(git, field):
            found |= {name: value, name.lower(): value}
    return found


def auth_file(registry: str, password: str) -> str:
    """Return the file by which buildah signs in. Source: containers-auth.json(5)."""
    pair = base64.b64encode(f"build:{password}".encode()).decode()
    return json.dumps({"auths": {registry: {"auth": pair}}})


def _openshift_variables(build: ApiObject) -> Variables:
    spec = submap(build, "spec")
    found = [
        ("OPENSHIFT_BUILD_NAME", name_of(build)),
        ("OPENSHIFT_BUILD_NAMESPACE", namespace_of(build)),
        ("OPENSHIFT_BUILD_SOURCE", text(spec, "source", "git", "uri")),
        ("OPENSHIFT_BUILD_REFERENCE", text(spec, "source", "git", "ref")),
        ("OPENSHIFT_BUILD_COMMIT", text(spec, "revision", "git", "commit")),
    ]
    return [pair for pair in found if pair[1]]


def _pairs(variables: Variables) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables]
