"""How git runs here: an environment made from nothing and a configuration that we alone write.

The configuration comes by the environment, not by the repositories' files, so that it is always
this release's. Source: git-config(1), git-http-backend(1).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

HOOKS = Path(__file__).parent / "hooks"
BUILDS, BASES, PUSHES = "refs/builds/", "refs/bases/", "refs/pushes/"
"""Refs of ours, shown to nobody: pushed commits by build, what they replace, pushes not begun."""

_MIB = 1 << 20
_LENIENT = ("badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode")
_CONFIG: tuple[tuple[str, str], ...] = (
    # an acknowledged push survives the loss of power
    ("core.fsync", "all"),
    ("core.fsyncMethod", "batch"),
    # larger files are streamed, never held in memory
    ("core.bigFileThreshold", str(8 * _MIB)),
    ("core.hooksPath", str(HOOKS)),
    ("gc.autoDetach", "false"),
    ("http.getanyfile", "false"),
    ("http.receivepack", "true"),
    ("http.uploadpack", "true"),
    ("pack.deltaCacheSize", str(32 * _MIB)),
    ("pack.threads", "1"),
    ("pack.windowMemory", str(64 * _MIB)),
    ("receive.advertiseAtomic", "false"),
    ("receive.autogc", "false"),
    ("receive.fsckObjects", "true"),
    ("receive.procReceiveRefs", "refs"),
    ("receive.unpackLimit", "1"),
    ("transfer.hideRefs", BASES.rstrip("/")),
    ("transfer.hideRefs", BUILDS.rstrip("/")),
    ("transfer.hideRefs", PUSHES.rstrip("/")),
    ("uploadpack.allowFilter", "false"),
    # histories that were written by old tools are harmless and cannot be mended by their owner
    *((f"receive.fsck.{what}", "warn") for what in _LENIENT),
)


def environment(
    repository: Path,
    *,
    extra: Iterable[tuple[str, str]] = (),
    more: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment of a git process that works on one repository."""
    config = (*_CONFIG, ("safe.directory", str(repository)), *extra)
    pairs: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config):
        pairs |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        **pairs,
        **(more or {}),
    }
