"""Puts the registry's part together from the settings: tokens, the client, the web application."""

import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from starlette.applications import Starlette

from paas.builds.services import build_goes_on
from paas.cluster.client import Cluster
from paas.core.objects import Digest
from paas.images.asgi import registry_application
from paas.images.notifications import PushRecorder
from paas.images.registry import Registry
from paas.images.services import BUILD_SUBJECT, image_tag_record
from paas.images.token_service import TokenService
from paas.images.tokens import RegistryTokens
from paas.manager import runtime
from paas.settings.instance import Instance


@cache
def registry_tokens() -> RegistryTokens:
    """Return the process's signer of registry tokens."""
    key = Path(settings.MINATO_REGISTRY_KEY_FILE).read_bytes()
    certificate = Path(settings.MINATO_REGISTRY_CERTIFICATE_FILE).read_bytes()
    return RegistryTokens(key, certificate)


@cache
def registry() -> Registry:
    """Return the process's client of the built-in registry."""
    instance: Instance = settings.MINATO
    return Registry(instance.registry_socket, registry_tokens())


def registry_site() -> Starlette:
    """Return what the web process answers for the registry: tokens and notifications."""
    service = TokenService(
        runtime.cluster(),
        runtime.authenticator(),
        registry_tokens(),
        has_room=_has_room,
        goes_on=lambda subject: subject_goes_on(runtime.cluster(), subject),
    )
    recorder = PushRecorder(runtime.cluster(), registry())
    secret = Path(settings.MINATO_REGISTRY_NOTIFY_FILE).read_text().strip()
    return registry_application(service, recorder, secret=secret)


def subject_goes_on(cluster: Cluster, subject: str) -> bool:
    """Say whether a holder of a token of ours may still sign in by it: a build, until it ends."""
    if not subject.startswith(BUILD_SUBJECT):
        return True
    namespace, _, name = subject.removeprefix(BUILD_SUBJECT).partition("/")
    return build_goes_on(cluster, namespace=namespace, name=name)


def _has_room() -> bool:
    instance: Instance = settings.MINATO
    free = shutil.disk_usage(instance.registry_data).free
    return free >= settings.MINATO_REGISTRY_FREE_MIN_MIB << 20


def image_tag(*, namespace: str, stream: str, tag: str, digest: Digest, pushed_by: str) -> None:
    """Record a tag as `image_tag_record` does, in this process: what builds are handed."""
    image_tag_record(
        runtime.cluster(),
        registry=registry(),
        namespace=namespace,
        stream=stream,
        tag=tag,
        digest=digest,
        pushed_by=pushed_by,
        at=datetime.now(UTC),
    )
