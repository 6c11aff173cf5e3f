"""One push's conversation with the hook, in a thread: commands in, words and a verdict out.

The thread only watches. A build that began goes on when the hook, the client or this process
is gone.
"""

import contextlib
import socket
from collections.abc import Iterator

import structlog

from paas.core.errors import PaasError
from paas.git import terminal
from paas.git.access import Visitor
from paas.git.branches import Moved
from paas.git.builds import BuildResult, PushBuilds, Stop
from paas.git.plans import Command
from paas.git.proc_receive import END, TO_GIT, TO_TERMINAL
from paas.git.pushes import BuildBegun, PushDesk, Taken

log = structlog.get_logger(__name__)
COMMANDS_MAX_BYTES = 4 * 1024 * 1024
OURS = "the platform failed here; push again"


class HookGoneError(Exception):
    """The hook has closed its end: nobody listens."""


class Hook:
    """The web process's end of the socket that the hook has inherited."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link

    def commands(self) -> list[Command]:
        """Return the push's commands. Raises HookGoneError when git has ended before."""
        text = b""
        while not text.endswith(b"\n\n"):
            piece = self._link.recv(65536)
            if not piece or len(text) > COMMANDS_MAX_BYTES:
                raise HookGoneError
            text += piece
        lines = text.decode(errors="surrogateescape").split("\n")
        return [Command(*line.split(" ", 2)) for line in lines if line]

    def say(self, text: str | bytes) -> None:
        """Show text to the pusher."""
        data = text if isinstance(text, bytes) else text.encode()
        if data:
            self._frame(TO_TERMINAL, data)

    def report(self, commands: list[Command], refused: dict[str, str]) -> None:
        """Tell git what became of each command, and end."""
        lines = [_verdict(one, refused) for one in commands]
        packets = b"".join(b"%04x%b" % (len(line) + 4, line) for line in lines)
        self._frame(TO_GIT, packets + b"0000")
        self._frame(END, b"")

    def _frame(self, channel: int, data: bytes) -> None:
        try:
            self._link.sendall(bytes([channel]) + len(data).to_bytes(4, "big") + data)
        except OSError as error:
            raise HookGoneError from error


def session_run(
    link: socket.socket, visitor: Visitor, desk: PushDesk, builds: PushBuilds, stop: Stop
) -> None:
    """Converse until all is said or nobody listens; closes the socket."""
    with link, contextlib.suppress(HookGoneError):
        hook = Hook(link)
        commands = hook.commands()
        try:
            refused = _Session(hook, visitor, desk, builds, stop).run(commands)
        except HookGoneError:
            log.info("push_left_alone", repository=str(visitor.repository))
            raise
        except Exception:
            log.exception("push_failed", repository=str(visitor.repository))
            refused = {one.ref: OURS for one in commands}
        hook.report(commands, refused)


class _Session:
    def __init__(
        self, hook: Hook, visitor: Visitor, desk: PushDesk, builds: PushBuilds, stop: Stop
    ) -> None:
        self._hook = hook
        self._visitor = visitor
        self._desk = desk
        self._builds = builds
        self._stop = stop

    def run(self, commands: list[Command]) -> dict[str, str]:
        """Return the reason for each ref that is refused."""
        try:
            taken = self._desk.take(self._visitor, commands)
        except PaasError as error:
            return {one.ref: str(error) for one in commands}
        for line in taken.said:
            self._hook.say(line)
        if taken.begun is not None:
            self._watch(taken, taken.begun)
        return taken.refused

    def _watch(self, taken: Taken, begun: BuildBegun) -> None:
        """Show the build to its end; a build that failed refuses its branch."""
        name, build, ref = self._visitor.repository, begun.build, begun.command.ref
        self._hook.say(terminal.building(build, ref, joined=begun.joined))
        for piece in self._log(begun):
            self._hook.say(piece)
        result = self._builds.result(name, build, self._stop)
        if result is None:
            raise HookGoneError
        if not result.succeeded:
            self._hook.say(terminal.failed(build, result))
            taken.refused[ref] = f"build failed: {result.reason}"
            return
        if self._desk.finish(self._visitor, begun) is Moved.ELSEWHERE:
            taken.refused[ref] = "the branch has gone another way meanwhile; fetch first"
            return
        self._release(taken, begun, result)

    def _log(self, begun: BuildBegun) -> Iterator[bytes]:
        ended = True
        for piece in self._builds.log(self._visitor.repository, begun.build, self._stop):
            text = terminal.log_text(piece)
            ended = text.endswith(b"\n") if text else ended
            yield text
        if not ended:
            yield b"\n"

    def _release(self, taken: Taken, begun: BuildBegun, result: BuildResult) -> None:
        self._hook.say(terminal.built_in(begun.build, result))
        release = self._builds.release(self._visitor.repository, begun.build, self._stop)
        if release is None:
            raise HookGoneError
        self._hook.say(terminal.released(result, release))
        if not release.ready:
            # the branch has moved; refused all the same, so that a script sees it in git's exit
            taken.refused[begun.command.ref] = f"built, but not rolled out: {release.message}"


def _verdict(command: Command, refused: dict[str, str]) -> bytes:
    ref = command.ref.encode(errors="surrogateescape")
    if command.ref not in refused:
        return b"ok " + ref
    return b"ng " + ref + b" " + (terminal.one_line(refused[command.ref]) or "refused").encode()
