"""`minato app`, `user`, `token`, `project`: a wrong command line, a missing platform."""

import json

import pytest
import yaml

from paas.cli.main import main


@pytest.fixture(autouse=True)
def empty_home(monkeypatch, tmp_path):
    monkeypatch.setenv("MINATO_HOME", str(tmp_path))
    for name in ("BIND", "DOMAIN", "HTTP_PORT", "HTTPS_PORT", "INSTANCE"):
        monkeypatch.delenv(f"MINATO_{name}", raising=False)


def test_the_objects_can_be_seen_before_they_are_made(capsys):
    arguments = ["web", "-p", "shop", "--push", "--env", "GREETING=a=b", "--show-yaml"]

    assert main(["app", "create", *arguments]) == 0

    found = {one["kind"]: one for one in yaml.safe_load_all(capsys.readouterr().out)}
    assert list(found) == ["ImageStream", "BuildConfig", "Service", "Route", "Deployment"]
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "GREETING", "value": "a=b"} in container["env"]
    assert {"name": "PORT", "value": "8080"} in container["env"]
    assert found["BuildConfig"]["metadata"]["annotations"] == {"minato.io/git-repository": "true"}
    assert found["Deployment"]["spec"]["progressDeadlineSeconds"] == 120
    trigger = found["Deployment"]["metadata"]["annotations"]["image.openshift.io/triggers"]
    assert json.loads(trigger)[0]["from"]["name"] == "web:latest"


def test_an_application_of_an_image_is_not_built(capsys):
    assert (
        main(["app", "create", "db", "-p", "shop", "--image", "quay.io/a/b:1", "--show-yaml"]) == 0
    )

    kinds = [one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds == ["Service", "Route", "Deployment"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["app", "create", "web", "-p", "shop"],
        ["app", "create", "web", "-p", "shop", "--push", "--image", "a"],
        ["app", "create", "web", "-p", "shop", "--push", "--env", "NOVALUE"],
        ["app", "create", "web", "--push"],
        ["token", "create"],
    ],
)
def test_a_wrong_command_line_is_2(wrong):
    assert main(wrong) == 2


@pytest.mark.parametrize("more", [["--show-yaml"], []])
@pytest.mark.parametrize(
    ("arguments", "option", "said"),
    [
        (["Web", "--push"], "NAME", "DNS-1035"),
        (["w" * 60, "--push"], "NAME", "must be no more than 50"),
        (["web", "--from-git", "ssh://git@host/x.git"], "--from-git", "begin with https://"),
        (["web", "--from-git", "http://h/x.git"], "--from-git", "begin with https://"),
        (["web", "--from-git", "https://a:b@h/x.git"], "--from-git", "hold no credentials"),
        (["web", "--from-git", "https://h/x.git", "--ref", "a..b"], "--ref", "branch"),
        (["web", "--from-git", "https://h/x", "--context-dir", "../up"], "--context-dir", "inside"),
        (["web", "--push", "--env", "A B=1"], "--env", "environment variable name"),
        (["web", "--push", "--env", "PORT=3000"], "--env", "env.PORT: is the platform's"),
        (["web", "--push", "--builder", "No Such"], "--builder", "RFC 1123"),
        (["web", "--image", "a b"], "--image", "without spaces"),
    ],
)
def test_what_cannot_be_is_a_wrong_command_line_and_says_why(arguments, option, said, more, capsys):
    assert main(["app", "create", "-p", "shop", *arguments, *more]) == 2

    words = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert f"Invalid value for {option}: " in words
    assert said in words


NEED_A_PLATFORM = pytest.mark.parametrize(
    "command",
    [
        ["user", "list"],
        ["token", "create", "--user", "ann"],
        ["kubeconfig", "--user", "ann"],
        ["project", "list"],
        ["app", "list", "-p", "shop"],
    ],
)


@NEED_A_PLATFORM
def test_without_a_platform_it_says_how_to_start_one(command, capsys):
    assert main(command) == 1
    assert "minato up" in capsys.readouterr().err


@NEED_A_PLATFORM
def test_a_platform_that_is_stopped_is_said_to_be(command, capsys, tmp_path):
    (tmp_path / "run" / "postgres").mkdir(parents=True)

    assert main(command) == 1

    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "minato up" in said
