"""HAProxy's runtime socket and its master's: commands, and what the answers mean.

Source: HAProxy 2.6 management guide, "Unix Socket commands" and "Master CLI".
"""

import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paas.routes.errors import RouterError
from paas.routes.pools import Place
from paas.routes.wishes import Endpoint

TIMEOUT_S = 5.0
LINE_MAX = 12_000
"""Bytes of commands in one line: HAProxy's buffer has 16384."""

_FINE = re.compile(r"(IP changed|port changed|no need to change|nothing changed)")
_IN_MAINTENANCE = 0x01 | 0x02 | 0x20
_RUNNING = 2


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes of HAProxy; `reloads` were begun, `failed` of them did not come about."""

    current: int
    old: tuple[int, ...]
    reloads: int
    failed: int


class HaproxySocket:
    """Speaks to one HAProxy. Each call is a connection; RouterError when it does not answer."""

    def __init__(self, admin: Path, master: Path) -> None:
        self._admin = admin
        self._master = master

    def ask(self, command: str, *, worker: int = 0) -> str:
        """Return the answer to one line; `worker` names a process by pid, else the current."""
        if worker:
            return _exchange(self._master, f"@!{worker}\n{command}\n")
        return _exchange(self._admin, f"{command}\n")

    def tell(self, commands: Sequence[str]) -> None:
        """Give commands that answer nothing but a confirmation. Raises RouterError on another."""
        for line in _lines(commands):
            for said in filter(None, self.ask(line).splitlines()):
                if not _FINE.match(said):
                    raise RouterError(f"HAProxy refused a change: {said}")

    def divert(self, worker: int, path: Path, keys: Iterable[str], backend: str) -> None:
        """Make a worker that was replaced send what it is still asked to another backend.

        Its servers cannot be changed any more; its maps can.
        """
        commands = (
            f"{verb} map {path} {key}{value}"
            for key in keys
            for verb, value in (("del", ""), ("add", f" {backend}"))
        )
        for line in _lines(commands):
            self.ask(line, worker=worker)

    def pid(self) -> int:
        """Return the pid of the worker that serves the runtime socket."""
        found = re.search(r"^Pid: (\d+)$", self.ask("show info"), re.MULTILINE)
        return int(found[1]) if found else 0

    def workers(self) -> Workers:
        """Return the workers that there are, as the master sees them."""
        return parse_workers(_exchange(self._master, "show proc\n"))

    def reload(self) -> None:
        """Ask for a reload: a new worker with the files as they are. It is not waited for.

        A master that begins anew just then takes the request and forgets it: count `reloads`.
        """
        _exchange(self._master, "reload\n")

    def table(self, path: Path) -> dict[str, str]:
        """Return a map as it is in memory."""
        lines = (line.split() for line in self.ask(f"show map {path}").splitlines())
        return {words[1]: words[2] for words in lines if len(words) == 3}  # noqa: PLR2004 -- id key value

    def servers(self) -> dict[str, list[Place]]:
        """Return the places of every backend that has servers."""
        return parse_servers(self.ask("show servers state"))

    def busy(self, backend: str, *, worker: int = 0) -> dict[int, int]:
        """Return how many connections of each place of a backend are in use."""
        return parse_busy(self.ask(f"show servers conn {backend}", worker=worker))


def parse_workers(text: str) -> Workers:
    """Read `show proc`: old workers are listed below a heading of their own."""
    current, old, reloads, failed, section = 0, [], 0, 0, ""
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            section = line
        elif len(words) > 1 and words[1] == "master":
            if found := re.search(r"master +(\d+) +\[failed: (\d+)\]", line):
                reloads, failed = int(found[1]), int(found[2])
        elif len(words) > 1 and words[1] == "worker":
            if "old" in section:
                old.append(int(words[0]))
            else:
                current = int(words[0])
    return Workers(current, tuple(old), reloads, failed)


def parse_servers(text: str) -> dict[str, list[Place]]:
    """Read `show servers state`, version 1 of its format."""
    heading, places = [], dict[str, list[Place]]()
    for line in text.splitlines():
        words = line.lstrip("# ").split()
        if line.startswith("#"):
            heading = words
        elif len(words) == len(heading) > 0:
            found = dict(zip(heading, words, strict=True))
            places.setdefault(found["be_name"], []).append(_place(found))
    return places


def _place(found: dict[str, str]) -> Place:
    endpoint = Endpoint(found["srv_addr"], int(found["srv_port"]), int(found["srv_uweight"]))
    running = int(found["srv_op_state"]) == _RUNNING
    held = int(found["srv_admin_state"]) & _IN_MAINTENANCE
    return Place(endpoint, active=running and not held)


def parse_busy(text: str) -> dict[int, int]:
    """Read `show servers conn`."""
    heading, busy = [], dict[int, int]()
    for line in text.splitlines():
        words = line.lstrip("# ").split()
        if line.startswith("#"):
            heading = words
        elif words and "used_cur" in heading:
            number = words[0].rpartition("/s")[2]
            busy[int(number)] = int(words[heading.index("used_cur")])
    return busy


def server_commands(backend: str, number: int, place: Place) -> Iterator[str]:
    """Yield what makes a place what it should be."""
    server = f"{backend}/s{number}"
    if not place.active:
        yield f"set server {server} state maint"
        return
    at = place.endpoint
    yield f"set server {server} addr {at.address} port {at.port}"
    yield f"set server {server} weight {at.weight}"
    yield f"set server {server} state ready"


def _lines(commands: Iterable[str]) -> Iterator[str]:
    line = ""
    for command in commands:
        if line and len(line) + len(command) > LINE_MAX:
            yield line
            line = ""
        line = f"{line}; {command}" if line else command
    if line:
        yield line


def _exchange(path: Path, request: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(TIMEOUT_S)
            link.connect(str(path))
            link.sendall(request.encode())
            link.shutdown(socket.SHUT_WR)  # the master waits for more until then
            answer = bytearray()
            while piece := link.recv(65536):
                answer += piece
    except OSError as error:
        raise RouterError(f"HAProxy's socket {path.name} does not answer: {error}") from error
    return answer.decode(errors="replace")
