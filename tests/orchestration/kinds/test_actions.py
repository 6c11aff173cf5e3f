"""Subresources and questions through a real door: bind, evict, finalize, tokens, reviews."""

from datetime import UTC, datetime

import pytest

from paas.apimachinery.door import Door
from paas.apimachinery.scheme import Scheme
from paas.core.actors import user_actor
from paas.core.errors import (
    BadRequestError,
    ConflictError,
    InvalidError,
    MethodNotAllowedError,
    NotFoundError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from paas.core.objects import parse_timestamp, uid_of
from paas.orchestration.admission import PLUGINS
from paas.orchestration.kinds import KINDS
from paas.orchestration.kinds.seams import provide_token_reviewer
from tests.orchestration.kinds.objects import PLATFORM, pod

ANN = user_actor("ann", uid="7")


@pytest.fixture
def door_scheme() -> Scheme:
    return Scheme(KINDS, PLUGINS)


@pytest.fixture
def project(door: Door) -> Door:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    door.create(PLATFORM, namespace)
    return door


def bind(door, node="node-1", name="web-1"):
    target = {"kind": "Node", "name": node}
    body = {"target": target, "metadata": {"annotations": {"a": "b"}}}
    return door.connect(PLATFORM, "pods", name, "shop", subresource="binding", body=body)


def allow_reading(door):
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "reader", "namespace": "shop"}
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}
    door.create(
        PLATFORM,
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
    )
    door.create(
        PLATFORM,
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "ann"}],
        },
    )
    answer_all = {"verbs": ["create"], "apiGroups": ["*"], "resources": ["*"]}
    metadata = {"name": "asker"}
    door.create(
        PLATFORM,
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [answer_all],
        },
    )
    door.create(
        PLATFORM,
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "asker"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": "ann"}],
        },
    )


def ask(door, group, kind, spec=None, namespace="", *, actor=ANN):
    obj = {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec or {}}
    return door.create(actor, obj, namespace)["status"]


def test_a_pod_is_bound_to_a_node_once(project):
    project.create(PLATFORM, pod())
    assert bind(project)["status"] == "Success"
    bound = project.get(PLATFORM, "pods", "web-1", "shop")
    assert bound["spec"]["nodeName"] == "node-1"
    assert bound["metadata"]["annotations"]["a"] == "b"
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
    with pytest.raises(ConflictError, match='already assigned to node "node-1"'):
        bind(project, "node-2")


def test_a_binding_names_a_node(project):
    project.create(PLATFORM, pod())
    with pytest.raises(InvalidError):
        bind(project, "")


def test_an_evicted_pod_has_its_grace(project):
    project.create(PLATFORM, pod())
    bind(project)
    body = {"metadata": {"name": "web-1"}, "deleteOptions": {"gracePeriodSeconds": 7}}
    answer = project.connect(PLATFORM, "pods", "web-1", "shop", subresource="eviction", body=body)
    assert (answer["status"], answer["code"]) == ("Success", 201)
    going = project.get(PLATFORM, "pods", "web-1", "shop")
    assert going["metadata"]["deletionGracePeriodSeconds"] == 7


def test_an_eviction_is_of_the_pod_in_its_path(project):
    project.create(PLATFORM, pod())
    body = {"metadata": {"name": "other"}}
    with pytest.raises(BadRequestError, match="name in URL does not match"):
        project.connect(PLATFORM, "pods", "web-1", "shop", subresource="eviction", body=body)


def test_a_namespace_goes_when_its_last_finalizer_does(project):
    project.delete(PLATFORM, "namespaces", "shop")
    going = project.get(PLATFORM, "namespaces", "shop")
    assert going["status"]["phase"] == "Terminating"
    assert going["spec"]["finalizers"] == ["kubernetes"]
    going["spec"]["finalizers"] = []
    project.connect(
        PLATFORM,
        "namespaces",
        "shop",
        "",
        subresource="finalize",
        body=going,
        verb="update",
    )
    with pytest.raises(NotFoundError):
        project.get(PLATFORM, "namespaces", "shop")


