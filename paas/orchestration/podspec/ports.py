"""Port numbers and names. Source: k8s.io/apimachinery/pkg/util/validation."""

import re
from typing import Any

from paas.apimachinery.fielderrors import invalid, invalid_all
from paas.core.errors import Cause

PROTOCOLS = ("SCTP", "TCP", "UDP")
PORT_MAX = 65535
_NAME_MAX = 15
_CHARACTERS = re.compile(r"[-a-z0-9]+")
_LETTER = re.compile(r"[a-z]")


def port_number_errors(port: int) -> list[str]:
    """Return the rule that a port number breaks."""
    return [] if 1 <= port <= PORT_MAX else [f"must be between 1 and {PORT_MAX}, inclusive"]


def port_name_errors(name: str) -> list[str]:
    """Return the rules that an IANA service name breaks."""
    wrong = [f"must be no more than {_NAME_MAX} characters"] if len(name) > _NAME_MAX else []
    if not _CHARACTERS.fullmatch(name):
        wrong.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not _LETTER.search(name):
        wrong.append("must contain at least one letter (a-z)")
    if "--" in name:
        wrong.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        wrong.append("must not begin or end with a hyphen")
    return wrong


def port_errors(port: Any, path: str) -> list[Cause]:
    """Check a number, or the name of a container's port."""
    if isinstance(port, str):
        return invalid_all(path, port, port_name_errors(port))
    if isinstance(port, int):
        return invalid_all(path, port, port_number_errors(port))
    return [invalid(path, port, f"must be between 1 and {PORT_MAX}, inclusive")]
