"""Each rule of a pod spec, with upstream's path and words."""

import copy

import pytest

from paas.core.selectors import selector_from_map
from paas.orchestration.podspec import (
    default_pod,
    defaulted_template,
    pod_spec_errors,
    replicated_template_errors,
)
from paas.orchestration.podspec.resources import pod_amounts
from tests.orchestration.kinds.objects import container, lines, pod


def broken(spec):
    obj = pod(**copy.deepcopy(spec))
    default_pod(obj)
    return lines(pod_spec_errors(obj["spec"]))


def broken_container(**fields):
    return broken({"containers": [container(**fields)]})


def test_a_pod_with_everything_breaks_no_rule():
    spec = {
        "initContainers": [
            container("prepare", command=["true"]),
            container("proxy", restartPolicy="Always", startupProbe={"tcpSocket": {"port": 1}}),
        ],
        "containers": [
            container(
                ports=[{"name": "http", "containerPort": 8080}],
                env=[
                    {"name": "A", "value": "b"},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {
                        "name": "LABEL",
                        "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}},
                    },
                    {
                        "name": "CPU",
                        "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}},
                    },
                    {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                envFrom=[{"prefix": "X_", "configMapRef": {"name": "web"}}],
                resources={"requests": {"cpu": "10m"}, "limits": {"cpu": "1", "memory": "64Mi"}},
                volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
                livenessProbe={"exec": {"command": ["true"]}},
                readinessProbe={"httpGet": {"port": "http"}},
                lifecycle={"preStop": {"sleep": {"seconds": 5}}},
                securityContext={"runAsUser": 1001, "seccompProfile": {"type": "RuntimeDefault"}},
            )
        ],
        "volumes": [
            {"name": "tmp"},
            {
                "name": "token",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token"}},
                        {"configMap": {"name": "ca", "items": [{"key": "k", "path": "ca.crt"}]}},
                        {
                            "downwardAPI": {
                                "items": [
                                    {
                                        "path": "labels",
                                        "fieldRef": {"fieldPath": "metadata.labels"},
                                    }
                                ]
                            }
                        },
                    ]
                },
            },
        ],
        "tolerations": [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3}],
        "serviceAccountName": "robot",
    }
    assert broken(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": []}, ["spec.containers: Required value"]),
        (
            {"containers": [container(), container()]},
            ['spec.containers[1].name: Duplicate value: "web"'],
        ),
        (
            {"initContainers": [container()]},
            ['spec.initContainers[0].name: Duplicate value: "web"'],
        ),
        (
            {"restartPolicy": "Sometimes"},
            [
                'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", '
                '"OnFailure", "Never"'
            ],
        ),
        (
            {"volumes": [{"name": "a"}, {"name": "a"}]},
            ['spec.volumes[1].name: Duplicate value: "a"'],
        ),
        ({"volumes": [{"emptyDir": {}}]}, ["spec.volumes[0].name: Required value"]),
        (
            {"volumes": [{"name": "a", "emptyDir": {}, "secret": {"secretName": "s"}}]},
            ["spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            {"volumes": [{"name": "a", "configMap": {}}]},
            ["spec.volumes[0].configMap.name: Required value"],
        ),
        (
            {"volumes": [{"name": "a", "secret": {"secretName": "s", "defaultMode": 512}}]},
            [
                "spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between "
                "0 and 0777 (octal), both inclusive"
            ],
        ),
        (
            {
                "volumes": [
                    {
                        "name": "a",
                        "secret": {"secretName": "s", "items": [{"key": "k", "path": "../x"}]},
                    }
                ]
            },
            [
                'spec.volumes[0].secret.items[0].path: Invalid value: "../x": must not contain '
                "'..'"
            ],
        ),
        (
            {"activeDeadlineSeconds": 0},
            [
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
                "inclusive"
            ],
        ),
        (
            {"tolerations": [{"value": "x"}]},
            [
                'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when '
                '`key` is empty, which means "match all values and all keys"'
            ],
        ),
        (
            {"dnsPolicy": "None"},
            ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
        ),
        (
            {"securityContext": {"runAsUser": -1}},
            [
                "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and "
                "2147483647, inclusive"
            ],
        ),
        (
            {"securityContext": {"seccompProfile": {"type": "Localhost"}}},
            [
                "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set "
                "when seccomp type is Localhost"
            ],
        ),
        (
            {"securityContext": {"sysctls": [{"name": "a b", "value": "1"}]}},
            [
                'spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 '
                "characters and match regex "
                "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
            ],
        ),
        (
            {"initContainers": [container("a", livenessProbe={"tcpSocket": {"port": 1}})]},
            [
                "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init "
                "containers without restartPolicy=Always"
            ],
        ),
        (
            {"initContainers": [container("a", restartPolicy="Never")]},
            [
                'spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported '
                'values: "Always"'
            ],
        ),
        (
            {"hostAliases": [{"ip": "1.2.3"}]},
            [
                'spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, '
                "(e.g. 10.9.8.7 or 2001:db8::ffff)"
            ],
        ),
        (
            {"hostPID": True, "shareProcessNamespace": True},
            [
                "spec.securityContext.shareProcessNamespace: Invalid value: true: "
                "ShareProcessNamespace and HostPID cannot both be enabled"
            ],
        ),
    ],
)
def test_each_rule_of_a_pod_is_told_in_upstreams_words(spec, expected):
    assert broken(spec) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"image": ""}, ["image: Required value"]),
        (
            {"imagePullPolicy": "Maybe"},
            [
                'imagePullPolicy: Unsupported value: "Maybe": supported values: "Always", '
                '"IfNotPresent", "Never"'
            ],
        ),
        ({"ports": [{"name": "a"}]}, ["ports[0].containerPort: Required value"]),
        (
            {"ports": [{"containerPort": 70000}]},
            [
                "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, "
                "inclusive"
            ],
        ),
        (
            {"ports": [{"name": "UPPER", "containerPort": 1}]},
            [
                'ports[0].name: Invalid value: "UPPER": must contain only alpha-numeric characters '
                "(a-z, 0-9), and hyphens (-)",
                'ports[0].name: Invalid value: "UPPER": must contain at least one letter (a-z)',
            ],
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "ICMP"}]},
            [
                'ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", '
                '"UDP"'
            ],
        ),
        ({"env": [{"value": "x"}]}, ["env[0].name: Required value"]),
        (
            {"env": [{"name": "A=B"}]},
            [
                'env[0].name: Invalid value: "A=B": a valid environment variable name must consist '
                "only of printable ASCII characters other than '='"
            ],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {}}]},
            [
                'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
                "`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            ],
        ),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "value": "b",
                        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
                    }
                ]
            },
            ['env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.image"}}}]},
            [
                'env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.image": error '
                "converting fieldPath: field label not supported: spec.image"
            ],
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "gold"}}}]},
            [
                'env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "gold": supported '
                'values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", '
                '"requests.cpu", "requests.ephemeral-storage", "requests.memory"'
            ],
        ),
        (
            {"envFrom": [{}]},
            ['envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
        ),
        (
            {"volumeMounts": [{"name": "gone", "mountPath": "/x"}]},
            ['volumeMounts[0].name: Not found: "gone"'],
        ),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            [
                'resources.requests: Invalid value: "2": must be less than or equal to cpu limit '
                "of 1"
            ],
        ),
        (
            {"resources": {"limits": {"gold": "1"}}},
            [
                'resources.limits[gold]: Invalid value: "gold": must be a standard resource type '
                "or fully qualified",
                'resources.requests[gold]: Invalid value: "gold": must be a standard resource type '
                "or fully qualified",
            ],
        ),
        (
            {"resources": {"requests": {"memory": "-1"}}},
            ['resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0'],
        ),
        (
            {"resources": {"requests": {"pods": "1"}}},
            [
                'resources.requests[pods]: Invalid value: "pods": must be a standard resource for '
                "containers"
            ],
        ),
        (
            {"livenessProbe": {}},
            ["livenessProbe: Required value: must specify a handler type"],
        ),
        (
            {"livenessProbe": {"tcpSocket": {"port": 1}, "successThreshold": 2}},
            ["livenessProbe.successThreshold: Invalid value: 2: must be 1"],
        ),
        (
            {"readinessProbe": {"httpGet": {"port": 0}}},
            [
                "readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, "
                "inclusive"
            ],
        ),
        (
            {"readinessProbe": {"exec": {}, "periodSeconds": -1}},
            [
                "readinessProbe.exec.command: Required value",
                "readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal "
                "to 0",
            ],
        ),
        (
            {"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
            [
                "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
                "terminationGracePeriodSeconds (30)"
            ],
        ),
        (
            {"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
            [
                'securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":'
                "false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            ],
        ),
        (
            {"restartPolicy": "Always"},
            ["restartPolicy: Forbidden: may not be set for non-init containers"],
        ),
        (
            {"terminationMessagePolicy": "Shout"},
            [
                'terminationMessagePolicy: Unsupported value: "Shout": supported values: "File", '
                '"FallbackToLogsOnError"'
            ],
        ),
    ],
)
def test_each_rule_of_a_container_is_told_in_upstreams_words(fields, expected):
    assert broken_container(**fields) == [f"spec.containers[0].{line}" for line in expected]


def test_a_mount_path_is_used_once():
    mounts = [{"name": "a", "mountPath": "/x"}, {"name": "a", "mountPath": "/x"}]
    spec = {"containers": [container(volumeMounts=mounts)], "volumes": [{"name": "a"}]}
    assert broken(spec) == [
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique'
    ]


def test_two_containers_cannot_have_the_same_host_port():
    ports = [{"containerPort": 80, "hostPort": 80}]
    spec = {"containers": [container("a", ports=ports), container("b", ports=ports)]}
    assert broken(spec) == ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"']


def test_a_projected_volume_has_each_path_once():
    source = {"configMap": {"name": "a", "items": [{"key": "k", "path": "x"}]}}
    spec = {"volumes": [{"name": "v", "projected": {"sources": [source, source]}}]}
    assert broken(spec) == [
        'spec.volumes[0].projected: Invalid value: "a": conflicting duplicate paths'
    ]


@pytest.mark.parametrize(
    ("labels", "spec", "expected"),
    [
        ({"app": "web"}, {}, []),
        (
            {"app": "api"},
            {},
            [
                'spec.template.metadata.labels: Invalid value: {"app":"api"}: `selector` does not '
                "match template `labels`"
            ],
        ),
        (
            {"app": "web"},
            {"restartPolicy": "Never"},
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: '
                '"Always"'
            ],
        ),
        (
            {"app": "web"},
            {"activeDeadlineSeconds": 5},
            [
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
                "ReplicaSet is not Supported"
            ],
        ),
    ],
)
def test_a_workloads_template_is_selected_and_always_restarted(labels, spec, expected):
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container()], **spec}}
    selector = selector_from_map({"app": "web"})
    filled = defaulted_template(template)
    assert lines(replicated_template_errors(filled, selector, "spec.template")) == expected


def test_a_pod_needs_the_larger_of_its_start_and_its_life():
    def needs(cpu, **more):
        return container(f"c{cpu}", resources={"requests": {"cpu": cpu}}, **more)

    spec = {
        "initContainers": [needs("300m", restartPolicy="Always"), needs("2")],
        "containers": [needs("500m"), needs("600m")],
        "overhead": {"cpu": "50m"},
    }
    # the init container beside the sidecar: 2.3, all containers later: 1.4; and the overhead
    assert str(pod_amounts(spec, "requests")["cpu"]) == "2.350"
    assert pod_amounts(spec, "limits") == {}
