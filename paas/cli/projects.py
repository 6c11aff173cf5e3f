"""`minato project`: projects of people."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from paas.cli.output import Format, Output, print_json
from paas.cli.session import As, actor_of, session
from paas.core.objects import annotations_of, dig, name_of

PROJECTS = "projects.project.openshift.io"

projects = typer.Typer(help="Projects: namespaces with members and bounds.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(projects, name="project")


@projects.command("create")
def project_create(
    name: Name,
    owner: Annotated[
        str, typer.Option("--owner", metavar="USER", help="Becomes its administrator.")
    ] = "",
    display_name: Annotated[str, typer.Option(help="The name that people see.")] = "",
    user: As = "",
    output: Output = Format.table,
) -> None:
    """Create a project.

    Example: minato project create shop --owner ann
    """
    with session(user) as opened:
        actor = actor_of(owner) if owner else opened.actor
        request = {
            "apiVersion": "project.openshift.io/v1",
            "kind": "ProjectRequest",
            "metadata": {"name": name},
            "displayName": display_name,
        }
        opened.cluster.create(actor, request)
    if output is Format.json:
        print_json({"name": name, "owner": actor.name})
    else:
        sys.stdout.write(f"project {name} created for {actor.name}\n")


@projects.command("list")
def project_list(user: As = "", output: Output = Format.table) -> None:
    """List the projects that the user may see.

    Example: minato project list --as ann -o json
    """
    with session(user) as opened:
        found = opened.cluster.list(opened.actor, PROJECTS).items
    rows = [
        {
            "name": name_of(one),
            "display_name": annotations_of(one).get("openshift.io/display-name", ""),
            "status": dig(one, "status", "phase") or "",
        }
        for one in found
    ]
    if output is Format.json:
        print_json(rows)
        return
    table = Table("NAME", "DISPLAY NAME", "STATUS", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


@projects.command("delete")
def project_delete(name: Name, user: As = "", output: Output = Format.table) -> None:
    """Delete a project with all that is in it.

    Example: minato project delete shop
    """
    with session(user) as opened:
        opened.cluster.delete(opened.actor, PROJECTS, name)
    if output is Format.json:
        print_json({"name": name, "status": "Terminating"})
    else:
        sys.stdout.write(f"project {name} is being deleted\n")
