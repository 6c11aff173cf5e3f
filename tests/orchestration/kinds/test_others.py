"""Nodes, events, leases and endpoint slices; and that the declarations fit upstream's discovery."""

import pytest

from paas.orchestration.kinds import KINDS
from paas.orchestration.kinds.coordination import LEASE
from paas.orchestration.kinds.core_node import NODE
from paas.orchestration.kinds.discovery import ENDPOINT_SLICE
from paas.orchestration.kinds.events import EVENT
from tests.orchestration.kinds.objects import broken, lines, made, row


def node(spec=None, **status):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": ""}},
        "spec": spec or {},
        "status": status,
    }


@pytest.mark.parametrize(
    ("spec", "conditions", "expected"),
    [
        ({}, [], "Unknown"),
        ({}, [{"type": "Ready", "status": "True"}], "Ready"),
        ({}, [{"type": "Ready", "status": "Unknown"}], "NotReady"),
        (
            {"unschedulable": True},
            [{"type": "Ready", "status": "True"}],
            "Ready,SchedulingDisabled",
        ),
    ],
)
def test_the_status_of_a_node_in_a_word(spec, conditions, expected):
    found = row(NODE, node(spec, conditions=conditions))
    assert (found["Status"], found["Roles"]) == (expected, "worker")


def test_what_a_node_has_it_can_give_unless_it_says_less():
    obj = node(capacity={"cpu": "2"})
    NODE.default(obj)
    assert obj["status"]["allocatable"] == {"cpu": "2"}


def test_a_taint_has_an_effect_that_exists():
    assert broken(NODE, node({"taints": [{"key": "a", "effect": "Never"}]})) == [
        'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", '
        '"PreferNoSchedule", "NoExecute"'
    ]


def test_the_pod_network_of_a_node_stays():
    new, old = node({"podCIDRs": ["10.1.0.0/24"]}), node({"podCIDRs": ["10.0.0.0/24"]})
    assert lines(NODE.validate_update(new, old)) == [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
    ]
    assert NODE.validate_update(new, node()) == []


def event(**fields):
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": "web-1", "namespace": "shop"},
        **fields,
    }


def test_an_event_lives_where_its_object_does():
    assert broken(EVENT, event()) == []
    assert broken(EVENT, event(involvedObject={"namespace": "other"})) == [
        'involvedObject.namespace: Invalid value: "other": does not match event.namespace'
    ]


def test_an_event_of_the_new_style_says_who_reports():
    assert broken(EVENT, event(eventTime="2026-01-01T00:00:00.000000Z", reason="Started")) == [
        "reportingComponent: Required value",
        'reportingComponent: Invalid value: "": name part must be non-empty',
        "reportingInstance: Required value",
        "action: Required value",
    ]


def test_the_line_of_an_event():
    obj = event(
        type="Warning",
        reason="BackOff",
        message="Back-off restarting\n",
        count=4,
        firstTimestamp="2026-01-01T00:00:00Z",
        lastTimestamp="2026-01-01T00:01:00Z",
        source={"component": "kubelet", "host": "n"},
    )
    found = row(EVENT, obj, wide=True)
    assert found == {
        "Last Seen": "2026-01-01T00:01:00Z",
        "Type": "Warning",
        "Reason": "BackOff",
        "Object": "pod/web-1",
        "Subobject": "",
        "Source": "kubelet, n",
        "Message": "Back-off restarting",
        "First Seen": "2026-01-01T00:00:00Z",
        "Count": 4,
        "Name": "web.1",
    }


def test_a_series_tells_the_time_and_the_count_itself():
    series = {"count": 9, "lastObservedTime": "2026-01-01T00:09:00.000000Z"}
    found = row(EVENT, event(series=series, eventTime="2026-01-01T00:00:00.000000Z"), wide=True)
    assert (found["Last Seen"], found["Count"]) == ("2026-01-01T00:09:00.000000Z", 9)
    assert found["First Seen"] == "2026-01-01T00:00:00.000000Z"


def test_events_are_found_by_their_object():
    fields = EVENT.fields(event(reason="BackOff", source={"component": "kubelet"}))
    assert fields["involvedObject.name"] == "web-1"
    assert (fields["reason"], fields["source"]) == ("BackOff", "kubelet")


def lease(**spec):
    return {
        "apiVersion": LEASE.api_version,
        "kind": "Lease",
        "metadata": {"name": "leader", "namespace": "shop"},
        "spec": spec,
    }


def test_a_lease_lasts_and_shows_its_holder():
    assert broken(LEASE, lease(leaseDurationSeconds=0, leaseTransitions=-1)) == [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ]
    assert row(LEASE, lease(holderIdentity="a"))["Holder"] == "a"


def endpoint_slice(*addresses, **fields):
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": "EndpointSlice",
        "metadata": {"name": "web-1", "namespace": "shop"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]} for address in addresses],
        "ports": [{"port": 8080}],
        **fields,
    }


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (endpoint_slice("10.0.0.1"), []),
        (
            endpoint_slice("10.0.0.1", addressType="IPX"),
            ['addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"'],
        ),
        (
            endpoint_slice("fd00::1"),
            ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address'],
        ),
        (
            endpoint_slice(endpoints=[{"addresses": []}]),
            ["endpoints[0].addresses: Required value: must contain at least 1 address"],
        ),
        (
            endpoint_slice("10.0.0.1", ports=[{"port": 1}, {"port": 2}]),
            ['ports[1].name: Duplicate value: ""'],
        ),
    ],
)
def test_each_rule_of_an_endpoint_slice(obj, expected):
    assert broken(ENDPOINT_SLICE, obj) == expected


def test_the_line_of_an_endpoint_slice():
    obj = made(ENDPOINT_SLICE, endpoint_slice("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"))
    found = row(ENDPOINT_SLICE, obj)
    assert found["Endpoints"] == "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more..."
    assert (found["AddressType"], found["Ports"]) == ("IPv4", "8080")
    assert row(ENDPOINT_SLICE, endpoint_slice(ports=[]))["Endpoints"] == "<unset>"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.address)
def test_each_kind_stands_an_empty_object_and_names_its_columns_once(kind):
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    kind.default(obj)
    kind.default(obj)
    assert isinstance(list(kind.validate(obj)), list)
    assert all(isinstance(value, str) for value in kind.fields(obj).values())
    headings = [column.name for column in kind.columns]
    assert len(headings) == len(set(headings))
    for column in kind.columns:
        column.value(obj)


def test_all_short_names_differ():
    # a resource in several versions has its short names in each
    stored = {kind.resource: kind for kind in KINDS}.values()
    names = [name for kind in stored for name in kind.short_names]
    assert sorted(names) == sorted(set(names))
