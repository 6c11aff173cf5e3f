"""What can go wrong while setting up: a sentence, a hint, and the last lines of what failed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from paas.core.errors import PaasError

TAIL_LINES = 15


class DeployError(PaasError):
    """Set-up, start or stop failed."""

    reason = "DeployFailed"


class CommandError(DeployError):
    """A command failed or took too long; `tail` is the end of what it printed."""

    def __init__(self, argv: Sequence[str], outcome: str, output: str, hint: str = "") -> None:
        super().__init__(f"`{' '.join(argv)}` {outcome}.", hint)
        self.argv = tuple(argv)
        self.tail = tuple(output.strip().splitlines()[-TAIL_LINES:])


def again(log: Path | None = None) -> str:
    """Return what to try where nothing better is known."""
    logs = f" The logs of its processes are in {log}." if log else ""
    return f"Run it again: what is done already is skipped.{logs}"


@contextmanager
def failures(what: str, hint: str, *others: type[Exception]) -> Iterator[None]:
    """Make each failure one that says what to try: `hint`, where it says nothing itself.

    An OSError, as of a full disk, and the `others` become a DeployError that names `what`.
    """
    others = (OSError, *others)
    try:
        yield
    except PaasError as error:
        error.hint = error.hint or hint
        raise
    except others as error:
        raise DeployError(f"{what}: {str(error).strip()}", hint) from error
