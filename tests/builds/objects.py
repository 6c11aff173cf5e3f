"""Builds as the tables need them."""

from typing import Any

from paas.builds.kinds import build_kinds

CONFIG, BUILD = build_kinds(("https",))
DIGEST = "sha256:" + "a" * 64


def build(number: int = 1, phase: str = "New", *, config: str = "web", **fields: Any):
    """Return a Build of a config; `fields` go into spec, but for policy and status."""
    policy, status = fields.pop("policy", "Serial"), fields.pop("status", {})
    made: dict[str, Any] = {
        "apiVersion": "build.openshift.io/v1",
        "kind": "Build",
        "metadata": {
            "name": f"{config}-{number}",
            "namespace": "shop",
            "uid": f"00000000-0000-0000-0000-{number:012d}",
            "creationTimestamp": f"2026-11-23T10:00:{number:02d}Z",
            "labels": {"openshift.io/build.start-policy": policy},
            "annotations": {
                "openshift.io/build-config.name": config,
                "openshift.io/build.number": str(number),
            },
        },
        "spec": {
            "source": {"git": {"uri": "https://git.example.org/shop/web.git", "ref": "main"}},
            "strategy": {
                "sourceStrategy": {"from": {"kind": "DockerImage", "name": "example.org/py:3"}}
            },
            "output": {"to": {"kind": "ImageStreamTag", "name": "web:latest"}},
            **fields,
        },
        "status": {"phase": phase, **status},
    }
    BUILD.default(made)
    return made


def ended_pod(phase: str = "Failed", reason: str = "", **containers: Any):
    """Return a pod whose containers ended: name → (exit code, reason, termination message)."""
    statuses = {
        name.replace("_", "-"): {
            "name": name.replace("_", "-"),
            "state": {"terminated": {"exitCode": code, "reason": why, "message": message}},
        }
        for name, (code, why, message) in containers.items()
    }
    clone = [one for name, one in statuses.items() if name == "git-clone"]
    rest = [one for name, one in statuses.items() if name != "git-clone"]
    return {
        "metadata": {"name": "web-1-build"},
        "status": {
            "phase": phase,
            "reason": reason,
            "initContainerStatuses": clone,
            "containerStatuses": rest,
        },
    }
