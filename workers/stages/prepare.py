"""Gives a build its pod: values looked up, credentials made, objects created. Safe to repeat."""

import base64
import json
from dataclasses import replace
from typing import Any

from paas.apimachinery.options import WriteOptions
from paas.builds.desk import ACTOR, BuildDesk
from paas.builds.errors import BuildFailedError
from paas.builds.names import BUILDER_ACCOUNT, STREAMS, pod_name
from paas.builds.plans import auth_file, build_plan, clone_plan, output_tag
from paas.builds.pods import (
    CA_DIGEST,
    TRUSTED_CA,
    build_pod,
    build_secret,
    seconds_left,
    secret_name,
    trusted_ca,
)
from paas.builds.resolve import repository_of
from paas.core.actors import service_account_actor
from paas.core.errors import AlreadyExistsError, NotFoundError
from paas.core.objects import (
    ApiObject,
    annotations_of,
    controller_of,
    name_of,
    namespace_of,
    uid_of,
)
from paas.core.shape import Json, maps, submap, text
from workers.stages.objects import object_delete

PULL, PUSH = "pull", "push"
MASKED = "mask.json"
"""The key of the build's secret that no container sees: what is taken out of the log."""
_TOKEN_MARGIN_S = 120


def pod_find(desk: BuildDesk, build: ApiObject) -> ApiObject | None:
    """Return the build's pod; None where it has none, or a stranger has its name."""
    try:
        pod = desk.cluster.get(ACTOR, "pods", pod_name(build), namespace_of(build))
    except NotFoundError:
        return None
    return pod if (controller_of(pod) or {}).get("uid") == uid_of(build) else None


def pod_create(desk: BuildDesk, build: ApiObject) -> ApiObject:
    """Create the build's secret and pod; return the pod. Raises BuildFailedError, PaasError."""
    _ca_ensure(desk, namespace_of(build))
    _secret_ensure(desk, build)
    settings = replace(desk.settings, build_image=_build_image(desk))
    pod = build_pod(build, settings, now=desk.now())
    try:
        return desk.cluster.create(ACTOR, pod, namespace_of(build), options=WriteOptions())
    except AlreadyExistsError as error:
        found = pod_find(desk, build)
        if found is None:
            raise BuildFailedError(
                "BuildPodExists",
                f"There is a pod {pod_name(build)} already that is not this build's.",
                "Delete it and start the build again.",
            ) from error
        return found


def masked_values(desk: BuildDesk, build: ApiObject) -> list[str] | None:
    """Return what must not be in the log; None where the build's secret is gone."""
    if (secret := _secret_find(desk, build)) is None:
        return None
    found: list[str] = json.loads(base64.b64decode(secret["data"][MASKED]))
    return found


def secret_remove(desk: BuildDesk, build: ApiObject) -> None:
    """Delete the build's secret: its tokens have done their work."""
    if (secret := _secret_find(desk, build)) is not None:
        object_delete(desk, "secrets", name_of(secret), namespace_of(build), uid_of(secret))


def _secret_find(desk: BuildDesk, build: ApiObject) -> ApiObject | None:
    """Return the build's secret; None where it has none, or a stranger has its name."""
    try:
        secret = desk.cluster.get(ACTOR, "secrets", secret_name(build), namespace_of(build))
    except NotFoundError:
        return None
    return secret if (controller_of(secret) or {}).get("uid") == uid_of(build) else None


def _build_image(desk: BuildDesk) -> str:
    """Return the build image by its digest, so that a new one is pulled; else its plain name."""
    namespace, stream, tag = desk.settings.build_stream
    try:
        found = desk.cluster.get(ACTOR, STREAMS, stream, namespace)
    except NotFoundError:
        return desk.settings.build_image
    for history in maps(found, "status", "tags"):
        for event in maps(history, "items"):
            if text(history, "tag") == tag:
                return text(event, "dockerImageReference")
    return desk.settings.build_image


def _ca_ensure(desk: BuildDesk, namespace: str) -> None:
    """Give the project the certificates that its builds trust, as they are now."""
    if not desk.settings.ca_bundle:
        return
    wish = trusted_ca(namespace, desk.settings.ca_text)
    try:
        have = desk.cluster.get(ACTOR, "configmaps", TRUSTED_CA, namespace)
    except NotFoundError:
        desk.cluster.create(ACTOR, wish, namespace)
        return
    same = annotations_of(have).get(CA_DIGEST) == annotations_of(wish)[CA_DIGEST]
    if not same or have.get("data") != wish["data"]:
        desk.cluster.update(ACTOR, {**wish, "metadata": {**have["metadata"], **wish["metadata"]}})


