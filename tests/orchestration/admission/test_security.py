"""PodSecurity: fills in, refuses, warns."""

import copy

import pytest

from paas.core.errors import ForbiddenError
from paas.orchestration.admission.security import PodSecurity, policy_of
from tests.orchestration.admission.requests import admitted, request, shop, stored
from tests.orchestration.kinds.objects import container, deployment, made, pod

PLUGIN = PodSecurity()
LABEL = "pod-security.kubernetes.io/"
DROPPED = container(securityContext={"capabilities": {"drop": ["ALL"]}})


def test_what_a_pod_leaves_out_is_filled_in():
    spec = admitted(PLUGIN, request(shop(), pod()))["spec"]
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False}


def test_what_a_pod_says_is_kept():
    own = container(securityContext={"allowPrivilegeEscalation": True})
    profile = {"seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}}
    obj = pod(containers=[own], securityContext=profile)
    spec = admitted(PLUGIN, request(shop(), obj))["spec"]
    assert spec["securityContext"] == profile
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": True}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"hostNetwork": True}, "host namespaces (hostNetwork=true)"),
        ({"hostPID": True}, "host namespaces (hostPID=true)"),
        ({"hostIPC": True}, "host namespaces (hostIPC=true)"),
        (
            {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]},
            'hostPath volumes (volume "root")',
        ),
        (
            {"containers": [container(securityContext={"privileged": True})]},
            'privileged (container "web" must not set securityContext.privileged=true)',
        ),
    ],
)
def test_baseline_is_enforced_where_nothing_is_said(spec, reason):
    with pytest.raises(ForbiddenError) as caught:
        admitted(PLUGIN, request(shop(), pod(**spec)))
    assert caught.value.message == (
        f'pods "web-1" is forbidden: violates PodSecurity "baseline:latest": {reason}'
    )


def test_a_privileged_project_is_left_as_it_is():
    door = shop(**{f"{LABEL}enforce": "privileged"})
    asked = request(door, pod(hostNetwork=True))
    spec = admitted(PLUGIN, asked)["spec"]
    assert spec["securityContext"] == {}
    assert asked.warnings == []


def test_a_restricted_project_refuses_root():
    door = shop(**{f"{LABEL}enforce": "restricted", f"{LABEL}enforce-version": "v1.35"})
    with pytest.raises(ForbiddenError) as caught:
        admitted(PLUGIN, request(door, pod(containers=[DROPPED])))
    assert caught.value.message == (
        'pods "web-1" is forbidden: violates PodSecurity "restricted:v1.35": runAsNonRoot != true '
        '(pod or container "web" must set securityContext.runAsNonRoot=true)'
    )


def test_restricted_is_warned_of_but_not_what_we_fill_in_nor_mapped_root():
    asked = request(shop(), pod())
    admitted(PLUGIN, asked)
    assert asked.warnings == [
        'would violate PodSecurity "restricted:latest": unrestricted capabilities (container '
        '"web" must set securityContext.capabilities.drop=["ALL"])'
    ]


def test_nothing_is_warned_of_where_the_project_says_so():
    asked = request(shop(**{f"{LABEL}warn": "baseline"}), pod())
    admitted(PLUGIN, asked)
    assert asked.warnings == []


@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"])
def test_a_workload_is_warned_of_and_never_refused_nor_changed(kind):
    asked = request(shop(), {**deployment(), "kind": kind})
    before = copy.deepcopy(asked.obj)
    after = admitted(PLUGIN, asked)
    (warning,) = asked.warnings
    assert warning.startswith('would violate PodSecurity "restricted:latest": unrestricted')
    assert after == before


def test_a_job_is_warned_of_alone_and_in_a_cron_job():
    spec = {"template": deployment()["spec"]["template"]}
    metadata = {"name": "web", "namespace": "shop"}
    batch = {"apiVersion": "batch/v1", "metadata": metadata}
    for body in (
        {**batch, "kind": "Job", "spec": spec},
        {**batch, "kind": "CronJob", "spec": {"jobTemplate": {"spec": spec}}},
    ):
        asked = request(shop(), body)
        PLUGIN.validate(asked)
        assert "unrestricted capabilities" in asked.warnings[0]


def test_a_workload_is_warned_of_again_only_when_its_template_changes():
    door = shop()
    old = made(request(door, deployment()).kind, deployment())
    scaled = copy.deepcopy(old)
    scaled["spec"]["replicas"] = 5
    asked = request(door, scaled, "UPDATE", old=old)
    PLUGIN.validate(asked)
    assert asked.warnings == []
    changed = copy.deepcopy(old)
    changed["spec"]["template"]["spec"]["hostNetwork"] = True
    asked = request(door, changed, "UPDATE", old=old)
    PLUGIN.validate(asked)
    assert "host namespaces (hostNetwork=true)" in asked.warnings[0]


def test_a_level_that_is_none_is_read_as_the_strictest():
    namespace = {"metadata": {"labels": {f"{LABEL}enforce": "strict"}}}
    assert policy_of(namespace).enforce == "restricted"
    assert policy_of(None).enforce == "baseline"


def test_a_stricter_level_names_the_pods_that_it_would_refuse():
    door = shop(**{f"{LABEL}enforce": "privileged"})
    for name in ("b", "a", "c"):
        stored(door, pod(name, hostNetwork=True))
    stored(door, pod("good"))
    old = door.get(request(door, pod()).actor, "namespaces", "shop")
    new = copy.deepcopy(old)
    new["metadata"]["labels"][f"{LABEL}enforce"] = "baseline"
    asked = request(door, new, "UPDATE", old=old)
    PLUGIN.validate(asked)
    assert asked.warnings == [
        'existing pods in namespace "shop" violate the new PodSecurity enforce level '
        '"baseline:latest"',
        "a (and 2 other pods): host namespaces",
    ]


def test_a_looser_level_needs_no_look_at_the_pods():
    door = shop(**{f"{LABEL}enforce": "restricted"})
    stored(door, pod())
    old = door.get(request(door, pod()).actor, "namespaces", "shop")
    new = copy.deepcopy(old)
    new["metadata"]["labels"][f"{LABEL}enforce"] = "baseline"
    asked = request(door, new, "UPDATE", old=old)
    PLUGIN.validate(asked)
    assert asked.warnings == []


@pytest.mark.parametrize(
    ("change", "refused"),
    [({"nodeName": "n"}, False), ({"containers": [container(image="registry/web:2")]}, True)],
)
def test_a_running_pod_is_looked_at_again_only_for_a_new_image(change, refused):
    door = shop(**{f"{LABEL}enforce": "restricted"})
    old = made(request(door, pod()).kind, pod())
    new = copy.deepcopy(old)
    new["spec"].update(change)
    asked = request(door, new, "UPDATE", old=old)
    if not refused:
        PLUGIN.validate(asked)
        assert asked.warnings == []
        return
    with pytest.raises(ForbiddenError, match="restricted:latest"):
        PLUGIN.validate(asked)
