"""Puts the git server together from the settings."""

from django.conf import settings

from paas.git.asgi import GitApplication, Limits, git_application
from paas.git.cluster_builds import ClusterBuilds
from paas.manager import runtime
from paas.manager.builds import build_logs
from paas.manager.git import repositories, repository_tokens
from paas.settings.instance import Instance

MIB = 1 << 20


def git_site() -> GitApplication:
    """Return what the web process answers for the git host."""
    instance: Instance = settings.MINATO
    ports = (instance.http_port, instance.https_port)
    limits = Limits(
        push_max_bytes=settings.MINATO_GIT_PUSH_MAX_MIB * MIB,
        repository_max_bytes=settings.MINATO_GIT_REPOSITORY_MAX_MIB * MIB,
    )
    return git_application(
        runtime.cluster(),
        runtime.authenticator(),
        repositories=repositories(),
        tokens=repository_tokens(),
        builds=ClusterBuilds(runtime.cluster(), build_logs().follow, ports=ports),
        limits=limits,
    )
