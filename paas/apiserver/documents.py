"""JSON and YAML texts from strangers, read into plain values with bounds.

Refuses what has no place in JSON, what is nested too deep, and YAML whose aliases would blow up.
"""

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import orjson
import yaml

from paas.apiserver import limits
from paas.core.errors import BadRequestError


def parse_json(data: bytes) -> Any:
    """Return any JSON value. Raises BadRequestError."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"couldn't get version/kind; json parse error: {error}") from error
    if data.count(b"{") + data.count(b"[") > limits.DEPTH:
        _measure(value, nodes_max=len(data))
    return value


def parse_yaml(data: bytes) -> Any:
    """Return the JSON value of one YAML document. Raises BadRequestError."""
    try:
        value = yaml.load(data, Loader=_Loader)  # noqa: S506 -- a CSafeLoader, narrowed further
        _measure(value, nodes_max=limits.NODES)
        return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        text = " ".join(str(error).split())
        raise BadRequestError(f"error converting YAML to JSON: yaml: {text}") from error


def _measure(value: Any, *, nodes_max: int) -> None:
    """Refuse what is too deep or, aliases written out, too large. Does not recurse."""
    waiting = [(value, 1)]
    nodes = 0
    while waiting:
        one, depth = waiting.pop()
        nodes += 1
        if depth > limits.DEPTH:
            raise BadRequestError(f"the body is nested deeper than {limits.DEPTH} levels")
        if nodes > nodes_max:
            raise BadRequestError(f"the body holds more than {nodes_max} values")
        if isinstance(one, dict):
            waiting.extend((child, depth + 1) for child in one.values())
        elif isinstance(one, list):
            waiting.extend((child, depth + 1) for child in one)


class _Loader(yaml.CSafeLoader):
    """Reads YAML as Kubernetes does: no dates, no numbers to base 60, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a mapping that says a key twice."""
        counts = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        repeated = [key for key, count in counts.items() if count > 1 and key != "<<"]
        if repeated:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f'line {line}: key "{repeated[0]}" already set in map')
        return super().construct_mapping(node, deep=deep)


_TAG = "tag:yaml.org,2002:"
_REPLACED = frozenset({f"{_TAG}timestamp", f"{_TAG}int", f"{_TAG}float"})
_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag not in _REPLACED]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{_TAG}int",
    re.compile(r"(?:[-+]?0b[01_]+|[-+]?0[0-7_]*|[-+]?[1-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(
        r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?)$"
    ),
    list("-+0123456789."),
)
