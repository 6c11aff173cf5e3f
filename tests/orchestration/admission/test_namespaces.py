"""NamespaceLifecycle."""

import pytest

from paas.core.errors import ForbiddenError, NotFoundError
from paas.orchestration.admission.namespaces import NamespaceLifecycle
from tests.fakes.door import FakeDoor
from tests.orchestration.admission.requests import admitted, request, shop
from tests.orchestration.kinds.objects import PLATFORM, SCHEME, pod

PLUGIN = NamespaceLifecycle()


def test_a_project_that_is_there_takes_pods():
    assert admitted(PLUGIN, request(shop(), pod()))["metadata"]["name"] == "web-1"


def test_nothing_is_made_in_a_namespace_that_is_not_there():
    with pytest.raises(NotFoundError) as caught:
        PLUGIN.admit(request(FakeDoor(SCHEME), pod()))
    assert caught.value.message == 'namespaces "shop" not found'
    assert caught.value.details == {"name": "shop", "kind": "namespaces"}


def test_nothing_is_made_in_a_namespace_that_is_going():
    door = shop()
    door.delete(PLATFORM, "namespaces", "shop")
    with pytest.raises(ForbiddenError) as caught:
        PLUGIN.admit(request(door, pod()))
    assert caught.value.message == (
        'pods "web-1" is forbidden: unable to create new content in namespace shop because it is '
        "being terminated"
    )
    assert caught.value.details["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace shop is being terminated",
            "field": "metadata.namespace",
        }
    ]


def test_what_is_there_may_still_change_and_go():
    door = shop()
    door.delete(PLATFORM, "namespaces", "shop")
    PLUGIN.admit(request(door, pod(), "UPDATE", old=pod()))
    PLUGIN.admit(request(door, None, "DELETE", old=pod()))


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_three_namespaces_stay_for_ever(name):
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    with pytest.raises(ForbiddenError, match="this namespace may not be deleted"):
        PLUGIN.admit(request(FakeDoor(SCHEME), None, "DELETE", old=namespace))


def test_other_namespaces_may_go():
    door = shop()
    namespace = door.get(PLATFORM, "namespaces", "shop")
    PLUGIN.admit(request(door, None, "DELETE", old=namespace))
    assert door.delete(PLATFORM, "namespaces", "shop")["status"]["phase"] == "Terminating"


def test_a_question_about_a_namespace_that_is_not_there_may_be_asked():
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "LocalSubjectAccessReview",
        "metadata": {"namespace": "gone"},
    }
    asked = request(FakeDoor(SCHEME), review)
    PLUGIN.admit(asked)
    assert asked.warnings == []
