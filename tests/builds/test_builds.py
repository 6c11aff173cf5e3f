"""Real builds: source from git, a builder image, buildah in a pod, an image in the registry."""

import pytest

from deploy.images.recipes import PYTHON
from paas.core.objects import uid_of
from tests.builds.lab import BuildLab
from tests.builds.servers import git

pytestmark = [pytest.mark.podman, pytest.mark.timeout(300)]
APP = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
print("hello")
"""


def test_a_source_becomes_an_image_in_the_registry(lab: BuildLab) -> None:
    uri = lab.git.repository("web", {"app.py": APP})
    lab.config("web", uri)
    build = lab.build("web")
    assert build["status"]["phase"] == "Complete"
    digest = build["status"]["output"]["to"]["imageDigest"]
    assert digest == lab.registry.digest("shop/web", "latest")
    assert lab.tagged[-1] == {
        "namespace": "shop",
        "stream": "web",
        "tag": "latest",
        "digest": digest,
        "by": "build web-1",
    }
    names = [stage["name"] for stage in build["status"]["stages"]]
    assert names == ["FetchInputs", "PullImages", "Build", "PushImage"]
    log = lab.log(build)
    assert "\x1e" not in log
    assert f"Commit:\t{lab.git.commit('web')} (Say hello)" in log
    assert "---> Will run: /opt/app-root/venv/bin/python app.py" in log
    assert log.endswith(f"Successfully pushed {lab.registry.address}/shop/web@{digest}\n")


def test_the_image_carries_what_the_contract_says(lab: BuildLab) -> None:
    files = {"app.py": APP, ".s2i/environment": "FROM_FILE=file\nBOTH=file\n", "deep/app.py": APP}
    uri = lab.git.repository("marked", files)
    env = [{"name": "BOTH", "value": 'strategy "$HOME"'}]
    labels = [{"name": "shop", "value": "yes"}]
    output = {"to": {"kind": "ImageStreamTag", "name": "marked:v1"}, "imageLabels": labels}
    lab.config("marked", uri, strategy={"env": env}, output=output)
    build = lab.build("marked")
    assert build["status"]["phase"] == "Complete", lab.log(build)
    config = lab.registry.config("shop/marked", "v1")
    variables = dict(one.split("=", 1) for one in config["Env"])
    assert variables["FROM_FILE"] == "file"
    assert variables["BOTH"] == 'strategy "$HOME"'
    assert variables["OPENSHIFT_BUILD_NAME"] == "marked-1"
    assert variables["OPENSHIFT_BUILD_SOURCE"] == uri
    assert variables["OPENSHIFT_BUILD_COMMIT"] == lab.git.commit("marked")
    assert "SSL_CERT_FILE" not in variables
    assert config["Labels"]["io.openshift.build.commit.id"] == lab.git.commit("marked")
    assert config["Labels"]["io.openshift.build.commit.ref"] == "main"
    assert config["Labels"]["io.openshift.build.commit.author"] == "Ann <ann@example.org>"
    assert config["Labels"]["io.openshift.build.source-location"] == uri
    assert config["Labels"]["shop"] == "yes"
    assert config["User"] == "1001"
    assert config["Cmd"] == ["/usr/libexec/s2i/run"]


def test_a_tag_and_a_directory_of_a_repository_that_asks_for_more(lab: BuildLab) -> None:
    """Neither its filters nor its submodules run; what is built is the tag's, not the branch's."""
    assemble = '#!/bin/sh\ncat /tmp/src/app.py; ls /tmp/src\necho "[$(ls -A /tmp/src/module)]"\n'
    files = {
        "deep/app.py": "of the tag\n",
        "deep/.s2i/bin/assemble": assemble,
        "other.py": "",
        ".gitattributes": "*.py filter=lfs diff=lfs merge=lfs ident\n",
        ".gitmodules": '[submodule "m"]\n\tpath = deep/module\n'
        "\turl = ext::touch /workspace/owned\n\tupdate = !touch /workspace/owned\n",
    }
    uri = lab.git.repository("odd/shape", files)
    place = lab.git.root / "odd/shape"
    commit = lab.git.commit("odd/shape")
    git(place, "update-index", "--add", "--cacheinfo", f"160000,{commit},deep/module")
    git(place, "commit", "--quiet", "-m", "Take a module in")
    git(place, "tag", "-a", "v1.2", "-m", "The first")
    tagged = lab.git.commit("odd/shape")
    lab.git.repository("odd/shape", {**files, "deep/app.py": "of the branch\n"})
    source = {"git": {"uri": uri, "ref": "v1.2"}, "contextDir": "deep"}
    lab.config("odd-shape", uri, source=source)
    build = lab.build("odd-shape")
    log = lab.log(build)
    assert build["status"]["phase"] == "Complete", log
    assert "of the tag\napp.py\nmodule\n[]\n" in log, log
    assert "warning: submodules are not fetched" in log
    assert build["spec"]["revision"]["git"]["commit"] == tagged
    config = lab.registry.config("shop/odd-shape", "latest")
    variables = dict(one.split("=", 1) for one in config["Env"])
    assert variables["OPENSHIFT_BUILD_REFERENCE"] == "v1.2"
    assert variables["OPENSHIFT_BUILD_NAMESPACE"] == "shop"
    labels = config["Labels"]
    prefix = "io.openshift.build."
    assert labels[f"{prefix}image"] == f"{lab.registry.address}/openshift/python:3.11"
    assert labels[f"{prefix}commit.id"] == tagged
    assert labels[f"{prefix}commit.ref"] == "v1.2"
    assert labels[f"{prefix}commit.message"] == "Take a module in"
    assert labels[f"{prefix}commit.date"] == git(place, "log", "-1", "--format=%ad", tagged)
    assert labels[f"{prefix}source-context-dir"] == "deep"


def test_a_proxy_is_seen_by_assemble_and_not_kept_in_the_image(lab: BuildLab) -> None:
    script = "#!/bin/sh\necho by $HTTP_PROXY $https_proxy\n"
    uri = lab.git.repository("proxied", {".s2i/bin/assemble": script, "app.py": APP})
    proxy = {"httpProxy": "http://192.0.2.1:1", "httpsProxy": "http://192.0.2.1:2"}
    own = lab.registry.address.partition(":")[0]
    lab.config("proxied", uri, source={"git": {"uri": uri, **proxy, "noProxy": own}})
    build = lab.build("proxied")
    assert build["status"]["phase"] == "Complete", lab.log(build)
    assert "by http://192.0.2.1:1 http://192.0.2.1:2\n" in lab.log(build)
    kept = str(lab.registry.config("shop/proxied", "latest"))
    assert "PROXY" not in kept.upper()
    assert "192.0.2.1" not in kept


def test_dependencies_are_installed_once_for_the_same_files(lab: BuildLab) -> None:
    said = "Using the dependencies of an earlier build"
    uri = lab.git.repository("deps", {"app.py": APP, "requirements.txt": "# none\n"})
    lab.config("deps", uri)
    assert said not in lab.log(lab.build("deps"))
    lab.git.repository("deps", {"app.py": APP + "print()\n", "requirements.txt": "# none\n"})
    again = lab.log(lab.build("deps"))
    assert said in again
    assert "---> Dependencies are unchanged" in again
    lab.git.repository("deps", {"app.py": APP, "requirements.txt": "# other\n"})
    assert said not in lab.log(lab.build("deps"))


def test_a_post_commit_hook_runs_in_the_image_and_its_failure_stops_the_push(lab: BuildLab) -> None:
    uri = lab.git.repository("hooked", {"app.py": APP})
    lab.config("hooked", uri, postCommit={"script": "ls; id -u; exit 4"})
    build = lab.build("hooked")
    assert build["status"]["reason"] == "PostCommitHookFailed"
    assert "exit status 4" in build["status"]["message"]
    assert "app.py" in lab.log(build)
    names = [stage["name"] for stage in build["status"]["stages"]]
    assert names == ["FetchInputs", "PullImages", "Build", "PostCommit"]
    assert not [one for one in lab.tagged if one["stream"] == "hooked"]


def test_an_incremental_build_takes_over_what_the_last_one_saved(lab: BuildLab) -> None:
    files = {
        "app.py": APP,
        ".s2i/bin/assemble": "#!/bin/sh\nls /tmp/artifacts 2>/dev/null\n"
        "echo kept > /opt/app-root/src/kept\n",
        ".s2i/bin/save-artifacts": "#!/bin/sh\ncd /opt/app-root/src && tar -cf - kept\n",
    }
    lab.config("grows", lab.git.repository("grows", files), strategy={"incremental": True})
    assert "so this is a clean build" in lab.log(lab.build("grows"))
    assert "kept\n" in lab.log(lab.build("grows"))


def test_artifacts_are_saved_as_the_assemble_user(lab: BuildLab) -> None:
    recipe = f"FROM {PYTHON}\nUSER 0\nLABEL io.openshift.s2i.assemble-user=1001\n"
    files = {
        "app.py": APP,
        ".s2i/bin/assemble": "#!/bin/sh\necho built by $(id -u)\ncat /tmp/artifacts/who || :\n",
        ".s2i/bin/save-artifacts": "#!/bin/sh\n"
        "cd $(mktemp -d) && echo saved by $(id -u) > who && tar -cf - who\n",
    }
    strategy = {"incremental": True, "from": lab.builder("openshift/rooted:1", recipe)}
    lab.config("saves", lab.git.repository("saves", files), strategy=strategy)
    assert "built by 1001\n" in lab.log(lab.build("saves"))
    assert "built by 1001\nsaved by 1001\n" in lab.log(lab.build("saves"))
    assert lab.registry.config("shop/saves", "latest")["User"] == "0"


def test_old_builds_and_their_logs_go(lab: BuildLab) -> None:
    uri = lab.git.repository("old", {"app.py": APP})
    lab.config("old", uri, successfulBuildsHistoryLimit=1)
    first, second = lab.build("old"), lab.build("old")
    lab.until_gone("old-1")
    lab.director.prune_logs()
    assert uid_of(first) not in lab.logs.uids()
    assert uid_of(second) in lab.logs.uids()
