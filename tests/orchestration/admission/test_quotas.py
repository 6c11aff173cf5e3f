"""ResourceQuota on a real door and a real PostgreSQL: fifty at once never exceed it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.options import DeleteOptions, Patch, WriteOptions
from paas.apimachinery.scheme import Scheme
from paas.core.errors import ForbiddenError
from paas.orchestration.admission import PLUGINS
from paas.orchestration.admission.quotas import ResourceQuota
from paas.orchestration.kinds import KINDS
from tests.orchestration.admission.requests import request, shop
from tests.orchestration.kinds.objects import PLATFORM, container, pod, service

LIMIT = 10


@pytest.fixture
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def project(door: Door) -> Door:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    door.create(PLATFORM, namespace)
    return door


def limit(door, name="all", scopes=(), **hard):
    door.create(
        PLATFORM,
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"hard": hard, "scopes": list(scopes)},
        },
    )


def config(name):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
    }


def refused(door, obj, options=None):
    with pytest.raises(ForbiddenError) as caught:
        door.create(PLATFORM, obj, options=options)
    return caught.value


def attempt(door, obj):
    try:
        door.create(PLATFORM, obj)
    except ForbiddenError as error:
        return error.message
    return ""


def asking(name, **amounts):
    resources = {"requests": amounts, "limits": amounts}
    return pod(name, containers=[container(resources=resources)])


def test_fifty_pods_at_once_never_exceed_the_quota(project):
    limit(project, pods=str(LIMIT))
    pods = [pod(f"web-{number}") for number in range(50)]
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda obj: attempt(project, obj), pods))
    assert answers.count("") == LIMIT
    assert len(project.list(PLATFORM, "pods", "shop").items) == LIMIT
    told = {answer.partition(" is forbidden: ")[2] for answer in answers if answer}
    assert told == {"exceeded quota: all, requested: pods=1, used: pods=10, limited: pods=10"}


def test_fifty_config_maps_at_once_never_exceed_the_quota(project):
    limit(project, configmaps=str(LIMIT))
    maps = [config(f"c-{number}") for number in range(50)]
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda obj: attempt(project, obj), maps))
    assert answers.count("") == LIMIT
    assert len(project.list(PLATFORM, "configmaps", "shop").items) == LIMIT


def test_the_refusal_says_needs_has_and_missing(project):
    limit(project, **{"requests.cpu": "1", "limits.memory": "1Gi"})
    project.create(PLATFORM, asking("a", cpu="700m", memory="512Mi"))
    error = refused(project, asking("b", cpu="400m", memory="768Mi"))
    assert error.message == (
        'pods "b" is forbidden: exceeded quota: all, requested: '
        "limits.memory=768Mi,requests.cpu=400m, used: limits.memory=512Mi,requests.cpu=700m, "
        "limited: limits.memory=1Gi,requests.cpu=1"
    )
    assert error.hint == (
        "It needs limits.memory=768Mi,requests.cpu=400m, the project has "
        "limits.memory=512Mi,requests.cpu=300m left; limits.memory=256Mi,requests.cpu=100m is "
        "missing."
    )


def test_a_pod_says_how_much_it_needs_of_what_is_limited(project):
    limit(project, **{"limits.cpu": "1"})
    error = refused(project, pod())
    assert error.message == (
        'pods "web-1" is forbidden: failed quota: all: must specify limits.cpu for: web'
    )
    assert error.hint


def test_what_has_gone_or_ended_makes_room(project):
    limit(project, pods="1")
    first = project.create(PLATFORM, pod("a"))
    refused(project, pod("b"))
    first["status"]["phase"] = "Succeeded"
    project.update(PLATFORM, first, subresource="status")
    project.create(PLATFORM, pod("b"))
    refused(project, pod("c"))
    project.delete(PLATFORM, "pods", "b", "shop", options=DeleteOptions(grace_period_s=0))
    assert project.create(PLATFORM, pod("c"))["metadata"]["name"] == "c"


def test_every_quota_of_the_project_holds(project):
    limit(project, "wide", pods="5")
    limit(project, "narrow", pods="1")
    project.create(PLATFORM, pod("a"))
    assert "exceeded quota: narrow" in refused(project, pod("b")).message


def test_a_quota_counts_only_the_pods_in_its_scope(project):
    limit(project, scopes=["BestEffort"], pods="1")
    project.create(PLATFORM, asking("a", cpu="1", memory="1Mi"))
    project.create(PLATFORM, pod("b"))
    refused(project, pod("c"))
    project.create(PLATFORM, asking("d", cpu="1", memory="1Mi"))


def test_another_project_is_not_limited(project):
    limit(project, configmaps="0")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    project.create(PLATFORM, namespace)
    other = config("c")
    other["metadata"]["namespace"] = "other"
    assert project.create(PLATFORM, other)["metadata"]["namespace"] == "other"
    refused(project, config("c"))


def test_a_change_that_uses_more_is_counted(project):
    limit(project, **{"services.nodeports": "0"})
    made = project.create(PLATFORM, service())
    made["spec"]["type"] = "NodePort"
    with pytest.raises(ForbiddenError, match=r"requested: services\.nodeports=1"):
        project.update(PLATFORM, made)
    made["spec"]["type"] = "ClusterIP"
    made["metadata"]["labels"] = {"a": "b"}
    assert project.update(PLATFORM, made)["metadata"]["labels"] == {"a": "b"}


def test_a_dry_run_is_refused_too_and_counts_nothing(project):
    limit(project, configmaps="1")
    project.create(PLATFORM, config("a"), options=WriteOptions(dry_run=True))
    project.create(PLATFORM, config("a"))
    refused(project, config("b"), WriteOptions(dry_run=True))


def test_fifty_changes_at_once_that_use_more_never_exceed_the_quota(project):
    limit(project, **{"services.nodeports": str(LIMIT)})
    names = [f"web-{number}" for number in range(50)]
    for name in names:
        wish = service()
        wish["metadata"]["name"] = name
        project.create(PLATFORM, wish)
    opened = Patch("merge", {"spec": {"type": "NodePort"}})

    def change(name):
        try:
            project.patch(PLATFORM, "services", name, "shop", patch=opened)
        except ForbiddenError as error:
            return error.hint
        return ""

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(change, names))
    assert answers.count("") == LIMIT
    assert set(answers) - {""} == {
        "It needs services.nodeports=1, the project has services.nodeports=0 left; "
        "services.nodeports=1 is missing."
    }


def test_a_write_that_no_quota_limits_needs_no_transaction():
    door, plugin = shop(), ResourceQuota()
    assert not plugin.decides(request(door, config("a")))
    limit(door, **{"count/configmaps": "1"})
    assert plugin.decides(request(door, config("a")))
