"""Shows the platform off: the sample application, built and deployed by a real `git push`."""

import json
import shutil
import ssl
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from deploy import layout
from deploy.configs.environment import no_proxy
from deploy.errors import CommandError, DeployError
from deploy.files import file_write
from deploy.runner import run
from deploy.steps.base import Setup, Step
from deploy.steps.configuration import environment_for
from paas.settings.instance import Instance

MODULE = "paas.manager.sample"
SOURCE = Path(__file__).parents[1] / "samples" / "guestbook"
PREPARE_S, PUSH_S, ANSWER_S = 120.0, 600.0, 60.0
_OK = 200
# git runs it in a shell: the token is read there, and stands in no command line
HELPER = "!f() { echo username=admin; echo password=$MINATO_TOKEN; }; f"
# the same files are the same commit, so that a repeated push has nothing to do
COMMITTED_AT = "2026-01-01T00:00:00Z"


def _needed(setup: Setup) -> bool:
    """Show it once: whoever deletes, changes or stops the sample keeps it so."""
    return not _mark(setup.instance).exists()


def _apply(setup: Setup) -> None:
    host = f"guestbook-sample.{setup.instance.apps_domain}"
    if not _answers(setup, host):  # asked by its own address, as a visitor would
        found = _prepare(setup)
        _push(setup, found)
        _await_answer(setup, str(httpx.URL(found["url"]).host))
    setup.report.sample_url = setup.instance.url(host)
    file_write(_mark(setup.instance), "The sample was shown; delete this file to have it again.\n")


def _mark(instance: Instance) -> Path:
    return instance.etc / "sample-shown"


def _await_answer(setup: Setup, host: str) -> None:
    deadline = time.monotonic() + ANSWER_S
    while not _answers(setup, host):
        if time.monotonic() > deadline:
            url = setup.instance.url(host)
            raise DeployError(f"{url} does not answer.", hint="minato app list -p sample")
        time.sleep(0.2)


def _prepare(setup: Setup) -> dict[str, Any]:
    command = [str(layout.python(setup.instance)), "-m", MODULE]
    app = layout.app_directory(setup.instance)
    said = run(command, timeout_s=PREPARE_S, cwd=app, env=environment_for(setup.instance))
    try:
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise CommandError(command, "printed no result", said) from error
    return found


def _push(setup: Setup, found: dict[str, Any]) -> None:
    """Commit a copy of the sample and push it; the token goes by the environment, not by argv."""
    with TemporaryDirectory(prefix="minato-sample-") as scratch:
        work = Path(scratch) / "guestbook"
        shutil.copytree(SOURCE, work)
        identity = ["-c", "user.name=Minato", "-c", "user.email=sample@minato.invalid"]
        helper = f"credential.{found['git_url']}.helper={HELPER}"
        git = ["git", "-C", str(work), *identity]
        dates = {"GIT_AUTHOR_DATE": COMMITTED_AT, "GIT_COMMITTER_DATE": COMMITTED_AT}
        run([*git, "init", "--quiet", "--initial-branch=main"], timeout_s=60)
        run([*git, "add", "--all"], timeout_s=60)
        run([*git, "commit", "--quiet", "--message", "Guestbook"], timeout_s=60, env=dates)
        env = {
            **no_proxy(setup.instance),
            "PATH": environment_for(setup.instance)["PATH"],
            "HOME": scratch,
            "MINATO_TOKEN": found["token"],
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSL_CAINFO": str(setup.instance.ca_file),
        }
        options = ["-c", helper, *_by_address(setup.instance)]
        push = [*git, *options, "push", "--quiet", "--", found["git_url"], "+main"]
        run(push, timeout_s=PUSH_S, env=env)


def _by_address(instance: Instance) -> list[str]:
    """Return git's options to reach our server where its name is not in the DNS yet."""
    place = f"{instance.git_host}:{instance.https_port}:{layout.loopback(instance)}"
    return ["-c", f"http.curloptResolve={place}"]


def _answers(setup: Setup, host: str) -> bool:
    """Ask through the edge by address: this machine's resolver may not know the names."""
    instance = setup.instance
    place = f"{layout.loopback_url(instance)}/healthz"
    trust = ssl.create_default_context(cafile=str(instance.ca_file))
    try:
        with httpx.Client(verify=trust, timeout=5, trust_env=False) as client:
            answer = client.get(place, headers={"Host": host}, extensions={"sni_hostname": host})
    except httpx.HTTPError:
        return False
    return answer.status_code == _OK


SAMPLE = Step("The sample application, by git push", _needed, _apply)
