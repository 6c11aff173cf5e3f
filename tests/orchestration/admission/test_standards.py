"""The Pod Security Standards: upstream's checks and words."""

import pytest

from paas.orchestration.admission.restricted import violations
from tests.orchestration.kinds.objects import container


def told(level, spec, **metadata):
    return [str(one) for one in violations(level, metadata, spec)]


def secured(**context):
    return {"containers": [container(securityContext=context)]}


def pod_level(**context):
    return {"securityContext": context, "containers": [container()]}


SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_privileged_refuses_nothing():
    spec = {**secured(privileged=True), "hostNetwork": True}
    assert told("privileged", spec) == []


def test_a_plain_pod_is_baseline():
    assert told("baseline", {"containers": [container()]}) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"hostNetwork": True, "hostPID": True, "hostIPC": True},
            "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
        ),
        (
            secured(privileged=True),
            'privileged (container "web" must not set securityContext.privileged=true)',
        ),
        (
            {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]},
            'hostPath volumes (volume "a")',
        ),
        (
            {"volumes": [{"name": n, "hostPath": {"path": "/"}} for n in "ab"]},
            'hostPath volumes (volumes "a", "b")',
        ),
        (
            {"containers": [container(ports=[{"containerPort": 80, "hostPort": 8080}])]},
            'hostPort (container "web" uses hostPort 8080)',
        ),
        (
            secured(capabilities={"add": ["NET_RAW", "CHOWN", "SYS_ADMIN"]}),
            'non-default capabilities (container "web" must not include "NET_RAW", "SYS_ADMIN" in '
            "securityContext.capabilities.add)",
        ),
        (
            secured(procMount="Unmasked"),
            'procMount (container "web" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            secured(seccompProfile={"type": "Unconfined"}),
            'seccompProfile (container "web" must not set securityContext.seccompProfile.type to '
            '"Unconfined")',
        ),
        (
            pod_level(seccompProfile={"type": "Unconfined"}),
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            pod_level(appArmorProfile={"type": "Unconfined"}),
            'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
        ),
        (
            pod_level(seLinuxOptions={"type": "spc_t", "user": "root"}),
            "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "
            '"spc_t"; user may not be set)',
        ),
        (
            pod_level(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            secured(windowsOptions={"hostProcess": True}),
            'hostProcess (container "web" must not set '
            "securityContext.windowsOptions.hostProcess=true)",
        ),
        (
            {"containers": [container(livenessProbe={"tcpSocket": {"port": 1, "host": "h"}})]},
            'probe or lifecycle host (container "web" uses probe or lifecycle host "h")',
        ),
    ],
)
def test_each_check_of_baseline(spec, expected):
    assert told("baseline", {"containers": [container()], **spec}) == [expected]


def test_an_annotation_cannot_switch_app_armor_off():
    key = "container.apparmor.security.beta.kubernetes.io/web"
    found = told("baseline", {"containers": [container()]}, annotations={key: "unconfined"})
    assert found == [
        "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
        f'"{key}="unconfined"")'
    ]


@pytest.mark.parametrize(
    "spec",
    [
        secured(capabilities={"add": ["NET_BIND_SERVICE"]}),
        secured(seccompProfile={"type": "Localhost", "localhostProfile": "a.json"}),
        pod_level(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
        pod_level(seLinuxOptions={"type": "container_t", "level": "s0:c1"}),
        {"hostUsers": False, **secured(procMount="Unmasked")},
        secured(runAsUser=0),
    ],
)
def test_what_baseline_lets_pass(spec):
    assert told("baseline", spec) == []


def test_a_safe_pod_is_restricted():
    assert told("restricted", secured(**SAFE)) == []


def test_a_plain_pod_breaks_four_rules_of_restricted_in_upstreams_order():
    assert told("restricted", {"containers": [container("a"), container("b")]}) == [
        'allowPrivilegeEscalation != false (containers "a", "b" must set '
        "securityContext.allowPrivilegeEscalation=false)",
        'unrestricted capabilities (containers "a", "b" must set '
        'securityContext.capabilities.drop=["ALL"])',
        'runAsNonRoot != true (pod or containers "a", "b" must set '
        "securityContext.runAsNonRoot=true)",
        'seccompProfile (pod or containers "a", "b" must set '
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (
            {"runAsNonRoot": False},
            'runAsNonRoot != true (container "web" must not set '
            "securityContext.runAsNonRoot=false)",
        ),
        ({"runAsUser": 0}, 'runAsUser=0 (container "web" must not set runAsUser=0)'),
        (
            {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}},
            'unrestricted capabilities (container "web" must not include "CHOWN" in '
            "securityContext.capabilities.add)",
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            'seccompProfile (container "web" must not set securityContext.seccompProfile.type to '
            '"Unconfined")',
        ),
        (
            {"procMount": "Unmasked"},
            'procMount (container "web" must not set securityContext.procMount to "Unmasked")',
        ),
    ],
)
def test_each_check_of_restricted(context, expected):
    assert told("restricted", secured(**{**SAFE, **context})) == [expected]


def test_restricted_names_the_types_of_volumes_it_refuses():
    volumes = [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "hostPath": {"path": "/"}},
        {"name": "c", "nfs": {"server": "s", "path": "/"}},
    ]
    assert told("restricted", {**secured(**SAFE), "volumes": volumes}) == [
        'restricted volume types (volumes "b", "c" use restricted volume types "hostPath", "nfs")'
    ]


def test_the_pods_own_context_is_enough_for_its_containers():
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    only = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert told("restricted", {"securityContext": context, **secured(**only)}) == []


def test_root_in_a_user_namespace_is_not_root():
    root = {**SAFE, "runAsNonRoot": False, "runAsUser": 0}
    assert told("restricted", {"hostUsers": False, **secured(**root)}) == []


def test_init_and_ephemeral_containers_are_looked_at_too():
    spec = {
        "initContainers": [container("i", securityContext={"privileged": True})],
        "containers": [container()],
        "ephemeralContainers": [container("e", securityContext={"privileged": True})],
    }
    assert told("baseline", spec) == [
        'privileged (containers "i", "e" must not set securityContext.privileged=true)'
    ]
