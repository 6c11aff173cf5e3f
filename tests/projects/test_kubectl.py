"""What a person sees of projects with the real kubectl."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from paas.core.actors import user_actor
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.fixtures.kubectl import ApiServer, Kubectl, new_kubectl

ANN = user_actor("ann")


@pytest.fixture(name="api_application")
def application(platform_door) -> ApiApplication:
    return api_application(platform_door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.fixture
def anns(kubectl, api_server, tmp_path) -> Kubectl:
    """Return ann's kubectl."""
    server = ApiServer(api_server.url, api_server.ca_file, "user-ann")
    return new_kubectl(kubectl.program, tmp_path / "ann", server)


def request(name):
    return {
        "apiVersion": "project.openshift.io/v1",
        "kind": "ProjectRequest",
        "metadata": {"name": name},
    }


def test_a_new_project_appears_in_a_watch(anns, platform_door):
    platform_door.create(ANN, request("first"))
    with anns.started("get", "projects", "-w", "--output-watch-events") as watch:
        words = [watch.stdout.readline().split() for _ in range(3)]
        platform_door.create(ANN, request("second"))
        came = watch.stdout.readline().split()

    assert [line[:2] for line in words] == [
        ["EVENT", "NAME"],
        ["ADDED", "first"],
        ["ADDED", "openshift"],
    ]
    assert came[:2] == ["ADDED", "second"]


def test_somebody_else_sees_nothing_of_it(anns, platform_door):
    platform_door.create(user_actor("bob"), request("theirs"))

    assert "theirs" not in anns("get", "projects", "-o", "name")
    refused = anns.run("get", "project", "theirs")
    assert refused.code == 1
    assert 'projects.project.openshift.io "theirs" is forbidden' in refused.err
