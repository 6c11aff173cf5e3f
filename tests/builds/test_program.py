"""What runs in the build image, as far as it needs neither buildah nor a pod."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from minato_build import paths
from minato_build.build import S2IBuild, download_scripts
from minato_build.clone import ClonePlan, check_context, environment, head_of
from minato_build.commands import PAUSES_S, Done, RunOutput, patient
from minato_build.dockerfile import (
    Assembly,
    Builder,
    assemble_dockerfile,
    dependencies_dockerfile,
)
from minato_build.images import Buildah, builder_of, entrypoint_of
from minato_build.plan import BuildPlan, PostCommit
from minato_build.report import BuildError, Report, run_reporting
from minato_build.source import (
    apply_ignore,
    dependency_files,
    merge_environment,
    read_environment,
    take_scripts,
)

BUILDER = Builder("reg/py:3", "image:///usr/libexec/s2i", "/tmp", "1001", "1001")


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_the_dockerfile_keeps_the_contract():
    assembly = Assembly(
        BUILDER,
        "reg/py:3",
        "/usr/libexec/s2i/assemble",
        "/usr/libexec/s2i/run",
        environment=[("GREETING", 'say "$HOME" \\')],
        labels=[("io.openshift.build.commit.id", "c")],
        build_arguments={"SSL_CERT_FILE": "/ca"},
    )
    assert assemble_dockerfile(assembly).splitlines() == [
        "FROM reg/py:3",
        'LABEL "io.openshift.build.commit.id"="c"',
        'ENV GREETING="say \\"\\$HOME\\" \\\\"',
        "ARG SSL_CERT_FILE",
        "COPY --chown=1001:0 upload/ /tmp/",
        "USER 1001",
        'RUN ["/usr/libexec/s2i/assemble"]',
        'CMD ["/usr/libexec/s2i/run"]',
    ]


def test_the_user_is_the_base_images_again_after_assemble():
    builder = Builder("b", "image:///s", "/tmp", assemble_user="1001", user="root")
    lines = assemble_dockerfile(Assembly(builder, "b", "/s/assemble", "/s/run")).splitlines()
    assert lines[-4:] == ["USER 1001", 'RUN ["/s/assemble"]', "USER root", 'CMD ["/s/run"]']


def test_dependencies_are_a_layer_of_their_own():
    lines = dependencies_dockerfile(Assembly(BUILDER, "", "", "")).splitlines()
    assert "COPY --chown=1001:0 dependencies/ /tmp/" in lines
    assert 'RUN ["/usr/libexec/s2i/dependencies"]' in lines


def test_labels_of_a_builder_come_before_their_old_names_and_the_environment():
    config = {
        "Labels": {
            "io.openshift.s2i.scripts-url": "image:///new",
            "io.s2i.scripts-url": "image:///old",
        },
        "Env": ["STI_SCRIPTS_URL=image:///oldest", "STI_LOCATION=/opt/s2i/"],
        "User": "1001",
    }
    found = builder_of("b", {"OCIv1": {"config": config}})
    assert (found.scripts, found.destination, found.user) == ("/new", "/opt/s2i", "1001")
    assert builder_of("b", {"OCIv1": {}}).destination == "/tmp"


def test_the_environment_file_is_read_as_s2i_reads_it(tmp_path):
    (tmp_path / ".s2i").mkdir()
    text = '# no\n A = b=c \nB="q"\nnothing\n=x\n #C=1\n'
    (tmp_path / ".s2i/environment").write_text(text)
    assert read_environment(tmp_path) == [("A", "b=c"), ("B", '"q"'), ("#C", "1")]


def test_later_variables_win():
    assert merge_environment([("A", "1"), ("B", "2")], [("A", "3")]) == [("A", "3"), ("B", "2")]


def test_scripts_of_the_repository_are_moved_out_and_made_executable(tmp_path):
    source = tree(tmp_path / "src", ".s2i/bin/run", ".s2i/bin/assemble", "app.py")
    scripts = tree(tmp_path / "scripts", "assemble")
    assert take_scripts(source, scripts) == ["run"]
    assert (scripts / "run").stat().st_mode & 0o111 == 0o111
    assert (scripts / "assemble").read_text() == "assemble"
    assert not (source / ".s2i/bin/run").exists()


@pytest.fixture
def web_scripts(tmp_path: Path) -> Iterator[str]:
    """Serve assemble and run; yield their directory's address."""
    tree(tmp_path / "web", "bin/assemble", "bin/run")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/bin/"
        server.shutdown()
        thread.join()


