"""What `kubectl get` shows of kinds: upstream's and OpenShift's headings, and their cells.

Source: k8s.io/kubernetes/pkg/printers/internalversion; openshift-apiserver and oauth-apiserver,
pkg/*/printers/internalversion.
"""

import copy
from datetime import UTC, datetime

import pytest

from paas.apiserver.tables import TableView
from paas.manager.scheme import build_scheme
from paas.settings.instance import Instance

NOW = datetime(2026, 11, 26, 12, 5, tzinfo=UTC)
NOON = "2026-11-26T12:00:00Z"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = f"sha256:{'a' * 64}"
IMAGE = f"registry/shop/web@{DIGEST}"
PULLED = {"metadata": {"name": DIGEST, "creationTimestamp": NOON}, "dockerImageReference": IMAGE}
ADMITTED = {"type": "Admitted", "status": "True"}
REFUSED = {"type": "Admitted", "status": "False", "reason": "HostAlreadyClaimed"}
HOST = "web-shop.apps.localhost"


def git(**more):
    return {"type": "Git", "git": {"uri": "https://example.org/web.git"}, **more}


def build(**status):
    spec = {
        "source": git(),
        "revision": {"type": "Git", "git": {"commit": COMMIT}},
        "strategy": {"type": "Source"},
    }
    return {"spec": spec, "status": status}


def config(source):
    spec = {"source": source, "strategy": {"type": "Source"}}
    return {"spec": spec, "status": {"lastVersion": 7}}


def route(*ingress, **spec):
    to = {"kind": "Service", "name": "web", "weight": 100}
    status = {"ingress": [{"host": HOST, "conditions": [one] if one else []} for one in ingress]}
    return {"spec": {"host": HOST, "to": to, **spec}, "status": status}


def stream(*tags):
    histories = [{"tag": tag, "items": [{"created": NOON, "image": DIGEST}]} for tag in tags]
    return {"status": {"tags": histories, "dockerImageRepository": "inside/shop/web"}}


KUBERNETES = {
    "service account": (
        "serviceaccounts",
        {"secrets": [{"name": "a"}, {"name": "b"}]},
        {"Name": "web", "Secrets": 2, "Age": "5m"},
    ),
    "limit range": (
        "limitranges",
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
        {"Name": "web", "Created At": NOON},
    ),
    "role": (
        "roles.rbac.authorization.k8s.io",
        {"rules": []},
        {"Name": "web", "Created At": NOON},
    ),
    "cluster role": (
        "clusterroles.rbac.authorization.k8s.io",
        {"rules": []},
        {"Name": "web", "Created At": NOON},
    ),
}
OPENSHIFT = {
    "project": (
        "projects.project.openshift.io",
        {
            "metadata": {"annotations": {"openshift.io/display-name": "The shop"}},
            "status": {"phase": "Active"},
        },
        {"Name": "web", "Display Name": "The shop", "Status": "Active"},
    ),
    "user": (
        "users.user.openshift.io",
        {"fullName": "Ann Lee", "identities": ["ldap:ann", "github:ann"]},
        {"Name": "web", "UID": "1", "Full Name": "Ann Lee", "Identities": "ldap:ann, github:ann"},
    ),
    "build that runs": (
        "builds.build.openshift.io",
        build(phase="Running", startTimestamp=NOON),
        {
            "Name": "web",
            "Type": "Source",
            "From": "Git@0123456",
            "Status": "Running",
            "Started": "5m ago",
            "Duration": "",
        },
    ),
    "build that failed": (
        "builds.build.openshift.io",
        build(
            phase="Failed", reason="AssembleFailed", startTimestamp=NOON, duration=62_000_000_000
        ),
        {
            "Name": "web",
            "Type": "Source",
            "From": "Git@0123456",
            "Status": "Failed (AssembleFailed)",
            "Started": "5m ago",
            "Duration": "1m2s",
        },
    ),
    "build config": (
        "buildconfigs.build.openshift.io",
        config(git()),
        {"Name": "web", "Type": "Source", "From": "Git", "Latest": 7},
    ),
    "build config of a branch": (
        "buildconfigs.build.openshift.io",
        config(git(git={"uri": "https://example.org/web.git", "ref": "stable"})),
        {"Name": "web", "Type": "Source", "From": "Git@stable", "Latest": 7},
    ),
    "build config of a commit": (
        "buildconfigs.build.openshift.io",
        config(git(git={"uri": "https://example.org/web.git", "ref": COMMIT})),
        {"Name": "web", "Type": "Source", "From": "Git@0123456", "Latest": 7},
    ),
    "build config with a Dockerfile of its own": (
        "buildconfigs.build.openshift.io",
        config(git(dockerfile="FROM scratch")),
        {"Name": "web", "Type": "Source", "From": "Dockerfile,Git", "Latest": 7},
    ),
    "image stream": (
        "imagestreams.image.openshift.io",
        stream("latest"),
        {
            "Name": "web",
            "Image Repository": "registry.localhost:8443/shop/web",
            "Tags": "latest",
            "Updated": "5m ago",
        },
    ),
    "empty image stream": (
        "imagestreams.image.openshift.io",
        stream(),
        {
            "Name": "web",
            "Image Repository": "registry.localhost:8443/shop/web",
            "Tags": "",
            "Updated": "",
        },
    ),
    "image stream tag": (
        "imagestreamtags.image.openshift.io",
        {"image": PULLED},
        {"Name": "web", "Image Reference": IMAGE, "Updated": "5m ago"},
    ),
    "image": (
        "images.image.openshift.io",
        {"dockerImageReference": IMAGE},
        {"Name": "web", "Image Reference": IMAGE},
    ),
}


