"""ServiceAccount: who a pod is, and the token it gets."""

import pytest

from paas.core.errors import ForbiddenError
from paas.orchestration.admission.accounts import MOUNT_PATH, ServiceAccount
from tests.orchestration.admission.requests import admitted, request, shop, stored
from tests.orchestration.kinds.objects import PLATFORM, container, pod

PLUGIN = ServiceAccount()


def account(name="robot", **fields):
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, **fields}


def mounts(obj, field="containers"):
    return [
        mount
        for one in obj["spec"][field]
        for mount in one.get("volumeMounts", [])
        if mount["mountPath"] == MOUNT_PATH
    ]


def test_a_pod_is_the_default_account_and_gets_its_token():
    door = shop()
    obj = admitted(PLUGIN, request(door, pod(initContainers=[container("prepare")])))
    assert obj["spec"]["serviceAccountName"] == obj["spec"]["serviceAccount"] == "default"
    (volume,) = obj["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    assert volume["projected"] == {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {
                "configMap": {
                    "name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}],
                }
            },
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert mounts(obj) == mounts(obj, "initContainers") == [mount]


def test_the_default_account_is_made_by_the_first_pod_that_needs_it():
    door = shop()
    admitted(PLUGIN, request(door, pod()))
    assert door.get(PLATFORM, "serviceaccounts", "default", "shop")["kind"] == "ServiceAccount"
    admitted(PLUGIN, request(door, pod("web-2")))
    assert door.count("serviceaccounts") == 1


def test_a_dry_run_makes_no_account():
    door = shop()
    obj = admitted(PLUGIN, request(door, pod(), dry_run=True))
    assert obj["spec"]["serviceAccountName"] == "default"
    assert door.count("serviceaccounts") == 0


def test_an_account_that_is_not_there_is_named():
    with pytest.raises(ForbiddenError) as caught:
        PLUGIN.admit(request(shop(), pod(serviceAccountName="robot")))
    assert caught.value.message == (
        'pods "web-1" is forbidden: error looking up service account shop/robot: serviceaccount '
        '"robot" not found'
    )


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounted"),
    [
        (None, None, True),
        (False, None, False),
        (False, True, True),
        (True, False, False),
        (None, False, False),
    ],
)
def test_the_pod_decides_about_the_token_before_the_account(of_account, of_pod, mounted):
    door = shop()
    stored(door, account(automountServiceAccountToken=of_account))
    obj = pod(serviceAccountName="robot", automountServiceAccountToken=of_pod)
    assert bool(mounts(admitted(PLUGIN, request(door, obj)))) is mounted


def test_a_mount_at_the_same_place_is_the_pods_own():
    own = {"name": "own", "mountPath": MOUNT_PATH}
    obj = pod(containers=[container(volumeMounts=[own])], volumes=[{"name": "own"}])
    admitted_pod = admitted(PLUGIN, request(shop(), obj))
    assert mounts(admitted_pod) == [own]
    assert [volume["name"] for volume in admitted_pod["spec"]["volumes"]] == ["own"]


def test_the_accounts_pull_secrets_are_added_unless_the_pod_names_some():
    door = shop()
    stored(door, account(imagePullSecrets=[{"name": "registry"}]))
    obj = admitted(PLUGIN, request(door, pod(serviceAccountName="robot")))
    assert obj["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    own = pod(serviceAccountName="robot", imagePullSecrets=[{"name": "own"}])
    assert admitted(PLUGIN, request(door, own))["spec"]["imagePullSecrets"] == [{"name": "own"}]


def test_a_pod_as_it_was_admitted_is_not_given_a_second_token():
    door = shop()
    once = admitted(PLUGIN, request(door, pod()))
    again = admitted(PLUGIN, request(door, once))
    assert len(again["spec"]["volumes"]) == len(mounts(again)) == 1


def test_a_mirror_pod_cannot_be_made_by_hand():
    obj = pod()
    obj["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    with pytest.raises(ForbiddenError, match="mirror"):
        PLUGIN.admit(request(shop(), obj))
