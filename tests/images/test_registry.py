"""The real registry behind the real edge: what clients and the registry itself do with us."""

import base64
import os
import resource
import ssl
import threading
from datetime import UTC, datetime

import httpx
import pytest

from paas.core.errors import NotFoundError
from paas.core.objects import Digest
from paas.images.errors import ImageUnknownError
from paas.images.names import Repository
from paas.images.rights import STREAMS
from paas.images.services import registry_token
from paas.images.token_service import SignIn
from paas.images.tokens import Grant
from tests.images.conftest import push
from tests.images.oci import write_image
from tests.images.people import ADMIN, Members

WAIT_S = 60.0


def tagged(platform, name: str, namespace: str = "shop", *, tag: str = "1", after: str = ""):
    """Wait by a watch until the tag has a newest image that is not `after`; return the event."""
    watch = platform.door.watch(ADMIN, STREAMS, namespace)
    timer = threading.Timer(WAIT_S, watch.close)
    timer.start()
    try:
        for event in watch:
            for history in (event.obj.get("status") or {}).get("tags") or ():
                newest = history["items"][0]
                wanted = event.obj["metadata"]["name"] == name and history["tag"] == tag
                if wanted and newest["image"] != after:
                    return newest
    finally:
        timer.cancel()
        watch.close()
    raise AssertionError(f"{namespace}/{name}:{tag} was not tagged within {WAIT_S} s")


def test_a_push_by_hand_shows_up_in_the_image_stream(platform, members: Members, image):
    members.project("shop")
    token = members.person("ann", role="edit")
    done = push(platform, image("a"), "shop/web:1", token)
    assert done.returncode == 0, done.stderr
    event = tagged(platform, "web")
    digest = platform.registry.digest(Repository("shop", "web"), "1")
    assert event["image"] == digest
    assert event["pushedBy"] == "ann"
    inside = "image-registry.openshift-image-registry.svc:5000/shop/web"
    assert event["dockerImageReference"] == f"{inside}@{digest}"
    found = platform.door.get(ADMIN, "imagestreamtags.image.openshift.io", "web:1", "shop")
    config = found["image"]["dockerImageMetadata"]["Config"]
    assert config["Cmd"] == ["run", "a"]
    assert config["User"] == "1001"
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert config["Labels"] == {"io.openshift.s2i.scripts-url": "image:///usr/libexec/s2i"}
    assert found["image"]["dockerImageMetadata"]["Size"] > 0


def test_a_second_push_comes_before_the_first_in_the_history(platform, members: Members, image):
    members.project("shop")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/two:1", token).returncode == 0
    first = tagged(platform, "two")
    assert push(platform, image("b"), "shop/two:1", token).returncode == 0
    second = tagged(platform, "two", after=first["image"])
    stream = platform.door.get(ADMIN, STREAMS, "two", "shop")
    assert [one["image"] for one in stream["status"]["tags"][0]["items"]] == [
        second["image"],
        first["image"],
    ]


def test_a_person_without_the_right_is_refused(platform, members: Members, image):
    members.project("shop")
    token = members.person("eve", role="view")
    done = push(platform, image("a"), "shop/web:1", token)
    assert done.returncode != 0
    assert "denied" in done.stderr or "unauthorized" in done.stderr
    with pytest.raises(NotFoundError):
        platform.door.get(ADMIN, STREAMS, "web", "shop")


def test_pull_is_refused_to_strangers_and_to_anybody_who_did_not_sign_in(
    platform, members: Members, image
):
    members.project("shop")
    members.project("other")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/web:1", token).returncode == 0
    name = f"docker://{platform.stack.inside}/shop/web:1"
    mallory = members.person("mallory", role="admin", project="other")
    inspect = platform.stack.skopeo
    assert inspect("inspect", "--creds", f"any:{token}", name).returncode == 0
    assert inspect("inspect", "--creds", f"any:{mallory}", name).returncode != 0
    assert inspect("inspect", "--creds", "any:wrong", name).returncode != 0
    assert inspect("inspect", "--no-creds", name).returncode != 0


def test_signing_in_works_by_the_clients_own_command(platform, members: Members):
    token = members.person("ann")
    login = platform.stack.skopeo
    done = login("login", "-u", "ann", "-p", token, platform.stack.inside)
    assert (done.returncode, done.stdout.strip()) == (0, "Login Succeeded!")
    assert login("login", "-u", "ann", "-p", "wrong", platform.stack.inside).returncode != 0


