"""Why containers wait, fail and end: upstream's reasons, messages and events, on the fakes."""

import base64
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from paas.apimachinery.options import Patch
from paas.core.errors import ForbiddenError
from paas.orchestration.nodeagent.agent import Seams
from paas.orchestration.nodeagent.images import ImageRights
from paas.orchestration.nodeagent.memory import PodMemory
from paas.orchestration.nodeagent.place import DRAIN_MAX_S, Drain
from paas.runtime.base import RegistryAuth
from tests.fakes.programs import FakeProgram
from tests.orchestration.nodeagent.lab import (
    ACTOR,
    Lab,
    condition,
    eventually,
    state_of,
    status_of,
    waits_for,
)
from tests.orchestration.nodeagent.pods import (
    IMAGE,
    FakeNetwork,
    config_map,
    container,
    pod,
    secret,
)

OTHER = "registry.test/other:1"


def message_of(stored, name="web"):
    return state_of(stored, name)[1]["message"]


def test_a_missing_image_is_pulled_once_and_said_so(lab, runtime):
    runtime.registry_add(OTHER)
    for number in range(3):
        lab.create(pod(f"web-{number}", containers=[container(image=OTHER)]))
    for number in range(3):
        lab.until_ready(f"web-{number}")
    reasons = lab.reasons()
    assert "Pulling" in reasons
    assert any(text.startswith('Successfully pulled image "') for _, _, text in lab.events())
    assert len(runtime.pulls) <= 3


def test_an_image_that_cannot_be_had_backs_off(lab, runtime):
    runtime.pull_fail(OTHER, "manifest unknown")
    lab.create(pod(containers=[container(image=OTHER)]))
    stored = lab.until(waits_for("ImagePullBackOff"))
    assert message_of(stored).startswith(f'Back-off pulling image "{OTHER}"')
    assert stored["status"]["phase"] == "Pending"
    told = [(kind, reason, text) for kind, reason, text in lab.events()]
    assert ("Warning", "Failed", f'Failed to pull image "{OTHER}": manifest unknown') in told
    assert ("Warning", "Failed", "Error: ErrImagePull") in told
    assert ("Normal", "BackOff", f'Back-off pulling image "{OTHER}"') in told
    runtime.registry_add(OTHER)
    lab.jump(11)
    lab.until_ready()


@pytest.mark.parametrize(
    ("made", "reason", "message"),
    [
        (container(image="Not//A:Name"), "InvalidImageName", "couldn't parse image name"),
        (
            container(image=OTHER, imagePullPolicy="Never"),
            "ErrImageNeverPull",
            f'Container image "{OTHER}" is not present with pull policy of Never',
        ),
    ],
)
def test_an_image_that_may_not_be_had_says_why(lab, made, reason, message):
    lab.create(pod(containers=[made]))
    assert message in message_of(lab.until(waits_for(reason)))


def ref(kind, **more):
    name = "settings" if kind.startswith("config") else "login"
    return {"name": "VALUE", "valueFrom": {kind: {"name": name, "key": "key", **more}}}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (container(env=[ref("configMapKeyRef")]), 'configmap "settings" not found'),
        (container(env=[ref("secretKeyRef")]), 'secret "login" not found'),
        (
            container(envFrom=[{"secretRef": {"name": "login"}}]),
            'secret "login" not found',
        ),
        (
            container(securityContext={"runAsNonRoot": True}),
            "container has runAsNonRoot and image will run as root",
        ),
        (
            container(securityContext={"runAsNonRoot": True, "runAsUser": 0}),
            "container's runAsUser breaks non-root policy",
        ),
    ],
)
def test_a_configuration_that_cannot_be_made_says_why_and_is_tried_again(lab, made, message):
    lab.create(pod(containers=[made]))
    stored = lab.until(waits_for("CreateContainerConfigError"))
    assert message_of(stored).startswith(message)
    assert ("Warning", "Failed") in [event[:2] for event in lab.events()]


def test_a_missing_key_is_named(lab):
    lab.create(config_map({"other": "x"}))
    lab.create(pod(containers=[container(env=[ref("configMapKeyRef")])]))
    stored = lab.until(waits_for("CreateContainerConfigError"))
    assert message_of(stored) == "couldn't find key key in ConfigMap shop/settings"
    lab.door.update(
        ACTOR, {**lab.door.get(ACTOR, "configmaps", "settings", "shop"), "data": {"key": "now"}}
    )
    lab.jump(11)
    lab.until_ready()