def _secret_ensure(desk: BuildDesk, build: ApiObject) -> None:
    data = _secret_data(desk, build)
    wish = build_secret(build, data)
    try:
        desk.cluster.create(ACTOR, wish, namespace_of(build))
    except AlreadyExistsError as error:
        if _secret_find(desk, build) is None:
            raise BuildFailedError(
                "BuildSecretExists",
                f"There is a secret {name_of(wish)} already that is not this build's.",
                "Delete it, or give it another name, and start the build again.",
            ) from error
        secret_remove(desk, build)  # of a worker that died before the pod: its tokens are old
        desk.cluster.create(ACTOR, wish, namespace_of(build))


def _secret_data(desk: BuildDesk, build: ApiObject) -> dict[str, str]:
    token = _registry_token(desk, build)
    masked = [token]
    data = {"clone.json": clone_plan(build, desk.settings)}
    if (pair := _git_credentials(desk, build)) is not None:
        data |= {"username": pair[0], "password": pair[1]}
        masked += [pair[1], f"{pair[0]}:{pair[1]}"]
    variables = []
    for name, value, is_secret in _variables(desk, build):
        variables.append((name, value))
        masked += [value] if is_secret else []
    return {
        **data,
        "build.json": build_plan(build, desk.settings, variables),
        "auth.json": auth_file(desk.settings.registry, token),
        MASKED: json.dumps(masked),
    }


def _registry_token(desk: BuildDesk, build: ApiObject) -> str:
    """Return a token for the builder's repository and the output's. Raises BuildFailedError.

    The right to the builder is asked again here: a Build may be made by hand, or be old.
    """
    namespace = namespace_of(build)
    grants: dict[str, frozenset[str]] = {}
    builder = text(build, "spec", "strategy", "sourceStrategy", "from", "name")
    if repository := repository_of(builder):
        _check_pull(desk, namespace, repository)
        grants[repository] = frozenset({PULL})
    if (tag := output_tag(build)) is not None:
        grants[f"{namespace}/{tag[0]}"] = frozenset({PULL, PUSH})
    ttl_s = seconds_left(build, desk.settings, now=desk.now()) + _TOKEN_MARGIN_S
    return desk.token(
        list(grants.items()), subject=f"build:{namespace}/{name_of(build)}", ttl_s=ttl_s
    )


def _check_pull(desk: BuildDesk, namespace: str, repository: str) -> None:
    place, _, stream = repository.partition("/")
    account = service_account_actor(namespace, BUILDER_ACCOUNT)
    if not desk.cluster.may(account, "get", f"{STREAMS}/layers", place, stream):
        raise BuildFailedError(
            "PullBuilderImageFailed",
            f"The builds of {namespace} may not pull from {repository}.",
            f"Somebody who administers {place} grants it by the role system:image-puller.",
        )


def _git_credentials(desk: BuildDesk, build: ApiObject) -> tuple[str, str] | None:
    """Return what the repository is read by: ours by a token, another by the source secret."""
    if (own := desk.git_credentials(build)) is not None:
        return own
    name = text(build, "spec", "source", "sourceSecret", "name")
    if not name:
        return None
    values = _object_values(desk, "secrets", name, namespace_of(build))
    if values is None or not (values.get("password") or values.get("token")):
        raise BuildFailedError(
            "FetchSourceFailed",
            f"The source secret {name} is not there, or has no password.",
            "It is a secret of type kubernetes.io/basic-auth with username and password.",
        )
    return values.get("username", "git"), values.get("token") or values["password"]


def _variables(desk: BuildDesk, build: ApiObject) -> list[tuple[str, str, bool]]:
    """Return name, value and whether it is secret. Raises BuildFailedError."""
    found = []
    for variable in maps(build, "spec", "strategy", "sourceStrategy", "env"):
        source = submap(variable, "valueFrom")
        if not source:
            found.append((text(variable, "name"), text(variable, "value"), False))
            continue
        resource = "secrets" if "secretKeyRef" in source else "configmaps"
        reference = submap(source, "secretKeyRef") or submap(source, "configMapKeyRef")
        value = _referenced(desk, build, resource, reference)
        if value is not None:
            found.append((text(variable, "name"), value, resource == "secrets"))
    return found


def _referenced(desk: BuildDesk, build: ApiObject, resource: str, reference: Json) -> str | None:
    name, key = text(reference, "name"), text(reference, "key")
    values = _object_values(desk, resource, name, namespace_of(build)) or {}
    if key in values:
        return values[key]
    if reference.get("optional"):
        return None
    raise BuildFailedError(
        "UnresolvableEnvironmentVariable",
        f"A variable of the build takes {key} of {resource} {name}, which is not there.",
        "Create it, or change spec.strategy.sourceStrategy.env.",
    )


def _object_values(
    desk: BuildDesk, resource: str, name: str, namespace: str
) -> dict[str, str] | None:
    try:
        obj = desk.cluster.get(ACTOR, resource, name, namespace)
    except NotFoundError:
        return None
    data: dict[str, Any] = obj.get("data") or {}
    if resource == "configmaps":
        return {key: str(value) for key, value in data.items()}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
