"""Whether the rules of a schema may be: they compile, say something, and can be asked.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paas.apimachinery.custom.extensions import (
    LIST_TYPE,
    VALIDATIONS,
    JsonSchema,
    additional_of,
    as_resource,
    below,
    items_of,
    properties_of,
)
from paas.apimachinery.fielderrors import invalid, not_supported, required
from paas.core.errors import Cause

REASONS = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)


def rule_errors(schema: JsonSchema, path: str) -> list[Cause]:
    """Return every rule of a structural schema that may not be."""
    return list(_errors(as_resource(schema), path, ""))


def _errors(schema: JsonSchema, path: str, atomic: str) -> Iterator[Cause]:
    """Check here and below; `atomic` is the list above whose items have no old selves."""
    for place, rule in enumerate(schema.get(VALIDATIONS) or ()):
        yield from _rule_errors(rule, schema, f"{path}.{VALIDATIONS}[{place}]", atomic)
    for key, one in properties_of(schema).items():
        yield from _errors(one, f"{path}.properties[{key}]", atomic)
    others, items = additional_of(schema), items_of(schema)
    if others:
        yield from _errors(others, f"{path}.additionalProperties", atomic)
    if items is not None:
        inner = atomic or ("" if schema.get(LIST_TYPE) == "map" else path)
        yield from _errors(items, f"{path}.items", inner)


def _rule_errors(
    rule: Mapping[str, Any], schema: JsonSchema, path: str, atomic: str
) -> Iterator[Cause]:
    wrong = list(_word_errors(rule, path))
    wrong += _place_errors(rule, schema, path)
    yield from wrong or _compile_errors(rule, schema, path, atomic)


def _word_errors(rule: Mapping[str, Any], path: str) -> Iterator[Cause]:
    text, message = str(rule.get("rule") or ""), str(rule.get("message") or "")
    if not text.strip():
        yield required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield invalid(f"{path}.message", message, "must be non-empty if specified")
    elif _has_breaks(message.strip()):
        yield invalid(f"{path}.message", message, "must not contain line breaks")
    elif _has_breaks(text.strip()) and not message:
        why = "message must be specified if rule contains line breaks"
        yield required(f"{path}.message", why)
    said = str(rule.get("messageExpression") or "")
    if said and not said.strip():
        why = "messageExpression must be non-empty if specified"
        yield required(f"{path}.messageExpression", why)
    if (reason := rule.get("reason")) is not None and reason not in REASONS:
        yield not_supported(f"{path}.reason", reason, REASONS)


def _has_breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


def _place_errors(rule: Mapping[str, Any], schema: JsonSchema, path: str) -> Iterator[Cause]:
    place = str(rule.get("fieldPath") or "")
    at = f"{path}.fieldPath"
    if place and not place.strip():
        yield invalid(at, place, "must be non-empty if specified")
    elif _has_breaks(place):
        yield invalid(at, place, "must not contain line breaks")
    elif place and not _leads_somewhere(place, schema):
        yield invalid(at, place, "must be a valid path")


def _leads_somewhere(place: str, schema: JsonSchema) -> bool:
    if not place.startswith((".", "[")):
        return False
    steps = place.replace("['", ".").replace("']", "").removeprefix(".").split(".")
    found: JsonSchema | None = schema
    for step in steps:
        found = below(found, step) if found is not None else None
    return found is not None


def _compile_errors(
    rule: Mapping[str, Any], schema: JsonSchema, path: str, atomic: str
) -> Iterator[Cause]:
    # loaded here: a process that meets no rule pays nothing for the language
    from paas.apimachinery.custom.rules import language

    name, optional = language.type_name(schema), rule.get("optionalOldSelf")
    try:
        expression = language.compiled(str(rule["rule"]), name, "bool", optional_old=bool(optional))
    except language.ResultError:
        yield invalid(f"{path}.rule", rule, "cel expression must evaluate to a bool")
    except language.ExpressionError as error:
        yield invalid(f"{path}.rule", rule, str(error))
    else:
        if undefined := expression.undefined(str(rule["rule"]), schema):
            yield invalid(f"{path}.rule", rule, f"compilation failed: {undefined}")
        if expression.uses_old and atomic:
            why = "oldSelf cannot be used on the uncorrelatable portion of the schema within"
            yield invalid(f"{path}.rule", rule["rule"], f"{why} {atomic}")
        if optional is not None and not expression.uses_old:
            why = "may not be set if oldSelf is not used in rule"
            yield invalid(f"{path}.optionalOldSelf", optional, why)
    if said := rule.get("messageExpression"):
        yield from _message_errors(str(said), rule, schema, f"{path}.messageExpression")


def _message_errors(
    text: str, rule: Mapping[str, Any], schema: JsonSchema, path: str
) -> Iterator[Cause]:
    from paas.apimachinery.custom.rules import language

    name = language.type_name(schema)
    try:
        expression = language.compiled(text, name, "string")
        if undefined := expression.undefined(text, schema):
            raise language.ExpressionError(f"compilation failed: {undefined}")  # noqa: TRY301 -- as any other
    except language.ResultError:
        yield invalid(path, rule, "messageExpression must evaluate to a string")
    except language.ExpressionError as error:
        yield invalid(path, rule, f"messageExpression {error}")