def test_a_missing_volume_source_is_an_event_and_then_mended(lab):
    made = pod(volumes=[{"name": "conf", "configMap": {"name": "settings"}}])
    lab.create(made)
    eventually(lambda: "FailedMount" in lab.reasons())
    text = 'MountVolume.SetUp failed for volume "conf" : configmap "settings" not found'
    assert text in [message for _, _, message in lab.events()]
    lab.create(config_map({"a": "b"}))
    lab.until_ready()


def test_a_container_that_cannot_start_is_a_start_error(lab, runtime):
    runtime.start_fail("app", "exec: no such file")
    lab.create(pod(restartPolicy="Never", containers=[container("app")]))
    stored = lab.until(lambda pod: pod["status"]["phase"] == "Failed")
    ended = state_of(stored, "app")[1]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert ended["message"] == "exec: no such file"


def test_a_sandbox_that_cannot_start_is_tried_again_after_a_while(lab, runtime):
    runtime.start_fail("web", "no room")
    lab.create(pod())
    text = ("Warning", "FailedCreatePodSandBox", "Failed to create pod sandbox: no room")
    eventually(lambda: text in lab.events())
    assert lab.events().count(text) == 1
    runtime._start_failures.clear()
    lab.jump(2)
    lab.until_ready()


def test_a_pod_past_its_deadline_fails_and_is_stopped(lab, runtime):
    lab.create(pod(activeDeadlineSeconds=60))
    lab.until_ready()
    web = runtime.of("web")
    lab.jump(61)
    stored = lab.until(lambda pod: pod["status"].get("reason") == "DeadlineExceeded")
    assert stored["status"]["phase"] == "Failed"
    eventually(lambda: web.signals == ["SIGTERM"])
    eventually(lambda: not runtime.all)


def test_pull_secrets_are_used_for_their_registry(lab, runtime):
    runtime.registry_add(OTHER)
    auths = {"auths": {"registry.test": {"username": "me", "password": "pw"}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}
    lab.create(secret(data, kind="kubernetes.io/dockerconfigjson"))
    made = pod(containers=[container(image=OTHER)], imagePullSecrets=[{"name": "login"}])
    lab.create(made)
    lab.until_ready()
    assert runtime.pulls == [(OTHER, RegistryAuth("me", "pw"))]


def test_a_cached_image_is_no_way_in(tmp_path, runtime):
    allowed: list[int] = []

    def access(_pod, image, _state):
        if not allowed:
            raise ForbiddenError(f"{image}: access denied")
        return True

    seams = Seams(rights=ImageRights(access=access), drain=Drain(minimum_s=0))
    lab = Lab(tmp_path, runtime, FakeNetwork(), seams=seams)
    lab.start()
    try:
        lab.create(pod())
        stored = lab.until(waits_for("ImagePullBackOff"))
        assert "access denied" in message_of(stored)
        assert not [one for one in runtime.all.values() if one.spec]
        allowed.append(1)
        lab.jump(11)
        lab.until_ready()
    finally:
        lab.stop()
        runtime.stop()


def login(name, password):
    """Return a pull secret for registry.test."""
    auths = {"auths": {"registry.test": {"username": "me", "password": password}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(auths).encode()).decode()}
    return secret(data, name, kind="kubernetes.io/dockerconfigjson")


def foreign_pod(name, *secrets):
    """Return a pod that runs OTHER if it is here, with these pull secrets."""
    names = [{"name": one} for one in secrets]
    one = container(image=OTHER, imagePullPolicy="IfNotPresent")
    return pod(name, containers=[one], imagePullSecrets=names)


def test_an_image_pulled_with_a_secret_is_no_way_round_the_secret(lab, runtime):
    runtime.registry_add(OTHER)
    lab.create(login("mine", "pw"))
    lab.create(login("theirs", "other"))
    lab.create(foreign_pod("first", "mine"))
    lab.until_ready("first")
    lab.create(foreign_pod("again", "mine"))
    lab.until_ready("again")
    assert len(runtime.pulls) == 1
    for name, secrets in (("wrong", ["theirs"]), ("none", [])):
        lab.create(foreign_pod(name, *secrets))
        lab.until_ready(name)
    assert [auth and auth.password for _, auth in runtime.pulls] == ["pw", "other", None]


def test_a_pod_without_the_secret_stays_out_when_the_registry_refuses_it(lab, runtime):
    runtime.registry_add(OTHER)
    lab.create(login("mine", "pw"))
    lab.create(foreign_pod("first", "mine"))
    lab.until_ready("first")
    runtime.pull_fail(OTHER, "unauthorized: authentication required")
    lab.create(foreign_pod("second"))
    stored = lab.until(waits_for("ImagePullBackOff"), "second")
    assert "unauthorized" in message_of(stored)
    lab.stop()
    lab.start()
    lab.create(foreign_pod("third"))
    lab.until(waits_for("ImagePullBackOff"), "third")


def test_a_pod_is_not_stopped_before_traffic_has_gone(tmp_path, runtime):
    gone: list[int] = []
    with drained_lab(tmp_path, runtime, lambda _pod: bool(gone)) as lab:
        lab.create(pod())
        lab.until_ready()
        web = runtime.of("web")
        lab.time.stand()
        lab.delete()
        eventually(lambda: lab.agent.memories.find(uid(lab)).draining_since is not None)
        assert web.signals == []
        gone.append(1)
        lab.until_gone()
        assert web.signals == ["SIGTERM"]


def test_traffic_is_waited_for_no_longer_than_the_bound(tmp_path, runtime):
    with drained_lab(tmp_path, runtime, lambda _pod: False) as lab:
        lab.create(pod())
        lab.until_ready()
        web = runtime.of("web")
        lab.time.stand()
        lab.delete()
        eventually(lambda: lab.agent.memories.find(uid(lab)).draining_since is not None)
        assert web.signals == []
        lab.jump(DRAIN_MAX_S)
        lab.until_gone()
        assert web.signals == ["SIGTERM"]


@contextmanager
def drained_lab(tmp_path, runtime, drained):
    lab = Lab(tmp_path, runtime, FakeNetwork(), seams=Seams(drain=Drain(drained=drained)))
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()
        runtime.stop()


BEGAN = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)


