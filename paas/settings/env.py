"""Reads settings from os.environ, and is the only module that does; stops with a clear sentence.

What children inherit from the machine (proxies, CA bundle, where installers look) is read by
`deploy.runner` and `deploy.launch`, which run before anything is installed. The hook that git
starts, `paas.git.proc_receive`, reads the one variable that it was given.
"""

import os
from ipaddress import ip_address
from pathlib import Path

from paas.core.names import subdomain_errors
from paas.settings.instance import INSTANCES_MAX, Instance


class SettingError(SystemExit):
    """A variable is wrong: names it, its value and the rule it breaks."""

    def __init__(self, name: str, value: str, rule: str) -> None:
        super().__init__(f"{name}={value!r}: {rule}")


def text(name: str, default: str = "") -> str:
    """Return a variable, or what the file that `NAME_FILE` names holds, or the default."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE", path, str(error)) from error
    return os.environ.get(name, default)


def secret(name: str, default_file: Path) -> str:
    """Return a variable, what its `_FILE` holds, or what the instance's own file holds.

    Stops the start-up when there is neither: a secret has no default.
    """
    if value := text(name):
        return value
    try:
        return default_file.read_text().strip()
    except OSError as error:
        raise SettingError(name, "", f"must be set, or {default_file} be readable") from error


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number within its bounds."""
    value = text(name, str(default))
    if not value.isdigit() or not low <= int(value) <= high:
        raise SettingError(name, value, f"must be a whole number from {low} to {high}")
    return int(value)


def absolute_path(name: str, default: str) -> Path:
    """Return an absolute path."""
    value = Path(text(name, default))
    if not value.is_absolute():
        raise SettingError(name, str(value), "must be an absolute path")
    return value


def address(name: str, default: str) -> str:
    """Return an IP address."""
    value = text(name, default)
    try:
        return str(ip_address(value))
    except ValueError as error:
        raise SettingError(name, value, "must be an IP address") from error


def domain(name: str, default: str) -> str:
    """Return a DNS name in lower case."""
    value = text(name, default)
    try:
        is_address = bool(ip_address(value))
    except ValueError:
        is_address = False
    if is_address or subdomain_errors(value):
        raise SettingError(name, value, "must be a DNS name in lower case, as paas.example.org")
    return value


def instance_number() -> int | None:
    """Return the instance number that was asked for, or None for whichever is free."""
    if not text("MINATO_INSTANCE"):
        return None
    return integer("MINATO_INSTANCE", 0, low=0, high=INSTANCES_MAX)


def read_file(path: Path) -> dict[str, str]:
    """Return the NAME=value lines of a settings file; nothing when there is no file."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def prefixed(prefix: str) -> dict[str, str]:
    """Return the variables whose names begin with `prefix`, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in os.environ.items()
        if name.startswith(prefix) and name != prefix
    }


def proxies() -> dict[str, str]:
    """Return the machine's proxy settings, as their programs spell them."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def build_schemes() -> tuple[str, ...]:
    """Return the schemes of the addresses that builds may clone from."""
    return tuple(text("MINATO_BUILD_SCHEMES", "https").split(","))


def environment_restore() -> None:
    """Put the settings that the last set-up remembered where the environment says nothing.

    A new domain takes its own default address, not the remembered one.
    """
    home = absolute_path("MINATO_HOME", "/var/lib/minato")
    remembered = read_file(home / "etc" / "minato.env")
    if os.environ.get("MINATO_DOMAIN", "") not in {"", remembered.get("MINATO_DOMAIN")}:
        remembered.pop("MINATO_BIND", None)
    for name, value in remembered.items():
        if name.startswith("MINATO_"):
            os.environ.setdefault(name, value)


def instance() -> Instance:
    """Return the instance that the environment describes."""
    served = domain("MINATO_DOMAIN", "localhost")
    return Instance(
        home=absolute_path("MINATO_HOME", "/var/lib/minato"),
        number=integer("MINATO_INSTANCE", 0, low=0, high=INSTANCES_MAX),
        bind=address("MINATO_BIND", "127.0.0.1" if served == "localhost" else "0.0.0.0"),  # noqa: S104 -- a real domain is served to the world
        domain=served,
        http_port=integer("MINATO_HTTP_PORT", 8080, low=1, high=65535),
        https_port=integer("MINATO_HTTPS_PORT", 8443, low=1, high=65535),
    )
