"""The container `git-clone`: fetches one commit, without trusting the repository in anything.

No configuration but ours, no hooks, no filters, no submodules, no protocol but those allowed; it
runs as nobody in particular and holds no right to the registry. Source: git-config(1), git(1).
"""

import base64
import json
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minato_build import paths
from minato_build.commands import Done, patient, quiet
from minato_build.report import BuildError, Report, say

FETCH = "FetchSourceFailed"
_TAIL_LINES = 4
_TOO_LARGE = "file too large"
_SIZE_HINT = "Keep what is no source elsewhere: a build holds only so much."
_HINTS = (
    (
        ("could not read username", "authentication failed", "http 401", "error: 401"),
        "The repository needs credentials, or they are wrong: name a secret of type"
        " kubernetes.io/basic-auth in spec.source.sourceSecret.",
    ),
    (
        ("error: 403", "http 403"),
        "The server refuses these credentials for this repository.",
    ),
    (
        ("not found", "does not exist", "error: 404", "not a git repository"),
        "Is the address right? A private repository needs spec.source.sourceSecret as well.",
    ),
    (
        ("couldn't find remote ref", "not our ref", "unadvertised object"),
        "Is the branch, tag or commit in spec.source.git.ref spelled right, and pushed?",
    ),
    (
        (
            *("could not resolve host", "connection refused", "couldn't connect", "timed out"),
            "network is unreachable",
        ),
        "The server cannot be reached from the build: is the host's name right?",
    ),
    (
        ("certificate", "ssl"),
        "The server's certificate is not trusted: its CA belongs into this machine's CA bundle.",
    ),
    (
        ("no space left", _TOO_LARGE),
        f"The source is larger than a build may hold. {_SIZE_HINT}",
    ),
)
_BLOCK = 4096


@dataclass(frozen=True)
class ClonePlan:
    """What to fetch. `commit` is preferred to `ref`; both empty mean the default branch.

    `size_max_bytes` bounds what git may write; 0 does not.
    """

    uri: str
    ref: str = ""
    commit: str = ""
    context_dir: str = ""
    protocols: tuple[str, ...] = ("https",)
    resolve: tuple[str, ...] = ()
    shown_uri: str = ""
    size_max_bytes: int = 0

    @classmethod
    def read(cls, path: Path) -> "ClonePlan":
        """Read the plan that the platform wrote."""
        body: dict[str, Any] = json.loads(path.read_text())
        for name in ("protocols", "resolve"):
            body[name] = tuple(body.get(name, ()))
        return cls(**body)


def clone(report: Report) -> None:
    """Fetch the source into the workspace. Raises BuildError."""
    plan = ClonePlan.read(paths.CLONE_PLAN)
    if limit := plan.size_max_bytes:  # of one file: a fetch writes one, its pack
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with report.step("FetchInputs", "FetchGitSource"):
        revision = fetch(plan, paths.CHECKOUT, environment(plan))
        check_context(paths.CHECKOUT, plan.context_dir)
    paths.REVISION.write_text(json.dumps(revision))
    report.facts["revision"] = revision


def environment(plan: ClonePlan) -> dict[str, str]:
    """Return the variables that make git see nothing but this plan."""
    settings = [
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.attributesFile", "/dev/null"),
        ("credential.helper", ""),
        ("fetch.recurseSubmodules", "false"),
        ("fetch.unpackLimit", "1"),
        ("http.followRedirects", "initial"),
        ("init.defaultBranch", "main"),
        ("advice.detachedHead", "false"),
        ("gc.auto", "0"),
        *(("http.curloptResolve", entry) for entry in plan.resolve),
        *_credentials(plan),
    ]
    pairs = {}
    for position, (key, value) in enumerate(settings):
        pairs[f"GIT_CONFIG_KEY_{position}"] = key
        pairs[f"GIT_CONFIG_VALUE_{position}"] = value
    return {
        **pairs,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": ":".join(plan.protocols),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
    }


def _credentials(plan: ClonePlan) -> list[tuple[str, str]]:
    """Return the header that signs in, bound to the very server; it is on no command line."""
    if not paths.GIT_PASSWORD.is_file():
        return []
    password = paths.GIT_PASSWORD.read_text().strip("\n")
    username = paths.GIT_USERNAME.read_text().strip() if paths.GIT_USERNAME.is_file() else "git"
    scheme, _, rest = plan.uri.partition("://")
    server = f"{scheme}://{rest.partition('/')[0]}/"
    token = base64.b64encode(f"{username}:{password}".encode()).decode()
    return [(f"http.{server}.extraHeader", f"Authorization: Basic {token}")]