def shown(termination="", services="web", host=HOST, path="", port="<all>"):
    return {
        "Name": "web",
        "Host/Port": host,
        "Path": path,
        "Services": services,
        "Port": port,
        "Termination": termination,
        "Wildcard": "None",
    }


def other(weight):
    return {"alternateBackends": [{"kind": "Service", "name": "next", "weight": weight}]}


EDGE = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
ROUTES = {
    "nobody has looked at": (route(), shown()),
    "admitted": (route(ADMITTED, path="/api"), shown(path="/api")),
    "refused": (route(REFUSED), shown(host="HostAlreadyClaimed")),
    "undecided": (route(None), shown(host="Pending")),
    "of a port": (route(ADMITTED, port={"targetPort": "http"}), shown(port="http")),
    "with TLS": (route(ADMITTED, tls={"termination": "edge"}), shown("edge")),
    "that redirects": (route(ADMITTED, tls=EDGE), shown("edge/Redirect")),
    "in shares": (route(ADMITTED, **other(50)), shown(services="web(66%),next(33%)")),
    "to one of two": (route(ADMITTED, **other(0)), shown(services="web(100%),next(0%)")),
}
CASES = {
    **KUBERNETES,
    **OPENSHIFT,
    **{
        f"route {name}": ("routes.route.openshift.io", obj, cells)
        for name, (obj, cells) in ROUTES.items()
    },
}


@pytest.fixture(scope="module")
def scheme():
    return build_scheme(Instance())


def table_of(scheme, resource, obj):
    """Return headings with their priority, and the cells of the one row."""
    kind = scheme.kind_of(resource)
    whole = copy.deepcopy({"apiVersion": kind.api_version, "kind": kind.kind, **obj})
    whole["metadata"] = {
        "name": "web",
        "namespace": "shop",
        "uid": "1",
        "creationTimestamp": NOON,
        **obj.get("metadata", {}),
    }
    kind.default(whole)
    table = TableView(kind, version="v1").table([whole], {}, NOW)
    headings = [(one["name"], one["priority"]) for one in table["columnDefinitions"]]
    return headings, table["rows"][0]["cells"]


@pytest.mark.parametrize(("resource", "obj", "expected"), CASES.values(), ids=CASES)
def test_the_columns_are_upstreams(scheme, resource, obj, expected):
    headings, cells = table_of(scheme, resource, obj)

    found = {
        name: cell for (name, priority), cell in zip(headings, cells, strict=True) if not priority
    }
    assert found == expected
    assert [name for name, priority in headings if not priority] == list(expected)


def test_wide_columns_come_after_the_others(scheme):
    headings, cells = table_of(scheme, "imagestreamtags.image.openshift.io", {"image": PULLED})
    assert (headings[-1], cells[-1]) == (("Image Name", 1), DIGEST)
    headings, cells = table_of(scheme, "users.user.openshift.io", {"fullName": "Ann Lee"})
    assert (headings[-1], cells[-1]) == (("Active", 1), True)
