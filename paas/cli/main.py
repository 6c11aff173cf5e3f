"""The `minato` command: registers what each module offers; a PaasError becomes exit code 1."""

import sys

import typer

from deploy.report import explain
from paas.cli import apps, platform, projects, users
from paas.core.errors import PaasError
from paas.settings import env, logs

app = typer.Typer(
    name="minato",
    help="Minato: a platform for applications, on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for module in (platform, projects, apps, users):
    module.register(app)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 0, 1 for what went wrong, 2 for a wrong command line."""
    env.environment_restore()
    logs.configure()
    try:
        app(args=argv)
    except PaasError as error:
        sys.stderr.write(explain(error))
        return 1
    except SystemExit as end:
        return _code(end)
    return 0


def _code(end: SystemExit) -> int:
    if isinstance(end.code, str):
        sys.stderr.write(f"Error: {end.code}\n")
        return 1
    return int(end.code or 0)