def fetch(plan: ClonePlan, place: Path, env: dict[str, str]) -> dict[str, str]:
    """Fetch and check out; return the commit that it became. Raises BuildError."""
    say(f'Cloning "{plan.shown_uri or plan.uri}" ...')
    shutil.rmtree(place, ignore_errors=True)
    _git(["init", "--quiet", str(place)], env, Path("/"))
    done = _fetch_wanted(plan, place, env)
    if done.code:
        raise _refused(plan, done)
    target = _target(plan, place, env)
    if plan.size_max_bytes:
        check_size(place, target, env, limit=plan.size_max_bytes)
    _git(["checkout", "--quiet", "--force", "--detach", target], env, place)
    revision = {**_revision(place, env), "ref": plan.ref or _default_branch(plan, env)}
    say(f"\tCommit:\t{revision['commit']} ({revision['message']})")
    say(f"\tAuthor:\t{revision['author']}\n\tDate:\t{revision['date']}")
    if (place / ".gitmodules").exists():
        say("warning: submodules are not fetched")
    shutil.rmtree(place / ".git")
    return revision


def _fetch_wanted(plan: ClonePlan, place: Path, env: dict[str, str]) -> Done:
    depth = ["--depth", "1"] if not plan.uri.startswith("file:") else []
    base = ["git", "fetch", "--quiet", "--no-tags", "--no-recurse-submodules"]
    wanted = plan.commit or plan.ref or "HEAD"
    done = patient([*base, *depth, "--", plan.uri, wanted], env=env, where=place)
    if not done.code or not plan.commit or _TOO_LARGE in done.output.lower():
        return done
    # some servers give no commit by its name: then all of the ref
    return patient([*base, "--", plan.uri, plan.ref or "HEAD"], env=env, where=place)


def _target(plan: ClonePlan, place: Path, env: dict[str, str]) -> str:
    if not plan.commit:
        return "FETCH_HEAD"
    known = quiet(["git", "cat-file", "-e", f"{plan.commit}^{{commit}}"], env=env, where=place)
    if known.code:
        text = f"The commit {plan.commit} is not in {plan.ref or 'the default branch'}."
        raise BuildError(FETCH, text, _HINTS[3][1])
    return plan.commit


def check_size(place: Path, target: str, env: dict[str, str], *, limit: int) -> None:
    """Raise BuildError where pack and files together would be larger; reads no further than that.

    A pack of a few kilobytes may hold gigabytes, and more paths than can be counted.
    """
    left = limit - sum(one.stat().st_size for one in (place / ".git/objects/pack").iterdir())
    argv = ["git", "ls-tree", "-r", "-l", "--full-tree", target]
    with subprocess.Popen(
        argv, env={**os.environ, **env}, cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        for line in child.stdout or ():
            size = line.partition(b"\t")[0].split()[-1]  # of a submodule it is `-`
            left -= -(-int(size) // _BLOCK) * _BLOCK if size.isdigit() else 0
            if left < 0:
                child.kill()
                text = f"The source is larger than {limit >> 20} MiB."
                raise BuildError(FETCH, text, _SIZE_HINT)


def _revision(place: Path, env: dict[str, str]) -> dict[str, str]:
    form = "%H%x00%an <%ae>%x00%ad%x00%s"
    shown = _git(["log", "-1", f"--format={form}"], env, place)
    names = ("commit", "author", "date", "message")
    return {name: value[:200] for name, value in zip(names, shown.split("\0"), strict=True)}


def _default_branch(plan: ClonePlan, env: dict[str, str]) -> str:
    """Return the branch that HEAD of the repository names; empty where it does not say."""
    done = patient(["git", "ls-remote", "--symref", "--", plan.uri, "HEAD"], env=env)
    return head_of(done.output) if not done.code else ""


def head_of(shown: str) -> str:
    """Return the branch in what `git ls-remote --symref` shows. Source: git-ls-remote(1)."""
    for line in shown.splitlines():
        target, _, name = line.partition("\t")
        if name == "HEAD" and target.startswith("ref: refs/heads/"):
            return target.removeprefix("ref: refs/heads/")[:200]
    return ""


def _git(arguments: list[str], env: dict[str, str], where: Path) -> str:
    done = quiet(["git", *arguments], env=env, where=where)
    if done.code:
        raise BuildError(FETCH, f"git {arguments[0]} failed: {_last(done.output)}", _hint(done))
    return done.output


def _refused(plan: ClonePlan, done: Done) -> BuildError:
    what = plan.commit or plan.ref or "the default branch"
    text = f"Cannot fetch {what} from {plan.shown_uri or plan.uri}: {_last(done.output)}"
    if plan.resolve and done.is_away:  # an address that is told beforehand is our own server's
        return BuildError(FETCH, text, ours=True)
    return BuildError(FETCH, text, _hint(done))


def _last(output: str) -> str:
    return " ".join(output.splitlines()[-_TAIL_LINES:])


def _hint(done: Done) -> str:
    words = done.output.lower()
    return next((hint for marks, hint in _HINTS if any(mark in words for mark in marks)), "")


def check_context(checkout: Path, context_dir: str) -> None:
    """Raise BuildError unless the context directory is one, inside the checkout."""
    place = (checkout / context_dir.strip("/")).resolve()
    inside = place == checkout.resolve() or checkout.resolve() in place.parents
    if not inside or not place.is_dir():
        found = ", ".join(sorted(path.name for path in checkout.iterdir())[:20])
        raise BuildError(
            "InvalidContextDirectory",
            f"The directory {context_dir} is not in the repository.",
            f"spec.source.contextDir is relative to its root, where there are: {found}.",
        )
