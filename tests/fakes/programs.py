"""What the processes of the fake runtime do: enough to be asked for by name, no shell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FakeProgram:
    """One command's behaviour.

    `exit_code` None runs until it is signalled; then the code is 128 + the signal, as a shell
    reports it. `echo` sends standard input back. `ignores_term` outlives SIGTERM.
    `deaf` reads nothing of its standard input: who writes waits until the stream is closed.
    `seconds` is how long exec_run must allow before it times out.
    """

    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    echo: bool = False
    deaf: bool = False
    ignores_term: bool = False
    seconds: float = 0.0


FOREVER = FakeProgram()
SUCCEEDS = FakeProgram(exit_code=0)
SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGUSR1": 10, "SIGTERM": 15}


def signal_number(name: str) -> int:
    """Return the number of SIGTERM, TERM or 15. Raises KeyError for what is no signal."""
    if name.isdigit():
        return int(name)
    return SIGNALS[name if name.startswith("SIG") else f"SIG{name}"]
