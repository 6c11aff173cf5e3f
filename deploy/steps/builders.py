"""Pushes the build image and the builders into the built-in registry, where they are not yet.

The release says which are missing and gives a token for these repositories alone; it tags what
was pushed. podman pushes, by the node's own address, which needs no name.
"""

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy import layout
from deploy.configs.environment import no_proxy
from deploy.errors import CommandError
from deploy.images.recipes import STREAMS, BuilderStream
from deploy.processes import podman_environment
from deploy.runner import run
from deploy.steps.base import Setup, Step, always
from deploy.steps.configuration import environment_for

MODULE = "paas.manager.builder_images"
ASK_S, PUSH_S = 120.0, 600.0
NAMESPACE = "openshift"


def _apply(setup: Setup) -> None:
    wanted = [
        {"stream": one.stream, "tag": one.tag, "id": _image_id(setup, one.reference)}
        for one in STREAMS
    ]
    found = _ask(setup, "missing", wanted)
    missing = {(one["stream"], one["tag"]) for one in found["missing"]}
    streams = [one for one in STREAMS if (one.stream, one.tag) in missing]
    if not streams:
        return
    with TemporaryDirectory(prefix="minato-push-") as directory:
        scratch = Path(directory)
        credentials = _credentials(setup, scratch, found["token"])
        pushed = [_push(setup, scratch, credentials, one) for one in streams]
    _ask(setup, "publish", pushed)


def _place(setup: Setup) -> str:
    return f"{setup.instance.node_address}:5000"


def _image_id(setup: Setup, reference: str) -> str:
    asked = ["podman", "image", "inspect", "--format", "{{.Id}}", reference]
    return run(asked, timeout_s=ASK_S, env=podman_environment(setup.instance)).strip()


def _credentials(setup: Setup, scratch: Path, token: str) -> Path:
    """Write the token to a file of podman's: it stands in no command line."""
    word = base64.b64encode(f"minato:{token}".encode()).decode()
    path = scratch / "auth.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"auths": {_place(setup): {"auth": word}}}))
    return path


def _push(setup: Setup, scratch: Path, credentials: Path, one: BuilderStream) -> dict[str, str]:
    setup.report.note(f"{one.reference} to {NAMESPACE}/{one.stream}:{one.tag}")
    digest_file = scratch / "digest"
    target = f"docker://{_place(setup)}/{NAMESPACE}/{one.stream}:{one.tag}"
    options = ["--quiet", f"--authfile={credentials}", f"--digestfile={digest_file}"]
    trust = {"SSL_CERT_FILE": str(setup.instance.ca_file)}
    env = {**podman_environment(setup.instance), **no_proxy(setup.instance), **trust}
    run(["podman", "push", *options, one.reference, target], timeout_s=PUSH_S, env=env)
    return {"stream": one.stream, "tag": one.tag, "digest": digest_file.read_text().strip()}


def _ask(setup: Setup, verb: str, body: list[dict[str, str]]) -> dict[str, Any]:
    """Run the release's command; return the JSON of its last line."""
    command = [str(layout.python(setup.instance)), "-m", MODULE, verb]
    said = run(
        command,
        timeout_s=ASK_S,
        cwd=layout.app_directory(setup.instance),
        env=environment_for(setup.instance),
        stdin=json.dumps(body),
    )
    try:
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise CommandError(command, "printed no result", said) from error
    return found


BUILDERS = Step("Build image and builders in the registry", always, _apply)
"""One question when all are there."""