def terminating(*, grace_s=30, ips=("10.64.3.2",), ready=True, deleting=True):
    metadata = {"name": "web", "namespace": "shop", "deletionGracePeriodSeconds": grace_s}
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-26T04:00:30Z"
    status = {
        "podIPs": [{"ip": ip} for ip in ips],
        "conditions": [{"type": "Ready", "status": str(ready)}],
    }
    return {"metadata": metadata, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("changed", "waits"),
    [
        ({}, True),
        ({"ready": False}, True),  # its Service may publish it, or a request be under way
        ({"grace_s": 0}, False),
        ({"ips": ()}, False),
        ({"deleting": False}, False),
    ],
)
def test_who_waits_for_traffic_to_go(changed, waits):
    drain = Drain(drained=lambda _pod: False)
    assert drain.is_over(terminating(**changed), PodMemory(), BEGAN) is not waits


@pytest.mark.parametrize(("waited_s", "over"), [(0.0, False), (4.9, False), (5.0, True)])
def test_nobody_waits_longer_than_five_seconds(waited_s, over):
    drain, memory = Drain(drained=lambda _pod: False), PodMemory()
    assert not drain.is_over(terminating(), memory, BEGAN)
    assert drain.is_over(terminating(), memory, BEGAN + timedelta(seconds=waited_s)) is over


def uid(lab):
    return lab.stored()["metadata"]["uid"]


def test_a_failed_post_start_hook_ends_its_container(lab, runtime):
    runtime.program(("hook",), FakeProgram(exit_code=1, stdout=b"no"))
    hook = {"postStart": {"exec": {"command": ["hook"]}}}
    lab.create(pod(containers=[container(lifecycle=hook)]))
    lab.until(lambda pod: status_of(pod)["restartCount"] >= 1)
    assert "FailedPostStartHook" in lab.reasons()


def test_pods_of_another_node_are_left_alone(lab, runtime):
    lab.create(pod(nodeName="other"))
    lab.create(pod("mine"))
    lab.until_ready("mine")
    assert "status" not in lab.stored("web")
    assert len(runtime.all) == 2


def test_a_changed_image_restarts_the_container(lab, runtime):
    runtime.image_add(OTHER)
    lab.create(pod())
    lab.until_ready()
    body = {"spec": {"containers": [container(image=OTHER)]}}
    lab.door.patch(ACTOR, "pods", "web", "shop", patch=Patch("merge", body))
    stored = lab.until(lambda pod: status_of(pod)["restartCount"] == 1)
    assert status_of(stored)["image"] == OTHER
    (text,) = [text for _, reason, text in lab.events() if reason == "Killing"]
    assert text == "Container web definition changed, will be restarted"