def test_actions_can_be_tried_without_being_done(project):
    made = project.create(PLATFORM, pod())
    target = {"target": {"kind": "Node", "name": "node-1"}}
    token = {"spec": {"expirationSeconds": 3600}}
    tried = [
        project.connect(PLATFORM, *place, "shop", subresource=part, body=body, dry_run=True)
        for place, part, body in (
            (("pods", "web-1"), "binding", target),
            (("pods", "web-1"), "eviction", {}),
            (("serviceaccounts", "default"), "token", token),
        )
    ]
    assert [one["status"] for one in tried[:2]] == ["Success", "Success"]
    assert tried[2]["status"]["token"] == ""
    assert project.get(PLATFORM, "pods", "web-1", "shop") == made


def test_a_namespace_that_is_finalized_to_try_stays(project):
    project.delete(PLATFORM, "namespaces", "shop")
    going = project.get(PLATFORM, "namespaces", "shop")
    body = {**going, "spec": {"finalizers": []}}
    place, verb = ("namespaces", "shop", ""), "update"
    project.connect(PLATFORM, *place, subresource="finalize", body=body, verb=verb, dry_run=True)
    assert project.get(PLATFORM, "namespaces", "shop") == going


def test_an_old_version_does_not_finalize(project):
    project.delete(PLATFORM, "namespaces", "shop")
    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"finalizers": []}}
    with pytest.raises(ConflictError):
        project.connect(
            PLATFORM,
            "namespaces",
            "shop",
            "",
            subresource="finalize",
            body=stale,
            verb="update",
        )


def token(door, **spec):
    return door.connect(
        PLATFORM, "serviceaccounts", "default", "shop", subresource="token", body={"spec": spec}
    )


def test_a_token_is_bound_to_account_and_pod(project):
    made = project.create(PLATFORM, pod())
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "web-1", "uid": uid_of(made)}
    answer = token(project, expirationSeconds=3607, boundObjectRef=reference)
    claims = project.account_tokens.read(answer["status"]["token"])
    account = project.get(PLATFORM, "serviceaccounts", "default", "shop")
    assert claims.account.uid == uid_of(account)
    assert claims.pod is not None
    assert claims.pod.uid == uid_of(made)
    assert answer["spec"]["expirationSeconds"] == 3607
    assert answer["status"]["expirationTimestamp"].endswith("Z")


def test_no_token_lives_longer_than_a_year(project):
    project.create(PLATFORM, pod())
    answer = token(project, expirationSeconds=1 << 32)
    year_s = 365 * 24 * 3600
    claims = project.account_tokens.read(answer["status"]["token"])
    ends = parse_timestamp(answer["status"]["expirationTimestamp"])
    assert answer["spec"]["expirationSeconds"] == year_s
    assert claims.expires_at == ends.timestamp()
    assert claims.expires_at <= datetime.now(UTC).timestamp() + year_s


def test_a_token_for_another_audience_is_none_for_us(project):
    project.create(PLATFORM, pod())
    answer = token(project, audiences=["vault"])
    with pytest.raises(UnauthorizedError):
        project.account_tokens.read(answer["status"]["token"])
    assert project.account_tokens.read(answer["status"]["token"], audiences=["vault"]).pod is None


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ({"expirationSeconds": 60}, InvalidError, "less than 10 minutes"),
        ({"expirationSeconds": 1 << 33}, InvalidError, r"larger than 2\^32"),
        ({"boundObjectRef": {"kind": "Pod", "name": "gone"}}, NotFoundError, "gone"),
        ({"boundObjectRef": {"kind": "Secret", "name": "s"}}, BadRequestError, "Kind=Secret"),
        (
            {"boundObjectRef": {"kind": "Pod", "name": "web-1", "uid": "other"}},
            ConflictError,
            "does not match the UID",
        ),
    ],
)
def test_a_token_is_not_given_for_what_is_not_so(project, spec, error, words):
    project.create(PLATFORM, pod())
    with pytest.raises(error, match=words):
        token(project, **spec)


def test_a_pods_token_is_of_the_account_it_runs_as(project):
    metadata = {"name": "robot", "namespace": "shop"}
    project.create(PLATFORM, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    project.create(PLATFORM, pod(serviceAccountName="robot"))
    project.create(PLATFORM, pod("web-2"))
    with pytest.raises(BadRequestError, match="different serviceaccount"):
        token(project, boundObjectRef={"kind": "Pod", "name": "web-1"})


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"verb": "get", "resource": "pods", "namespace": "shop", "name": "a"}, True),
        ({"verb": "get", "resource": "pods", "namespace": "shop", "name": "b"}, False),
        ({"verb": "delete", "resource": "pods", "namespace": "shop", "name": "a"}, False),
    ],
)
def test_somebody_may_ask_what_they_may_do(project, asked, allowed):
    allow_reading(project)
    status = ask(project, "authorization", "SelfSubjectAccessReview", {"resourceAttributes": asked})
    assert status["allowed"] is allowed


