"""`minato up`, `minato down`, `minato status`: the platform itself."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy import platform
from deploy.errors import DeployError, again, failures
from deploy.health import PlatformStatus, ProcessHealth, status_of, urls_of
from deploy.report import Report
from deploy.steps.order import STEPS
from paas.cli.output import Format, Output, print_json
from paas.settings import env, projects
from paas.settings.instance import Instance


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(purge)


def up() -> None:
    """Install and start the platform, or bring it up to date.

    Settings are environment variables, and are remembered below MINATO_HOME:
    MINATO_HOME, MINATO_BIND, MINATO_DOMAIN, MINATO_HTTP_PORT, MINATO_HTTPS_PORT, MINATO_INSTANCE,
    MINATO_PROJECT_QUOTA, MINATO_PROJECT_LIMITS.

    Example: MINATO_DOMAIN=paas.example.org minato up
    """
    report = Report(len(STEPS))
    checkout = platform.checkout_of(__file__)
    number = env.instance_number()
    instance = env.instance()
    projects.chosen()  # a wrong one stops here, before anything is done
    try:
        with failures("Setting up", again(instance.log)):
            ready = platform.up(instance, number=number, checkout=checkout, report=report)
    except BaseException:  # also Ctrl-C: a later step must not take the first login with it
        sys.stdout.write("\n".join([*_to_note(instance, report), ""]))
        raise
    sys.stdout.write("\n" + _welcome(ready, report) + "\n")


def _welcome(instance: Instance, report: Report) -> str:
    urls = urls_of(instance)
    lines = ["Minato is ready.", ""]
    lines += [f"  Console   {urls['console']}", f"  API       {urls['api']}"]
    lines += [f"  Git       {urls['git']}", f"  Registry  {urls['registry']}"]
    lines += [f"  Apps      https://<route>-<project>.{urls['apps_domain']}:{instance.https_port}"]
    if report.sample_url:
        lines += [f"  Sample    {report.sample_url}"]
    return "\n".join([*lines, *_to_note(instance, report)])


def _to_note(instance: Instance, report: Report) -> list[str]:
    """Return what to write down: it is needed also when a step has failed."""
    lines: list[str] = []
    if report.first_login:
        user, password = report.first_login
        lines += ["", f"  First login: {user} / {password}   (shown once; change it there)"]
    if records := platform.dns_records(instance):
        lines += ["", "  DNS records that this domain needs:", *(f"    {one}" for one in records)]
    return lines


def down(
    apps: Annotated[
        bool, typer.Option("--apps", help="Stop the applications, router and DNS as well.")
    ] = False,
) -> None:
    """Stop the platform; running applications keep serving.

    Examples: minato down; minato down --apps
    """
    instance = env.instance()
    with failures("Stopping", again(instance.log)):
        stopped = platform.down(instance, apps=apps)
    what = "The platform and its applications are" if apps else "The platform is"
    sys.stdout.write(f"{what} stopped.\n" if stopped else "Nothing was running.\n")
    if stopped and not apps:
        sys.stdout.write("Applications keep serving; `minato down --apps` stops them too.\n")


def status(output: Output = Format.table) -> None:
    """Show each process, whether it does its work, and the URLs; exit 1 unless all is well.

    Examples: minato status; minato status -o json
    """
    found = status_of(env.instance())
    if output is Format.json:
        print_json(found.as_dict())
    else:
        _print_table(found)
    raise typer.Exit(0 if found.ready else 1)


def purge(
    yes: Annotated[bool, typer.Option("--yes", help="Really delete everything.")] = False,
) -> None:
    """Delete the platform with everything in it: applications, data, images, repositories.

    Example: minato purge --yes
    """
    instance = env.instance()
    if not yes:
        raise DeployError(f"This deletes {instance.home} for ever.", "minato purge --yes does it.")
    with failures("Deleting", again()):
        platform.purge(instance)
    sys.stdout.write(f"{instance.home} is gone.\n")


def _print_table(found: PlatformStatus) -> None:
    table = Table("PROCESS", "HEALTH", "PID", "VERSION", "DETAIL", box=None, pad_edge=False)
    for process in found.processes:
        table.add_row(*_cells(process))
    console = Console()
    console.print(table)
    console.print()
    for name, url in found.urls.items():
        console.print(f"{name:12} {url}", highlight=False)


def _cells(process: ProcessHealth) -> tuple[str, ...]:
    """Return a row: the state is a word and a colour, never the colour alone."""
    state = "[green]✓ healthy[/]" if process.healthy else "[red]✗ unhealthy[/]"
    return process.name, state, str(process.pid or "-"), process.version or "-", process.detail
