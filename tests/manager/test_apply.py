"""The kinds that people apply, through the platform's own scheme and plugins."""

from typing import Any

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.options import Patch, WriteOptions
from paas.core.actors import platform_actor
from paas.core.errors import ConflictError

ME = platform_actor("test")
LABELS = {"app": "web"}
POD = {"containers": [{"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}]}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
SELECTED = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
ENDING = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
RBAC = "rbac.authorization.k8s.io"

CONFIGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "configmaps": ("v1", "ConfigMap", {"data": {"a": "1"}}),
    "secrets": ("v1", "Secret", {"data": {"k": "dg=="}}),
    "services": ("v1", "Service", {"spec": {"selector": LABELS, "ports": [{"port": 80}]}}),
    "serviceaccounts": ("v1", "ServiceAccount", {"imagePullSecrets": [{"name": "pull"}]}),
    "pods": ("v1", "Pod", {"spec": POD}),
    "deployments.apps": ("apps/v1", "Deployment", {"spec": {**SELECTED, "replicas": 2}}),
    "replicasets.apps": ("apps/v1", "ReplicaSet", {"spec": SELECTED}),
    "daemonsets.apps": ("apps/v1", "DaemonSet", {"spec": SELECTED}),
    "jobs.batch": ("batch/v1", "Job", {"spec": ENDING}),
    "cronjobs.batch": (
        "batch/v1",
        "CronJob",
        {"spec": {"schedule": "0 4 * * *", "jobTemplate": {"spec": ENDING}}},
    ),
    "ingresses.networking.k8s.io": (
        "networking.k8s.io/v1",
        "Ingress",
        {
            "spec": {
                "rules": [
                    {
                        "host": "web.apps.localhost",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            }
        },
    ),
    "networkpolicies.networking.k8s.io": (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
    ),
    f"roles.{RBAC}": (
        f"{RBAC}/v1",
        "Role",
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    ),
    "routes.route.openshift.io": (
        "route.openshift.io/v1",
        "Route",
        {"spec": {"to": {"kind": "Service", "name": "web"}}},
    ),
}


@pytest.fixture
def door(platform_door: Door) -> Door:
    """Return the platform's door, with a project and its account."""
    platform_door.create(ME, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p"}})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    platform_door.create(ME, account, "p")
    return platform_door


def applied(door: Door, resource: str, manager: str, **more: Any) -> Any:
    api_version, kind, parts = CONFIGS[resource]
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, **parts, **more}
    options = WriteOptions(field_manager=manager)
    return door.patch(ME, resource, "web", "p", patch=Patch("apply", body), options=options)


def test_what_people_apply_can_be_applied_again_and_shared_without_a_change(door: Door) -> None:
    for resource in CONFIGS:  # in one test: a platform's door takes longer than all of it
        made = applied(door, resource, "one")
        assert applied(door, resource, "one") == made, resource
        shared = applied(door, resource, "two")
        entries = shared["metadata"]["managedFields"]
        mine, theirs = (
            next(one for one in entries if one["manager"] == name) for name in ("one", "two")
        )
        assert mine["fieldsV1"] == theirs["fieldsV1"], resource
        assert {**shared, "metadata": None} == {**made, "metadata": None}, resource


def test_what_admission_fills_in_is_nobodys_and_stays(door: Door) -> None:
    made = applied(door, "services", "one")
    address = made["spec"]["clusterIP"]
    assert "f:clusterIP" not in made["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    taken = {"ports": [{"port": 80, "targetPort": 1}]}  # a default is anybody's
    applied(door, "services", "two", spec=taken)
    with pytest.raises(ConflictError, match=r"\.targetPort"):
        applied(door, "services", "one", spec={"ports": [{"port": 80, "targetPort": 2}]})
    ports = [{"port": 80, "name": "web"}, {"port": 81, "name": "more"}]
    after = applied(door, "services", "one", spec={"selector": LABELS, "ports": ports})
    assert after["spec"]["clusterIP"] == address
    assert [port["port"] for port in after["spec"]["ports"]] == [80, 81]
    assert after["spec"]["ports"][0]["targetPort"] == 1


def test_what_a_secret_takes_as_text_can_be_applied_again(door: Door) -> None:
    made = applied(door, "secrets", "one", stringData={"s": "v"})
    assert made["data"] == {"k": "dg==", "s": "dg=="}
    assert applied(door, "secrets", "one", stringData={"s": "v"}) == made