def test_a_mount_from_another_repository_needs_rights_on_both(platform, members: Members, image):
    """A layer of a project one cannot read must not come into one's own by its digest.

    Nor into one that may be read only.
    """
    members.project("shop")
    members.project("other")
    owner = members.person("ann", role="edit", project="other")
    assert push(platform, image("secret"), "other/app:1", owner).returncode == 0
    manifest = platform.registry.manifest(Repository("other", "app"), "1")
    layer = manifest.body["layers"][0]["digest"]
    thief = members.person("mallory", role="admin", project="shop")
    assert mount(platform, thief, layer) in {401, 403}
    assert mount(platform, members.person("both", role="edit"), layer) in {401, 403}
    reader = members.person("reader", role="view", project="shop")
    members.bind("reader", "edit", "other")
    assert mount(platform, reader, layer) in {401, 403}
    both = members.person("allowed", role="edit", project="shop")
    members.bind("allowed", "edit", "other")
    assert mount(platform, both, layer) == 201


def mount(platform, password: str, layer: str) -> int:
    """Ask the registry for a cross-repository mount as a client does; return its answer."""
    stack = platform.stack
    basic = base64.b64encode(f"any:{password}".encode()).decode()
    trust = ssl.create_default_context(cafile=str(stack.instance.ca_file))
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        base = f"https://{stack.inside}"
        scopes = ["repository:shop/web:pull,push", "repository:other/app:pull"]
        answer = client.get(
            f"{base}/auth/token",
            params={"service": "minato-registry", "scope": scopes},
            headers={"Authorization": f"Basic {basic}"},
        )
        token = answer.json()["token"]
        return client.post(
            f"{base}/v2/shop/web/blobs/uploads/",
            params={"mount": layer, "from": "other/app"},
            headers={"Authorization": f"Bearer {token}"},
        ).status_code


def test_the_client_reads_and_deletes_what_is_there(platform, members: Members, image):
    members.project("shop")
    token = members.person("ann", role="edit")
    assert push(platform, image("a"), "shop/gone:1", token).returncode == 0
    repository = Repository("shop", "gone")
    assert platform.registry.tags(repository) == ["1"]
    digest = platform.registry.digest(repository, "1")
    platform.registry.manifest_delete(repository, digest)
    platform.registry.manifest_delete(repository, digest)
    with pytest.raises(ImageUnknownError):
        platform.registry.digest(repository, "1")
    assert platform.registry.tags(Repository("shop", "never")) == []
    with pytest.raises(ImageUnknownError):
        platform.registry.manifest(repository, Digest(f"sha256:{'0' * 64}"))


def test_a_builds_token_opens_the_registry_by_way_of_a_sign_in_alone(
    platform, members: Members, image
):
    members.project("shop")
    both = frozenset({"pull", "push"})
    token = registry_token(
        platform.stack.tokens,
        grants=[Grant("shop/web", both)],
        subject="build:shop/web-1",
        ttl_s=600,
        now=datetime.now(UTC),
    )
    assert push(platform, image("a"), "shop/web:1", token).returncode == 0
    url = f"https://{platform.stack.inside}/v2/shop/web/tags/list"
    trust = ssl.create_default_context(cafile=str(platform.stack.instance.ca_file))
    trust.check_hostname = False
    scope = ("repository:shop/web:pull",)
    answer = platform.service.sign_in(SignIn("any", token, "192.0.2.1", scope))
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        for bearer, status in ((token, 401), (answer.token, 200)):
            headers = {"Authorization": f"Bearer {bearer}"}
            assert client.get(url, headers=headers).status_code == status
    platform.service.goes_on = lambda _: False
    assert push(platform, image("b"), "shop/web:2", token).returncode != 0


def test_a_layer_above_the_bound_is_refused_in_words_and_the_registry_lives_on(
    platform, members: Members, image, tmp_path
):
    members.project("shop")
    token = members.person("ann", role="edit")
    large = write_image(tmp_path / "large", "large", filling=os.urandom(3 << 20))
    pid, which = platform.stack.registry_pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, which, (1 << 20, resource.RLIM_INFINITY))
    try:
        done = push(platform, large.source, "shop/large:1", token)
        assert push(platform, image("small"), "shop/small:1", token).returncode == 0
    finally:
        resource.prlimit(pid, which, before)
    assert done.returncode != 0
    assert "larger than this registry takes" in done.stderr
    assert push(platform, large.source, "shop/large:1", token).returncode == 0