def test_scripts_of_an_address_fill_in_for_those_that_are_missing(tmp_path, web_scripts):
    scripts = tree(tmp_path / "scripts", "run")
    (problem,) = download_scripts(web_scripts, scripts)
    assert problem.startswith("save-artifacts: ")
    assert (scripts / "run").read_text() == "run"
    assert (scripts / "assemble").read_text() == "bin/assemble"
    assert (scripts / "assemble").stat().st_mode & 0o111 == 0o111


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the workspace; the source in it is one file."""
    places = {
        "WORKSPACE": "",
        "CONTEXT": "c",
        "UPLOAD": "c/upload",
        "CHECKOUT": "source",
        "REVISION": "revision.json",
    }
    for name, path in places.items():
        monkeypatch.setattr(paths, name, tmp_path / path)
    tree(tmp_path / "source", "app.py")
    return tmp_path


@pytest.mark.parametrize("place", ["a label", "the plan"])
def test_a_builders_label_may_name_an_address(workspace, web_scripts, place):
    url = {"scripts_url": web_scripts}
    plan = BuildPlan("web-1", "shop", "b", **(url if place == "the plan" else {}))
    builder = Builder("b", **(url if place == "a label" else {}))
    S2IBuild(plan, builder, Buildah(store=workspace / "store"), Report()).prepare()
    assert (workspace / "c/upload/scripts/assemble").read_text() == "bin/assemble"
    assert (workspace / "c/upload/src/app.py").is_file()


class Recorder(Buildah):
    """Keeps the Dockerfiles it is given, and builds nothing."""

    def __init__(self, place: Path) -> None:
        super().__init__(store=place / "store")
        self.dockerfiles: list[str] = []

    def build(self, dockerfile, tag, *, context, arguments):
        del tag, context, arguments
        self.dockerfiles.append(dockerfile)
        return Done(0, "")


NAMED, OWN, LABEL = "image:///named", ".s2i/bin/assemble", "image:///label"


@pytest.mark.parametrize(
    ("named", "own", "label", "runs"),
    [
        (NAMED, OWN, LABEL, "/named/assemble"),
        (NAMED, "app.py", LABEL, "/named/assemble"),
        ("", OWN, LABEL, "/tmp/scripts/assemble"),
        ("", "app.py", LABEL, "/label/assemble"),
    ],
)
def test_the_buildconfigs_scripts_come_before_the_repositorys_and_the_images(
    workspace, named, own, label, runs
):
    tree(workspace / "source", own)
    buildah = Recorder(workspace)
    plan = BuildPlan("web-1", "shop", "b", scripts_url=named)
    work = S2IBuild(plan, Builder("b", label), buildah, Report())
    work.prepare()
    work.assemble()
    assert f'RUN ["{runs}"]' in buildah.dockerfiles[0].splitlines()
    assert (workspace / "c/upload/src" / own).exists() is (named != "" or own != OWN)


def test_arguments_alone_are_for_the_images_entry_point():
    assert PostCommit(args=("--check",)).is_arguments
    assert not PostCommit(command=("a",), args=("b",)).is_arguments
    assert not PostCommit(script="a", args=("b",)).is_arguments
    config = {"Entrypoint": ["container-entrypoint"], "Cmd": ["run"]}
    assert entrypoint_of({"OCIv1": {"config": config}}) == ["container-entrypoint"]
    assert entrypoint_of({}) == []


def test_ignored_files_go_and_exceptions_stay_in_order_of_lines(tmp_path):
    source = tree(tmp_path, "a.log", "b.log", "deep/c.log", "keep/x", "app.py")
    (source / ".s2iignore").write_text("# logs\n*.log\n!b.log\n**/c.log\nkeep\n../outside\n")
    apply_ignore(source)
    left = {str(one.relative_to(source)) for one in source.rglob("*") if one.is_file()}
    assert left == {"b.log", "app.py", ".s2iignore"}


def test_only_plain_dependency_files_count(tmp_path):
    tree(tmp_path, "requirements.txt", "requirements/dev.txt", "other.txt")
    (tmp_path / "pyproject.toml").symlink_to("/etc/passwd")
    patterns = ("requirements.txt", "requirements/*.txt", "pyproject.toml")
    found = [str(one) for one in dependency_files(tmp_path, patterns)]
    assert found == ["requirements/dev.txt", "requirements.txt"]


def test_git_sees_nothing_but_the_plan():
    found = environment(ClonePlan("https://example.org/a", resolve=("a:1:2",)))
    count = int(found["GIT_CONFIG_COUNT"])
    settings = {found[f"GIT_CONFIG_KEY_{i}"]: found[f"GIT_CONFIG_VALUE_{i}"] for i in range(count)}
    assert settings["core.hooksPath"] == "/dev/null"
    assert settings["http.curloptResolve"] == "a:1:2"
    assert found["GIT_ALLOW_PROTOCOL"] == "https"
    assert found["GIT_CONFIG_GLOBAL"] == "/dev/null"


@pytest.mark.parametrize(
    ("words", "tries"),
    [
        ("fatal: unable to access 'https://a/b.git/': The requested URL returned error: 503", 3),
        ("Error: Requesting bearer token: invalid status code from registry 503 (Service)", 3),
        ("Error: received unexpected HTTP status: 502 Bad Gateway", 3),
        ("Failed to connect to git.example.org port 443: Connection refused", 3),
        ("Failed to connect to git.example.org port 443 after 0 ms: Couldn't connect to server", 3),
        ("fatal: Authentication failed for 'https://a/b.git/'", 1),
        ("The requested URL returned error: 404", 1),
    ],
)
def test_a_server_that_is_away_is_asked_again(tmp_path, words, tries):
    seen, script = tmp_path / "seen", tmp_path / "git"
    count = f"echo x >> {seen}\n[ $(wc -l < {seen}) -ge 3 ] && exit 0"
    script.write_text(f'#!/bin/sh\n{count}\necho "{words}"\nexit 1\n')
    script.chmod(0o755)
    paused: list[float] = []
    done = patient([str(script)], pause=paused.append)
    assert len(seen.read_text().split()) == tries
    assert done.code == (0 if tries == 3 else 1)
    assert paused == list(PAUSES_S[: tries - 1])


def test_the_default_branch_is_what_head_names():
    shown = "ref: refs/heads/trunk\tHEAD\nc0ffee\tHEAD\n"
    assert head_of(shown) == "trunk"
    assert head_of("c0ffee\tHEAD\n") == ""


@pytest.mark.parametrize("place", ["../..", "link", "app.py", "absent"])
def test_a_context_directory_outside_or_absent_is_refused(tmp_path, place):
    tree(tmp_path / "source", "app.py", "inside/x")
    (tmp_path / "source/link").symlink_to("/etc")
    with pytest.raises(BuildError, match="not in the repository"):
        check_context(tmp_path / "source", place)
    check_context(tmp_path / "source", "/inside/")


def test_only_the_words_of_run_are_shown():
    shown = RunOutput()
    text = (
        b'STEP 1/3: FROM x\nTrying to pull\nSTEP 2/3: RUN ["a"]\nhello\nST\nSTEP 3/3: CMD\nCOMMIT\n'
    )
    whole = b"".join(shown(bytes([one])) for one in text)
    assert whole == b"hello\nST\n"
    assert RunOutput()(b"STEP 1/1: RUN a\nno newline") == b"no newline"
    assert RunOutput()(b"Error: pulling\nnoise\n") == b"Error: pulling\n"
    failed = b'STEP 1/1: RUN ["a"]\nwhy\nsubprocess exited with status 3\n'
    assert RunOutput()(failed + b'Error: building at STEP "RUN a": no\n') == b"why\n"


def test_a_failure_is_told_to_the_platform(tmp_path, capsys):
    def fails(report):
        with report.step("Build", "DockerBuild"):
            raise BuildError("AssembleFailed", "it failed", "try again")

    assert run_reporting(fails, tmp_path / "told") == 1
    assert '"reason": "AssembleFailed"' in (tmp_path / "told").read_text()
    assert '"name": "DockerBuild"' in (tmp_path / "told").read_text()
    assert "error: it failed" in capsys.readouterr().out


def test_what_nobody_expected_is_ours(tmp_path, capsys):
    def breaks(_):
        raise RuntimeError("oh")

    assert run_reporting(breaks, tmp_path / "told") == 1
    assert '"ours": true' in (tmp_path / "told").read_text()