def test_a_path_may_be_asked_for(project):
    allow_reading(project)
    path = {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}
    assert not ask(project, "authorization", "SelfSubjectAccessReview", path)["allowed"]
    assert ask(project, "authorization", "SelfSubjectAccessReview", path, actor=PLATFORM)["allowed"]


def test_somebody_may_ask_what_others_may_do(project):
    allow_reading(project)
    asked = {"verb": "get", "resource": "pods", "namespace": "shop", "name": "a"}
    about = {"resourceAttributes": asked, "user": "ann"}
    assert ask(project, "authorization", "SubjectAccessReview", about, actor=PLATFORM)["allowed"]
    assert ask(project, "authorization", "LocalSubjectAccessReview", about, "shop", actor=PLATFORM)[
        "allowed"
    ]
    other = {**about, "user": "bob"}
    assert not ask(project, "authorization", "SubjectAccessReview", other, actor=PLATFORM)[
        "allowed"
    ]


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("SelfSubjectAccessReview", {}, "exactly one of nonResourceAttributes or resource"),
        (
            "SelfSubjectAccessReview",
            {"resourceAttributes": {}, "nonResourceAttributes": {}},
            "cannot be specified in combination with resourceAttributes",
        ),
        (
            "SubjectAccessReview",
            {"resourceAttributes": {"verb": "get"}},
            "at least one of user or group must be specified",
        ),
        ("SelfSubjectRulesReview", {}, "spec.namespace: Required value"),
    ],
)
def test_a_question_that_asks_nothing_is_refused(project, kind, spec, words):
    with pytest.raises(InvalidError, match=words):
        ask(project, "authorization", kind, spec, actor=PLATFORM)


def test_a_local_question_is_about_its_own_namespace(project):
    about = {"resourceAttributes": {"verb": "get", "namespace": "other"}, "user": "ann"}
    with pytest.raises(InvalidError, match=r"must match metadata\.namespace"):
        ask(project, "authorization", "LocalSubjectAccessReview", about, "shop", actor=PLATFORM)


def test_somebody_may_see_all_their_rules(project):
    allow_reading(project)
    status = ask(project, "authorization", "SelfSubjectRulesReview", {"namespace": "shop"})
    assert {
        "verbs": ["get"],
        "apiGroups": [""],
        "resources": ["pods"],
        "resourceNames": ["a"],
    } in status["resourceRules"]
    assert status["incomplete"] is False


def test_somebody_may_ask_who_they_are(project):
    allow_reading(project)
    info = ask(project, "authentication", "SelfSubjectReview")["userInfo"]
    assert (info["username"], info["uid"]) == ("ann", "7")
    assert "system:authenticated" in info["groups"]


def test_a_question_is_not_kept(project):
    with pytest.raises(MethodNotAllowedError):
        project.list(PLATFORM, "selfsubjectreviews.authentication.k8s.io")


class Reviewer:
    """Knows one token."""

    def authenticate(self, token):
        if token != "good":
            raise UnauthorizedError("The token is unknown.")
        return ANN


@pytest.fixture
def reviewer():
    provide_token_reviewer(Reviewer())
    yield
    provide_token_reviewer(None)


@pytest.mark.usefixtures("reviewer")
def test_a_token_is_looked_at_for_somebody_else(project):
    good = ask(project, "authentication", "TokenReview", {"token": "good"}, actor=PLATFORM)
    assert (good["authenticated"], good["user"]["username"]) == (True, "ann")
    bad = ask(project, "authentication", "TokenReview", {"token": "bad"}, actor=PLATFORM)
    assert (bad["authenticated"], bad["error"]) == (False, "The token is unknown.")
    foreign = {"token": "good", "audiences": ["vault"]}
    assert not ask(project, "authentication", "TokenReview", foreign, actor=PLATFORM)[
        "authenticated"
    ]


def test_a_process_without_accounts_says_so(project):
    with pytest.raises(ServiceUnavailableError):
        ask(project, "authentication", "TokenReview", {"token": "good"}, actor=PLATFORM)
