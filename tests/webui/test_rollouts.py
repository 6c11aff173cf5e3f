import copy
import json

from paas.core.objects import owner_reference
from tests.webui.conftest import PLATFORM

ROLLOUTS = "/projects/shop/applications/web/roll-outs"


def deployment(cluster):
    return copy.deepcopy(cluster.get(PLATFORM, "deployments.apps", "web", "shop"))


def revision(cluster, number, image):
    """Store a revision as the Deployment controller would."""
    parent = deployment(cluster)
    template = copy.deepcopy(parent["spec"]["template"])
    template["metadata"]["labels"]["pod-template-hash"] = f"h{number}"
    template["spec"]["containers"][0]["image"] = image
    name = {"name": f"web-h{number}", "namespace": "shop"}
    notes = {"deployment.kubernetes.io/revision": str(number)}
    labels = {"deployment": "web", "pod-template-hash": f"h{number}"}
    cluster.create(
        PLATFORM,
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                **name,
                "labels": labels,
                "annotations": notes,
                "ownerReferences": [owner_reference(parent)],
            },
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        },
    )
    parent["spec"]["template"]["spec"]["containers"][0]["image"] = image
    cluster.update(PLATFORM, parent)


def image(cluster):
    return deployment(cluster)["spec"]["template"]["spec"]["containers"][0]["image"]


def test_before_the_first_there_is_nothing_to_go_back_to(web):
    assert "Nothing has been rolled out yet" in web.get(ROLLOUTS).content.decode()


def test_the_revisions_are_listed_and_the_one_that_is_wanted_is_named(web, cluster):
    revision(cluster, 1, "web@sha256:one")
    revision(cluster, 2, "web@sha256:two")

    page = web.get(ROLLOUTS).content.decode()

    assert page.index("web@sha256:two") < page.index("web@sha256:one")
    assert page.count("Wanted now") == 1
    assert f"{ROLLOUTS}/1/undo" in page
    assert f"{ROLLOUTS}/2/undo" not in page


def test_going_back_brings_the_old_image_and_keeps_the_new_one_away(web, cluster):
    revision(cluster, 1, "web@sha256:one")
    revision(cluster, 2, "web@sha256:two")

    answer = web.post(f"{ROLLOUTS}/1/undo")

    assert answer["Location"] == ROLLOUTS
    assert image(cluster) == "web@sha256:one"
    assert "pod-template-hash" not in deployment(cluster)["spec"]["template"]["metadata"]["labels"]
    rejected = deployment(cluster)["metadata"]["annotations"]["minato.io/rejected-image"]
    assert json.loads(rejected) == {"web": "web@sha256:two"}


def test_what_runs_already_is_nothing_to_go_back_to(web, cluster):
    revision(cluster, 1, "web@sha256:one")

    assert web.post(f"{ROLLOUTS}/1/undo").status_code == 400
    assert web.post(f"{ROLLOUTS}/7/undo").status_code == 404
