"""The node's questions: who may pull what, and that a cached image is no way in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas.core.errors import ForbiddenError
from paas.core.registry import INTERNAL_REGISTRY
from paas.images.access import FRESH, PodImages
from paas.runtime.base import ImageState
from tests.images.conftest import push
from tests.images.people import Members
from tests.images.stack import token_keys

INSIDE = f"{INTERNAL_REGISTRY}/shop/web"
LOCATION = "10.64.0.1:5000"
DIGEST = f"sha256:{'a' * 64}"
STATE = ImageState(id="1", digest=DIGEST, references=(f"{INSIDE}@{DIGEST}",))


def pod(namespace: str, account: str = "default") -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": namespace},
        "spec": {"serviceAccountName": account, "containers": []},
    }


@pytest.fixture
def images(cluster, members: Members) -> PodImages:
    members.project("shop")
    members.project("other")
    return PodImages(cluster, token_keys(), location=LOCATION)


@pytest.mark.parametrize("reference", [f"{INSIDE}:latest", f"{INSIDE}@{DIGEST}", INSIDE])
def test_a_pod_uses_its_own_projects_images(images, reference):
    assert images.access(pod("shop"), reference, STATE) is True
    assert images.credentials(pod("shop"), reference) is not None


@pytest.mark.parametrize("reference", [f"{INSIDE}:latest", f"{INSIDE}@{DIGEST}", INSIDE])
def test_an_image_that_is_here_already_gives_another_project_no_right(images, reference):
    for ask in (images.credentials, lambda one, name: images.access(one, name, STATE)):
        with pytest.raises(ForbiddenError, match="cannot pull"):
            ask(pod("other"), reference)


def test_a_role_in_the_other_project_opens_it(images, members: Members):
    members.bind_account("other", "default", "system:image-puller", "shop")
    assert images.access(pod("other"), f"{INSIDE}:1", STATE) is True
    with pytest.raises(ForbiddenError):
        images.access(pod("other", "builder"), f"{INSIDE}:1", STATE)


def test_every_pod_may_run_the_builders(images):
    builder = f"{INTERNAL_REGISTRY}/openshift/python:3.11"
    assert images.access(pod("other"), builder, STATE) is True


@pytest.mark.parametrize(
    "reference",
    ["nginx", "docker.io/library/nginx:1", "registry.test/shop/web:1", f"{INTERNAL_REGISTRY}/web"],
)
def test_other_registries_are_not_decided_here(images, reference):
    assert images.access(pod("shop"), reference, STATE) is False
    assert images.credentials(pod("shop"), reference) is None


def test_pulls_of_a_repository_share_a_credential_until_it_is_half_old(cluster, members: Members):
    members.project("shop")
    moment = [datetime.now(UTC)]
    images = PodImages(cluster, token_keys(), location=LOCATION, now=lambda: moment[0])
    first = images.credentials(pod("shop"), f"{INSIDE}:1")
    assert images.credentials(pod("shop", "builder"), f"{INSIDE}:2") == first
    moment[0] += FRESH + timedelta(seconds=1)
    assert images.credentials(pod("shop"), f"{INSIDE}:1") != first


def test_the_credential_pulls_that_repository_and_no_other(platform, members: Members, image):
    members.project("shop")
    token = members.person("ann", role="edit")
    for name in ("shop/web:1", "shop/other:1"):
        assert push(platform, image(f"a{name[5]}"), name, token).returncode == 0
    images = PodImages(platform.cluster, platform.stack.tokens, location=platform.stack.inside)
    auth = images.credentials(pod("shop"), f"{INSIDE}:1")
    assert auth is not None
    creds = f"{auth.username}:{auth.password}"
    place = f"docker://{platform.stack.inside}/shop"
    assert platform.stack.skopeo("inspect", "--creds", creds, f"{place}/web:1").returncode == 0
    assert platform.stack.skopeo("inspect", "--creds", creds, f"{place}/other:1").returncode != 0
