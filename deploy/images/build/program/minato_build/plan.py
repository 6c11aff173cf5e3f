"""What the container `sti-build` is to do: the JSON that the platform wrote, typed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PostCommit:
    """The hook that runs in the finished image. Source: build.openshift.io/v1."""

    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    script: str = ""

    @property
    def argv(self) -> list[str]:
        """Return what to run; empty where there is no hook."""
        if self.script:
            return ["/bin/sh", "-ic", self.script, "/bin/sh", *self.args]
        return [*self.command, *self.args]

    @property
    def is_arguments(self) -> bool:
        """Say whether there are arguments alone: they are for the image's entry point."""
        return not self.script and not self.command


@dataclass(frozen=True)
class BuildPlan:
    """One build. `build_arguments` are variables that commands see and the image does not keep."""

    name: str
    namespace: str
    builder: str
    output: str = ""
    uri: str = ""
    ref: str = ""
    context_dir: str = ""
    scripts_url: str = ""
    force_pull: bool = False
    incremental: str = ""
    insecure: bool = False
    environment: Pairs = ()
    labels: Pairs = ()
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    post_commit: PostCommit = field(default_factory=PostCommit)

    @classmethod
    def read(cls, path: Path) -> "BuildPlan":
        """Read the plan that the platform wrote."""
        body: dict[str, Any] = json.loads(path.read_text())
        for name in ("environment", "labels"):
            body[name] = tuple((one["name"], one["value"]) for one in body.get(name, ()))
        hook = body.get("post_commit") or {}
        body["post_commit"] = PostCommit(
            tuple(hook.get("command") or ()), tuple(hook.get("args") or ()), hook.get("script", "")
        )
        return cls(**body)
