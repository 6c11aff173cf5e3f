"""The platform's own images: which are missing, and how they are shown."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas.core.objects import Digest
from paas.images.errors import ImageUnknownError
from paas.images.names import Repository
from paas.images.publish import (
    BuilderImage,
    builder_image_publish,
    builder_images_missing,
    builder_push_token,
)
from paas.images.rights import STREAMS
from tests.images.conftest import Platform, push
from tests.images.oci import write_image
from tests.images.people import ADMIN

STREAM = {"apiVersion": "image.openshift.io/v1", "kind": "ImageStream"}
REPOSITORY = Repository("openshift", "python")


def publish(platform: Platform, tag: str, digest: Digest) -> None:
    builder_image_publish(
        platform.cluster,
        registry=platform.registry,
        stream="python",
        tag=tag,
        digest=digest,
        now=datetime.now(UTC),
    )


def test_a_stream_that_the_registrys_word_made_first_gets_its_name(platform: Platform, tmp_path):
    layout = write_image(tmp_path / "image", "python")
    token = builder_push_token(platform.stack.tokens, streams=["python"], now=datetime.now(UTC))
    platform.door.create(ADMIN, {**STREAM, "metadata": {"name": "python"}}, "openshift")
    assert push(platform, layout.source, "openshift/python:3.11", token).returncode == 0
    publish(platform, "3.11", platform.registry.digest(REPOSITORY, "3.11"))
    stream = platform.door.get(ADMIN, STREAMS, "python", "openshift")
    assert stream["metadata"]["annotations"]["openshift.io/display-name"] == "Python"
    assert [tag["name"] for tag in stream["spec"]["tags"]] == ["3.11"]


def test_a_builder_is_pushed_once_and_shown_with_its_name(platform: Platform, tmp_path: Path):
    layout = write_image(tmp_path / "image", "python")
    wanted = [
        BuilderImage("python", tag, layout.config_digest.removeprefix("sha256:"))
        for tag in ("3.11", "latest")
    ]

    def missing() -> list[BuilderImage]:
        return builder_images_missing(platform.cluster, registry=platform.registry, images=wanted)

    assert missing() == wanted
    tokens, now = platform.stack.tokens, datetime.now(UTC)
    token = builder_push_token(tokens, streams=["python", "python"], now=now)
    for one in wanted:
        assert push(platform, layout.source, f"openshift/python:{one.tag}", token).returncode == 0
        publish(platform, one.tag, platform.registry.digest(REPOSITORY, one.tag))
    assert missing() == []
    stream = platform.door.get(ADMIN, STREAMS, "python", "openshift")
    assert stream["metadata"]["annotations"]["openshift.io/display-name"] == "Python"
    assert [tag["name"] for tag in stream["spec"]["tags"]] == ["3.11", "latest"]
    assert stream["spec"]["tags"][0]["annotations"]["tags"] == "builder,python"
    newer = [BuilderImage("python", "3.11", "f" * 64)]
    assert builder_images_missing(platform.cluster, registry=platform.registry, images=newer)
    publish(platform, "3.11", platform.registry.digest(REPOSITORY, "3.11"))
    again = platform.door.get(ADMIN, STREAMS, "python", "openshift")
    assert again["status"]["tags"] == stream["status"]["tags"]


def test_the_push_token_is_for_those_streams_alone(platform: Platform, tmp_path: Path):
    layout = write_image(tmp_path / "image", "x")
    token = builder_push_token(platform.stack.tokens, streams=["python"], now=datetime.now(UTC))
    assert push(platform, layout.source, "openshift/other:1", token).returncode != 0


def test_what_the_registry_does_not_have_is_not_tagged(platform: Platform):
    with pytest.raises(ImageUnknownError):
        publish(platform, "3.11", Digest(f"sha256:{'e' * 64}"))
    stream = platform.door.get(ADMIN, STREAMS, "python", "openshift")
    assert not stream["status"].get("tags")
