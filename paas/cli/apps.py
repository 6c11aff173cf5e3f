"""`minato app`: applications. The very service behind the console's form."""

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from paas.catalog.applications import (
    BUILD_CONFIGS,
    Addresses,
    Application,
    application_create,
    application_delete,
    application_get,
    application_list,
    application_pods,
)
from paas.catalog.objects import application_objects, git_url
from paas.catalog.specs import ApplicationSpec, GitSource, spec_check
from paas.cli.output import Format, Output, print_json
from paas.cli.session import As, Project, Session, session
from paas.cluster.client import LogRequest
from paas.core.errors import InvalidError, NotFoundError
from paas.core.objects import dig, name_of
from paas.settings import env
from paas.settings.instance import Instance

apps = typer.Typer(help="Applications.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The application's name.")]
OPTIONS = {
    "name": "NAME",
    "git.url": "--from-git",
    "git.ref": "--ref",
    "git.contextDir": "--context-dir",
    "image": "--image",
    "builder": "--builder",
    "env": "--env",
}
"""Where each field of an application is said."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(apps, name="app")


def addresses_of(instance: Instance) -> Addresses:
    """Return where this platform's git server and routes are."""
    git_base_url = instance.url(instance.git_host)
    return Addresses(git_base_url, instance.https_port, env.build_schemes())


@apps.command("create")
def app_create(
    name: Name,
    project: Project,
    push: Annotated[bool, typer.Option("--push", help="Give it a repository of its own.")] = False,
    from_git: Annotated[str, typer.Option(metavar="URL", help="Build this repository.")] = "",
    ref: Annotated[str, typer.Option(metavar="R", help="Branch, tag or commit.")] = "",
    context_dir: Annotated[str, typer.Option(metavar="D", help="Folder to build.")] = "",
    image: Annotated[str, typer.Option(metavar="I", help="Run this image.")] = "",
    builder: Annotated[str, typer.Option(metavar="B", help="What builds it.")] = "python",
    env_pairs: Annotated[
        list[str] | None, typer.Option("--env", "-e", metavar="K=V", help="Environment.")
    ] = None,
    show_yaml: Annotated[bool, typer.Option(help="Print the objects; make nothing.")] = False,
    user: As = "",
    output: Output = Format.table,
) -> None:
    """Create an application: from a repository of its own, a remote one, or an image.

    Examples: minato app create web -p shop --push;
    minato app create web -p shop --from-git https://git.example.org/web.git --env GREETING=hi
    """
    if [push, bool(from_git), bool(image)].count(True) != 1:
        raise typer.BadParameter("say where it comes from: one of --push, --from-git, --image")
    spec = ApplicationSpec(
        name=name,
        project=project,
        git=GitSource(from_git, ref, context_dir) if from_git else None,
        image=image,
        builder=builder,
        env=_environment(env_pairs or ()),
    )
    addresses = addresses_of(env.instance())
    _check(spec, addresses)
    if show_yaml:
        wishes = application_objects(spec, git_base_url=addresses.git_base_url)
        sys.stdout.write(yaml.safe_dump_all(wishes, sort_keys=False))
        return
    with session(user) as opened:
        application_create(opened.cluster, actor=opened.actor, spec=spec, addresses=addresses)
        made = _get(opened, project, name)
    _say_created(spec, made, addresses, output)


@apps.command("list")
def app_list(project: Project, user: As = "", output: Output = Format.table) -> None:
    """List a project's applications with their state and URL.

    Example: minato app list -p shop -o json
    """
    with session(user) as opened:
        found = application_list(
            opened.cluster,
            actor=opened.actor,
            project=project,
            addresses=addresses_of(opened.instance),
        )
    rows = [_row(one) for one in found]
    if output is Format.json:
        print_json(rows)
        return
    table = Table("NAME", "STATE", "URL", "DETAIL", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["name"], row["state"], row["url"] or "-", row["detail"])
    Console().print(table)


