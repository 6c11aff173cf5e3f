"""What BuildConfigs may say, as a table."""

import pytest

from tests.builds.objects import BUILD, CONFIG, build


def config(**spec):
    made = {**build()["spec"], "runPolicy": "Serial", **spec}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": made}


def fields(obj):
    return [cause.field for cause in CONFIG.validate(obj)]


def test_a_usual_one_is_fine():
    assert fields(config()) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org/a.git",
        "ssh://git@example.org/a.git",
        "git@example.org:a.git",
        "file:///etc",
        "ext::sh -c id",
        "--upload-pack=id",
        "https://ann:secret@example.org/a.git",
        "https://example.org/a b",
        "https:///a",
        "https://example.org/\n",
    ],
)
def test_an_address_that_is_not_plain_https_is_refused(uri):
    assert fields(config(source={"git": {"uri": uri}})) == ["spec.source.git.uri"]


@pytest.mark.parametrize(
    "ref", ["-x", "a..b", "a b", "a~1", "a^", "a:b", "/a", "a/", "a//b", "a@{1}", ".a", "a.lock"]
)
def test_a_ref_that_git_would_not_have_is_refused(ref):
    git = {"uri": "https://example.org/a.git", "ref": ref}
    assert fields(config(source={"git": git})) == ["spec.source.git.ref"]


@pytest.mark.parametrize("ref", ["main", "feature/x-1", "v1.2.3", "a" * 40, "refs/heads/main"])
def test_a_usual_ref_is_fine(ref):
    git = {"uri": "https://example.org/a.git", "ref": ref}
    assert fields(config(source={"git": git})) == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"source": {}}, "spec.source.git"),
        ({"source": {"binary": {}, "dockerfile": "FROM x"}}, "spec.source.dockerfile"),
        (
            {"source": {"git": {"uri": "https://e.org/a"}, "contextDir": "a/../../b"}},
            "spec.source.contextDir",
        ),
        ({"strategy": {}}, "spec.strategy"),
        ({"strategy": {"dockerStrategy": {}}}, "spec.strategy.dockerStrategy"),
        (
            {"strategy": {"sourceStrategy": {"from": {"kind": "ImageStreamTag", "name": "py"}}}},
            "spec.strategy.sourceStrategy.from.name",
        ),
        ({"output": {"to": {"kind": "DockerImage", "name": "x"}}}, "spec.output.to.kind"),
        (
            {"output": {"to": {"kind": "ImageStreamTag", "name": "a:b", "namespace": "other"}}},
            "spec.output.to.namespace",
        ),
        ({"revision": {"git": {"commit": "--upload-pack=id"}}}, "spec.revision.git.commit"),
        ({"runPolicy": "Often"}, "spec.runPolicy"),
        ({"completionDeadlineSeconds": 0}, "spec.completionDeadlineSeconds"),
        ({"completionDeadlineSeconds": 3_000_000_000}, "spec.completionDeadlineSeconds"),
        ({"resources": {"requests": {"cpu": "4"}}}, "spec.resources.requests"),
        ({"resources": {"limits": {"memory": "much"}}}, "spec.resources.limits[memory]"),
        ({"successfulBuildsHistoryLimit": -1}, "spec.successfulBuildsHistoryLimit"),
        ({"postCommit": {"script": "a", "command": ["b"]}}, "spec.postCommit"),
    ],
)
def test_what_cannot_be_is_named(spec, field):
    assert fields(config(**spec)) == [field]


def test_the_end_of_a_build_that_would_be_refused_now_can_be_written():
    long_s = 3_000_000_000
    (cause,) = BUILD.validate(build(completionDeadlineSeconds=long_s))
    assert cause.field == "spec.completionDeadlineSeconds"
    assert BUILD.validate(build(phase="Failed", completionDeadlineSeconds=long_s)) == []
