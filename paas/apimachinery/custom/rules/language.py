"""Compiles expressions. Each is compiled once in a process, for the type that `self` has.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import (
    ext_bindings,
    ext_encoders,
    ext_math,
    ext_optional,
    ext_strings,
)

from paas.apimachinery.custom.extensions import INT_OR_STRING, JsonSchema, additional_of, items_of
from paas.apimachinery.custom.rules.fields import Undefined, undefined_fields
from paas.apimachinery.custom.rules.functions import declarations

EXPRESSION_MAX = 16 * 1024
"""Characters of one expression: the longest that are written are far below."""
_COMPILED = 4096
_OLD = "minato_old_self"
_OPTIONAL = (
    f"cel.bind(oldSelf, {_OLD}.size() == 0 ? optional.none() : optional.of({_OLD}[0]), (%s\n))"
)
_SCALARS = {"string": "string", "integer": "int", "number": "double", "boolean": "bool"}
_FORMATS = {
    "date": "timestamp",
    "date-time": "timestamp",
    "datetime": "timestamp",
    "duration": "duration",
    "byte": "bytes",
}
_NAMED = {
    "string": cel.Type.STRING,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "bool": cel.Type.BOOL,
    "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION,
    "bytes": cel.Type.BYTES,
    "list": cel.Type.LIST,
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "dyn": cel.Type.DYN,
}


class ExpressionError(ValueError):
    """An expression that does not compile, or fails; the text is the library's."""


class BudgetError(ExpressionError):
    """An expression that goes round too often."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Safe to use from many threads."""

    program: cel.Expression
    uses_old: bool = False
    optional_old: bool = False

    def undefined(self, text: str, schema: JsonSchema) -> str:
        """Return what the compiler says of fields that the schema of `self` does not have."""
        scope = {"self": schema}
        if not self.optional_old:
            scope["oldSelf"] = schema
        found = undefined_fields(self.program.serialize(), scope)
        return "\n".join(_undefined(one, text) for one in found)

    def evaluate(self, value: Any, olds: list[Any]) -> Any:
        """Return what it makes of `self`; `olds` has the old self, or nothing.

        Raises BudgetError, ExpressionError.
        """
        data: dict[str, Any] = {"self": value}
        if self.optional_old:
            data[_OLD] = olds
        elif self.uses_old:
            data["oldSelf"] = olds[0]
        try:
            found = self.program.eval(data=data)
        except RuntimeError as error:
            raise BudgetError(str(error)) from error
        if found.type() == cel.Type.ERROR:
            raise ExpressionError(str(found.value()))
        return found.plain_value()


def type_name(schema: JsonSchema) -> str:
    """Return what the type of a schema's values is called here: `int`, `list<string>`, `map`."""
    if schema.get(INT_OR_STRING):
        return "dyn"
    kind = str(schema.get("type") or "")
    if kind == "string":
        return _FORMATS.get(str(schema.get("format") or ""), "string")
    if kind == "array":
        items = items_of(schema)
        inner = type_name(items) if items is not None else "dyn"
        return f"list<{inner}>" if inner in _NAMED else "list"
    if kind == "object":
        others = additional_of(schema)
        inner = type_name(others) if others else "dyn"
        return f"map<{inner}>" if inner in _NAMED and inner != "dyn" else "map"
    return _SCALARS.get(kind, "dyn")


def _type(name: str) -> cel.Type:
    kind, _, rest = name.partition("<")
    if not rest:
        return _NAMED[name]
    inner = _NAMED[rest.removesuffix(">")]
    return cel.Type.List(inner) if kind == "list" else cel.Type.Map(cel.Type.STRING, inner)


@cache
def _environment(self_type: str, mode: str) -> cel.Env:
    """Return the environment; `mode` is "" (no oldSelf), "old" or "optional"."""
    variables = {"self": _type(self_type)}
    if mode == "old":
        variables["oldSelf"] = _type(self_type)
    elif mode == "optional":
        variables[_OLD] = cel.Type.List(_type(self_type))
    return cel.NewEnv(
        variables=variables,
        extensions=[
            ext_strings.ExtStrings(),
            ext_bindings.ExtBindings(),
            ext_optional.ExtOptional(),
            ext_math.ExtMath(),
            ext_encoders.ExtEncoders(),
            # last: it adds overloads to functions that the others declare
            cel.CelExtension("kubernetes", declarations()),
        ],
    )


@lru_cache(maxsize=_COMPILED)
def compiled(text: str, self_type: str, result: str, *, optional_old: bool = False) -> Expression:
    """Return a compiled expression whose result is `bool` or `string`. Raises ExpressionError."""
    if len(text) > EXPRESSION_MAX:
        raise ExpressionError(
            f"compilation failed: ERROR: <input>:-1:0: expression code point size exceeds limit: "
            f"size: {len(text)}, limit {EXPRESSION_MAX}"
        )
    try:
        return _checked(Expression(_compile(text, self_type, "")), result)
    except ExpressionError as error:
        if "oldSelf" not in text:
            raise ExpressionError(f"compilation failed: {error}") from error
    mode = "optional" if optional_old else "old"
    try:
        program = _compile(_OPTIONAL % text if optional_old else text, self_type, mode)
    except ExpressionError as error:
        raise ExpressionError(f"compilation failed: {error}") from error
    return _checked(Expression(program, uses_old=True, optional_old=optional_old), result)


def _compile(text: str, self_type: str, mode: str) -> cel.Expression:
    try:
        return _environment(self_type, mode).compile(text)
    except RuntimeError as error:
        raise ExpressionError(_words(error)) from error


def _words(error: RuntimeError) -> str:
    """Return the compiler's text without the status that the library puts around it."""
    return str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")


def _checked(expression: Expression, result: str) -> Expression:
    made = expression.program.return_type()
    if made != _NAMED[result] and made != cel.Type.DYN:  # types have no hash
        raise ResultError(result)
    return expression


def _undefined(field: Undefined, text: str) -> str:
    """Return the compiler's words, with the line and the place. Source: cel-go, common/error.go."""
    before = text[: field.offset]
    line, column = before.count("\n") + 1, field.offset - (before.rfind("\n") + 1)
    shown = (text.splitlines() or [""])[line - 1] if line <= len(text.splitlines()) else ""
    where = f"ERROR: <input>:{line}:{column + 1}: undefined field '{field.name}'"
    return f"{where}\n | {shown}\n | {'.' * column}^"


class ResultError(ValueError):
    """An expression that makes something else than it should: a number, say, instead of a bool."""