@apps.command("url")
def app_url(name: Name, project: Project, user: As = "") -> None:
    """Print where the application is reached.

    Example: curl "$(minato app url web -p shop)"
    """
    with session(user) as opened:
        found = _get(opened, project, name)
    if not found.urls:
        raise NotFoundError(f"The application {name} has no route.", "Make one: kubectl, oc expose")
    sys.stdout.write(found.urls[0] + "\n")


@apps.command("build")
def app_build(name: Name, project: Project, user: As = "", output: Output = Format.table) -> None:
    """Build the application anew from its source.

    Example: minato app build web -p shop
    """
    with session(user) as opened:
        request = {
            "apiVersion": "build.openshift.io/v1",
            "kind": "BuildRequest",
            "metadata": {"name": name, "namespace": project},
            "triggeredBy": [{"message": "minato app build"}],
        }
        build = opened.cluster.connect(
            opened.actor, BUILD_CONFIGS, name, project, subresource="instantiate", body=request
        )
    if output is Format.json:
        print_json({"build": name_of(build)})
    else:
        sys.stdout.write(f"build {name_of(build)} started\n")


@apps.command("logs")
def app_logs(
    name: Name,
    project: Project,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on.")] = False,
    tail: Annotated[int, typer.Option(help="How many lines at the most.")] = 200,
    user: As = "",
) -> None:
    """Print the log of the application's newest pod.

    Example: minato app logs web -p shop -f
    """
    with session(user) as opened:
        app = _get(opened, project, name)
        pods = application_pods(opened.cluster, actor=opened.actor, app=app)
        if not pods:
            raise NotFoundError(f"The application {name} has no pods.", app.state.detail)
        container = str(dig(pods[0], "spec")["containers"][0]["name"])
        request = LogRequest(project, name_of(pods[0]), container, follow=follow, tail_lines=tail)
        for piece in opened.cluster.logs(opened.actor, request):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()


@apps.command("delete")
def app_delete(name: Name, project: Project, user: As = "", output: Output = Format.table) -> None:
    """Delete the application with its builds, images, route and repository.

    Example: minato app delete web -p shop
    """
    with session(user) as opened:
        gone = application_delete(opened.cluster, actor=opened.actor, project=project, name=name)
    if output is Format.json:
        print_json({"name": name, "project": project, "deleted": gone})
    else:
        sys.stdout.write("".join(f"{one} deleted\n" for one in gone))


def _get(opened: Session, project: str, name: str) -> Application:
    return application_get(
        opened.cluster,
        actor=opened.actor,
        project=project,
        name=name,
        addresses=addresses_of(opened.instance),
    )


def _row(app: Application) -> dict[str, Any]:
    return {
        "name": app.name,
        "project": app.project,
        "state": app.state.word,
        "detail": app.state.detail,
        "url": app.urls[0] if app.urls else "",
        "last_build": name_of(app.builds[0]) if app.builds else "",
    }


def _environment(pairs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--env {pair!r} has no value: write --env NAME=value")
        found[key] = value
    return found


def _check(spec: ApplicationSpec, addresses: Addresses) -> None:
    """Refuse what no platform would take: the command line is wrong."""
    try:
        spec_check(spec, schemes=addresses.schemes)
    except InvalidError as error:
        first = error.causes[0]
        option = OPTIONS.get(first.field) or OPTIONS[first.field.partition(".")[0]]
        said = first.message if first.field in OPTIONS else str(error)
        raise typer.BadParameter(said, param_hint=option) from error


def _say_created(
    spec: ApplicationSpec, made: Application, addresses: Addresses, output: Format
) -> None:
    own = spec.is_built and spec.git is None
    remote = git_url(spec, addresses.git_base_url) if own else ""
    url = made.urls[0] if made.urls else ""
    if output is Format.json:
        print_json({"name": spec.name, "project": spec.project, "url": url, "git_url": remote})
        return
    sys.stdout.write(f"application {spec.name} created; it will be at {url}\n")
    if own:
        sys.stdout.write(f"\n  git remote add minato {remote}\n  git push minato main\n\n")
        sys.stdout.write("The password is a token: minato token create --user NAME\n")
