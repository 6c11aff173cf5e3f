"""What every command shares: the output formats, and JSON as scripts read it."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer


class Format(StrEnum):
    """How a command prints: for people or for scripts."""

    table = "table"
    json = "json"


Output = Annotated[Format, typer.Option("--output", "-o", help="How to print.")]


def print_json(value: Any) -> None:
    """Print JSON, indented, on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
