"""Holds an object against the rules of its schema.

A rule that names `oldSelf` is asked on update only, and only where the old value can be found; one
that does not is not held against what has not changed. All rules of one write together have
`CPU_S` seconds of processor time.
Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from paas.apimachinery.custom.extensions import (
    VALIDATIONS,
    JsonSchema,
    additional_of,
    as_resource,
    items_of,
    properties_of,
)
from paas.apimachinery.custom.validation import NOWHERE, ROOT, old_field, old_items
from paas.apimachinery.fielderrors import duplicate, forbidden, invalid, invalid_whole, required
from paas.apimachinery.patch.values import same
from paas.core.errors import Cause

CPU_S = 1.0
MESSAGE_MAX = 5 * 1024
_EXHAUSTED = (
    "validation failed due to running out of cost budget, no further validation rules will be run"
)
_MISSING = re.compile(r'Key not found in map ?: "?(?P<key>[^"]*)"?')


class _ExhaustedError(Exception):
    """The rules of this write have had their time."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.message)
        self.cause = cause


@dataclass(slots=True)
class _Clock:
    """Counts the processor time of this thread, so that a busy machine refuses nobody."""

    started: float = field(default_factory=time.thread_time)

    def check(self, path: str, schema: JsonSchema) -> None:
        """Raise _ExhaustedError once the time is over."""
        if time.thread_time() - self.started > CPU_S:
            raise _ExhaustedError(_typed(path, schema, _EXHAUSTED))


def has_rules(schema: JsonSchema) -> bool:
    """Say whether a schema has rules anywhere that counts."""
    inner = [items_of(schema), additional_of(schema), *properties_of(schema).values()]
    return bool(schema.get(VALIDATIONS)) or any(has_rules(one) for one in inner if one)


def validation_errors(
    value: Any, schema: JsonSchema, path: str = "", old: Any = NOWHERE, *, is_root: bool = True
) -> list[Cause]:
    """Return what the rules have against a value that its schema allows."""
    found: list[Cause] = []
    try:
        whole = as_resource(schema) if is_root else schema
        found += _errors(value, whole, path, old, _Clock())
    except _ExhaustedError as error:
        found.append(error.cause)
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """A value as its rules see it. `frozen` says that it, or something above, has not changed."""

    value: Any
    schema: JsonSchema
    path: str
    shown: Any
    olds: list[Any]
    frozen: bool


def _errors(
    value: Any, schema: JsonSchema, path: str, old: Any, clock: _Clock, *, frozen: bool = False
) -> Iterator[Cause]:
    """Yield what is broken here and below."""
    if value is None:
        return
    frozen = frozen or (old is not NOWHERE and same(value, old))
    if rules := schema.get(VALIDATIONS):
        node = _seen(value, schema, path, old, frozen=frozen)
        for rule in rules:
            clock.check(path, schema)
            yield from _rule_errors(rule, node)
    for key, one, inner, before in _below(value, schema, old):
        yield from _errors(
            one, inner, path + key if path else key.removeprefix("."), before, clock, frozen=frozen
        )


def _seen(value: Any, schema: JsonSchema, path: str, old: Any, *, frozen: bool) -> _Seen:
    # loaded here: a process that meets no rule pays nothing for the language
    from paas.apimachinery.custom.rules.values import seen

    olds = [] if old is NOWHERE or old is None else [seen(old, schema)]
    return _Seen(value, schema, path, seen(value, schema), olds, frozen)


def _below(value: Any, schema: JsonSchema, old: Any) -> Iterator[tuple[str, Any, JsonSchema, Any]]:
    """Yield the step to each part of a value, the part, its schema and its old self."""
    if isinstance(value, list) and (items := items_of(schema)) is not None:
        find = old_items(schema, old)
        for place, one in enumerate(value):
            yield f"[{place}]", one, items, find(one)
    elif isinstance(value, dict):
        known, others = properties_of(schema), additional_of(schema)
        for key, one in value.items():
            if key in known:
                yield f".{key}", one, known[key], old_field(old, key)
            elif others is not None:
                yield f"[{key}]", one, others, old_field(old, key)


def _rule_errors(rule: Mapping[str, Any], node: _Seen) -> Iterator[Cause]:
    from paas.apimachinery.custom.rules import language

    name, optional = language.type_name(node.schema), bool(rule.get("optionalOldSelf"))
    try:
        expression = language.compiled(rule["rule"], name, "bool", optional_old=optional)
    except ValueError as error:
        yield _typed(node.path, node.schema, f"rule compile error: {error}")
        return
    skipped = node.frozen if not expression.uses_old else not node.olds and not optional
    if skipped:
        return
    try:
        if expression.evaluate(node.shown, node.olds) is True:
            return
    except language.BudgetError as error:
        why = "no further validation rules will be run due to call cost exceeds limit for rule"
        cause = _typed(node.path, node.schema, f"'{error}': {why}: {_named(rule)}")
        raise _ExhaustedError(cause) from error
    except language.ExpressionError as error:
        yield _typed(node.path, node.schema, _failure(str(error), rule))
        return
    yield _broken(rule, node, _message(rule, node, name))


def _typed(path: str, schema: JsonSchema, why: str) -> Cause:
    return invalid(path or ROOT, schema.get("type") or "", why)


def _named(rule: Mapping[str, Any]) -> str:
    return str(rule.get("message") or rule["rule"]).strip()


def _failure(said: str, rule: Mapping[str, Any]) -> str:
    """Return why a rule could not be evaluated, in the words of upstream's library."""
    if (missing := _MISSING.search(said)) is not None:
        return f"no such key: {missing['key']} evaluating rule: {_named(rule)}"
    if "No matching overloads found" in said:
        why = "call arguments did not match a supported operator, function or macro signature"
        return f"'no such overload': {why} for rule: {_named(rule)}"
    _, _, words = said.partition(": ")
    return f"{words or said} evaluating rule: {_named(rule)}"


def _message(rule: Mapping[str, Any], node: _Seen, name: str) -> str:
    if rule.get("messageExpression") and (said := _said(rule["messageExpression"], node, name)):
        return said
    message = str(rule.get("message") or "").strip()
    return message or f"failed rule: {rule['rule'].strip()}"


def _said(text: str, node: _Seen, name: str) -> str:
    """Return what a messageExpression says; nothing where it fails or says what may not be said."""
    from paas.apimachinery.custom.rules import language

    try:
        expression = language.compiled(text, name, "string")
        if expression.uses_old and not node.olds:
            return ""
        said = expression.evaluate(node.shown, node.olds)
    except ValueError:
        return ""
    clean = said.strip() if isinstance(said, str) else ""
    return clean if len(clean.encode()) <= MESSAGE_MAX and "\n" not in clean else ""


def _broken(rule: Mapping[str, Any], node: _Seen, why: str) -> Cause:
    at = _field_path(node.path, str(rule.get("fieldPath") or ""))
    reason = rule.get("reason") or "FieldValueInvalid"
    kind = node.schema.get("type")
    is_whole = kind in {"object", "array"}
    if reason == "FieldValueForbidden":
        return forbidden(at, why)
    if reason == "FieldValueRequired":
        return required(at, why)
    if reason == "FieldValueDuplicate":
        return duplicate(at, kind if is_whole else node.value)
    return invalid_whole(at, why) if is_whole else invalid(at, node.value, why)


def _field_path(path: str, below: str) -> str:
    if not below:
        return path or ROOT
    below = re.sub(r"\['([^']*)'\]", r".\1", below)
    return f"{path}{below}" if path else below.removeprefix(".")
