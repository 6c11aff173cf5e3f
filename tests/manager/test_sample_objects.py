"""The sample's objects: complete after any crash, and after any repetition."""

from typing import Any

import pytest

from paas.apimachinery.door import Door
from paas.catalog.applications import Addresses
from paas.catalog.objects import application_objects
from paas.cluster.client import EmbeddedCluster, no_logs
from paas.core.actors import platform_actor
from paas.manager.sample_objects import NAME, PROJECT, sample_ensure, sample_spec

ACTOR = platform_actor("test")
ADDRESSES = Addresses("https://git.localhost:8443", 8443)


@pytest.fixture
def cluster(platform_door: Door) -> EmbeddedCluster:
    return EmbeddedCluster(platform_door, no_logs)


def _ensure(cluster: EmbeddedCluster) -> dict[str, Any]:
    sample_ensure(cluster, actor=ACTOR, addresses=ADDRESSES, moderator_word="word")
    found = cluster.get(ACTOR, "deployments.apps", NAME, PROJECT)
    container: dict[str, Any] = found["spec"]["template"]["spec"]["containers"][0]
    return container


def _is_complete(container: dict[str, Any]) -> bool:
    names = {one["name"] for one in container["env"]}
    probe = container["readinessProbe"]
    return names == {"PORT", "GREETING", "MODERATOR_WORD"} and "httpGet" in probe


def test_it_may_be_repeated(cluster: EmbeddedCluster):
    assert _is_complete(_ensure(cluster))
    assert _is_complete(_ensure(cluster))


@pytest.mark.parametrize("count", range(1, 6))
def test_what_a_crash_left_undone_is_done_the_next_time(cluster: EmbeddedCluster, count: int):
    request = {
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": PROJECT},
    }
    cluster.create(ACTOR, request)
    wishes = application_objects(sample_spec(), git_base_url=ADDRESSES.git_base_url)
    for wish in wishes[:count]:
        cluster.create(ACTOR, wish, PROJECT)
    assert _is_complete(_ensure(cluster))