def test_a_readiness_gate_holds_the_pod_back_until_its_condition_is_true(lab):
    lab.create(pod(readinessGates=[{"conditionType": "www.example.com/ok"}]))
    stored = lab.until(lambda pod: condition(pod, "ContainersReady") == "True")
    assert condition(stored, "Ready") == "False"
    true = {"type": "www.example.com/ok", "status": "True"}
    added = Patch("json", [{"op": "add", "path": "/status/conditions/-", "value": true}])
    lab.door.patch(ACTOR, "pods", "web", "shop", patch=added, subresource="status")
    assert condition(lab.until_ready(), "www.example.com/ok") == "True"


def test_a_new_agent_does_not_restart_or_unready_anything(lab, runtime):
    probe = {"exec": {"command": ["check"]}}
    lab.create(pod(containers=[container(readinessProbe=probe)]))
    stored = lab.until_ready()
    lab.stop()
    version = lab.stored()["metadata"]["resourceVersion"]
    runtime.execs.clear()
    lab.start()
    eventually(lambda: lab.agent.memories.find(stored["metadata"]["uid"]) is not None)
    eventually(lambda: runtime.execs)
    assert lab.stored()["metadata"]["resourceVersion"] == version


def test_what_has_no_pod_is_cleared_away_by_a_new_agent(lab, runtime):
    lab.create(pod())
    lab.until_ready()
    lab.stop()
    lab.door.finish_deletion("pods", "web", "shop")
    lab.start()
    eventually(lambda: not runtime.all and not lab.network.given)
    eventually(lambda: not list((lab.root / "pods").iterdir()))


def test_a_pod_of_an_old_name_is_another_pod(lab, runtime):
    lab.create(pod())
    first = lab.until_ready()["metadata"]["uid"]
    lab.stop()
    lab.door.finish_deletion("pods", "web", "shop")
    lab.create(pod())
    lab.start()
    lab.until_ready()
    eventually(lambda: len(runtime.all) == 2)
    uids = {one.state.labels["io.kubernetes.pod.uid"] for one in runtime.all.values()}
    assert uids == {uid(lab)}
    assert first not in uids
    assert status_of(lab.stored())["image"] == IMAGE


def test_a_sandbox_that_died_is_made_anew_with_its_containers(lab, runtime):
    lab.create(pod())
    lab.until_ready()
    (sandbox,) = [one for one in runtime.all.values() if one.sandbox]
    runtime.finish(sandbox.state.id, 137)
    stored = lab.until(lambda pod: status_of(pod)["restartCount"] == 1)
    assert condition(stored, "Ready") == "True"
    assert "SandboxChanged" in lab.reasons()


def test_the_engine_may_be_away_for_a_while(lab, runtime):
    runtime.stop()
    lab.create(pod())
    runtime.restart()
    lab.until_ready()


def test_a_pod_whose_directory_grows_over_its_limit_is_evicted(lab, runtime):
    lab.create(pod(volumes=[{"name": "empty", "emptyDir": {"sizeLimit": "4Ki"}}]))
    stored = lab.until_ready()
    path = lab.agent.volumes.directory(stored["metadata"]["uid"]).volume("empty")
    (path / "big").write_bytes(b"x" * 100_000)
    lab.agent.refresh_now()
    stored = lab.until(lambda pod: pod["status"].get("reason") == "Evicted")
    assert stored["status"]["phase"] == "Failed"
    eventually(lambda: not runtime.all)


def test_a_changed_source_reaches_the_volume(lab):
    lab.create(config_map({"key": "one"}))
    lab.create(pod(volumes=[{"name": "conf", "configMap": {"name": "settings"}}]))
    uid = lab.until_ready()["metadata"]["uid"]
    path = lab.agent.volumes.directory(uid).volume("conf") / "key"
    assert path.read_text() == "one"
    found = lab.door.get(ACTOR, "configmaps", "settings", "shop")
    lab.door.update(ACTOR, {**found, "data": {"key": "two"}})
    lab.agent.refresh_now()
    assert path.read_text() == "two"


def test_a_finished_pod_keeps_its_log_and_loses_everything_else(lab, runtime):
    lab.create(pod(restartPolicy="Never"))
    stored = lab.until_ready()
    runtime.log_write(runtime.of("web").state.id, "last words")
    runtime.finish(runtime.of("web").state.id, 0)
    lab.until(lambda pod: pod["status"]["phase"] == "Succeeded")
    eventually(lambda: not runtime.all and not lab.network.given)
    directory = lab.agent.volumes.directory(stored["metadata"]["uid"])
    assert "last words" in directory.log("web", 0).read_text()
    eventually(lambda: not (directory.root / "volumes").exists())
    lab.delete()
    lab.until_gone()
    eventually(lambda: not directory.root.exists())
