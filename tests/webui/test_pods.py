import pytest

from paas.core.objects import uid_of
from tests.webui.conftest import PLATFORM
from tests.webui.test_builds import build  # noqa: F401 -- fixture

PODS = "/projects/shop/applications/web/pods"
HASH = "5f6d7c8b9"


@pytest.fixture
def replica_set(web, cluster):
    """Return a ReplicaSet of the application's Deployment."""
    owner = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    reference = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "uid": uid_of(owner),
        "controller": True,
    }
    labels = {"deployment": "web", "pod-template-hash": HASH}
    template = {**owner["spec"]["template"], "metadata": {"labels": labels}}
    wish = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"web-{HASH}",
            "namespace": "shop",
            "labels": labels,
            "ownerReferences": [reference],
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    return cluster.create(PLATFORM, wish)


def happen(cluster, kind, name, reason, uid=""):
    involved = {"kind": kind, "name": name, "namespace": "shop", "uid": uid}
    wish = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "one-", "namespace": "shop"},
        "involvedObject": involved,
        "reason": reason,
        "message": "it happened",
        "type": "Normal",
    }
    cluster.create(PLATFORM, wish)


def test_what_happened_to_it_is_shown_also_of_pods_that_are_gone(
    web,
    cluster,
    replica_set,
    build,  # noqa: F811
):
    happen(cluster, "ReplicaSet", f"web-{HASH}", "MadePods", uid_of(replica_set))
    happen(cluster, "Pod", f"web-{HASH}-x7k2p", "KilledLongAgo")
    happen(cluster, "Pod", "web-1-build", "BuiltLongAgo")

    page = web.get(PODS).content.decode()

    for reason in ("MadePods", "KilledLongAgo", "BuiltLongAgo"):
        assert reason in page


def test_what_happened_to_another_application_is_not_shown(web, cluster, replica_set):
    happen(cluster, "Pod", f"web-api-{HASH}-x7k2p", "OfAnother")
    happen(cluster, "ReplicaSet", f"web-api-{HASH}", "OfAnother", "another")
    happen(cluster, "Pod", f"web-{HASH}-api-x7k2p", "OfAnother")
    happen(cluster, "Pod", "web-api-1-build", "OfAnother")

    assert "OfAnother" not in web.get(PODS).content.decode()
