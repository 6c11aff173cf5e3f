"""`minato user`, `minato token`, `minato kubeconfig`: people and how their clients sign in."""

import re
import secrets
import sys
from datetime import timedelta
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from paas.accounts.kubeconfig import kubeconfig_of
from paas.cli.output import Format, Output, print_json
from paas.cli.session import ROOT, Session, session
from paas.core.actors import platform_actor
from paas.core.errors import AlreadyExistsError
from paas.core.objects import ApiObject, annotations_of, name_of

USERS = "users.user.openshift.io"
BINDINGS = "rbac.authorization.k8s.io"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

users = typer.Typer(help="People who can sign in.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens of people.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
User = Annotated[str, typer.Option("--user", metavar="NAME", help="Whose it is.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(users, name="user")
    app.add_typer(tokens, name="token")
    app.command()(kubeconfig)


@users.command("create")
def user_create(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything.")] = False,
    password_stdin: Stdin = False,
    output: Output = Format.table,
) -> None:
    """Create a user. Without --password-stdin a password is made and shown once.

    Examples: minato user create ann; echo s3cret-word | minato user create bob --password-stdin
    """
    password = _password(password_stdin)
    with session() as opened:
        _password_check(name, password)  # first: a user without a password is half of one
        wish = {"apiVersion": "user.openshift.io/v1", "kind": "User", "metadata": {"name": name}}
        opened.cluster.create(ROOT, wish)
        _password_set(opened, name, password)
        if admin:
            _make_admin(opened, name)
    shown = None if password_stdin else password
    if output is Format.json:
        print_json({"name": name, "admin": admin, "password": shown})
    else:
        _say_login(name, shown)


@users.command("password")
def user_password(name: Name, password_stdin: Stdin = False, output: Output = Format.table) -> None:
    """Give a user a new password, to be changed at the next sign-in.

    Example: minato user password ann
    """
    password = _password(password_stdin)
    with session() as opened:
        _password_set(opened, name, password)
    shown = None if password_stdin else password
    if output is Format.json:
        print_json({"name": name, "password": shown})
    else:
        _say_login(name, shown)


@users.command("list")
def user_list(output: Output = Format.table) -> None:
    """List the users.

    Example: minato user list -o json
    """
    with session() as opened:
        found = opened.cluster.list(ROOT, USERS).items
    rows = [{"name": name_of(one), "active": _is_active(one)} for one in found]
    if output is Format.json:
        print_json(rows)
        return
    table = Table("NAME", "ACTIVE", box=None, pad_edge=False)
    for row in rows:
        table.add_row(str(row["name"]), "yes" if row["active"] else "no")
    Console().print(table)


@tokens.command("create")
def token_create(
    user: User,
    ttl: Annotated[str, typer.Option(help="How long it lives: 30m, 24h, 30d.")] = "24h",
    name: Annotated[str, typer.Option(help="What it is for.")] = "minato token create",
) -> None:
    """Make a token and print it alone: a bearer token, and a password for git and podman.

    Example: minato token create --user ann --ttl 24h
    """
    with session():
        sys.stdout.write(_token(user, _duration(ttl), name) + "\n")


def kubeconfig(
    user: User,
    ttl: Annotated[str, typer.Option(help="How long its token lives.")] = "30d",
    project: Annotated[str, typer.Option(help="The namespace to begin in.")] = "default",
) -> None:
    """Print a kubeconfig with a fresh token.

    Example: minato kubeconfig --user ann > ~/.kube/config
    """
    with session() as opened:
        text = _token(user, _duration(ttl), "kubeconfig")
        body = kubeconfig_of(opened.instance, user=user, token=text, project=project)
    sys.stdout.write(yaml.safe_dump(body, sort_keys=False))


def _token(username: str, ttl: timedelta, name: str) -> str:
    from paas.accounts import selectors, services

    user = selectors.user_get(username)
    _, text = services.token_create(user=user, name=name, ttl=ttl)
    return text


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration: write 30m, 24h or 30d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else secrets.token_urlsafe(12)


def _password_check(name: str, password: str) -> None:
    from paas.accounts.services import password_check

    password_check(username=name, password=password)


def _password_set(opened: Session, name: str, password: str) -> None:
    opened.cluster.connect(
        ROOT, USERS, name, "", subresource="password", body={"password": password}
    )


def _make_admin(opened: Session, name: str) -> None:
    binding: ApiObject = {
        "apiVersion": f"{BINDINGS}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"cluster-admin-{name}"},
        "roleRef": {"apiGroup": BINDINGS, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": BINDINGS, "kind": "User", "name": name}],
    }
    try:
        opened.cluster.create(platform_actor("command-line"), binding)
    except AlreadyExistsError:
        return


def _is_active(user: ApiObject) -> bool:
    return annotations_of(user).get("minato.io/active") != "false"


def _say_login(name: str, password: str | None) -> None:
    told = f" with the password {password}   (shown once)" if password else ""
    sys.stdout.write(f"{name} can sign in{told}\n")
