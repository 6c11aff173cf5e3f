"""Messages whose JSON is not an object of their fields: times, quantities, raw JSON and so on.

Source: the MarshalJSON methods of k8s.io/apimachinery and k8s.io/apiextensions-apiserver.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from paas.apimachinery.protobuf.wire import malformed
from paas.core.objects import micro_timestamp, parse_timestamp, timestamp

_META = "apimachinery.pkg.apis.meta.v1"
_EXTENSIONS = "apiextensions_apiserver.pkg.apis.apiextensions.v1"
QUANTITY = "apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "apimachinery.pkg.util.intstr.IntOrString"
TIME = f"{_META}.Time"
MICRO_TIME = f"{_META}.MicroTime"
RAW = frozenset(
    {"apimachinery.pkg.runtime.RawExtension", f"{_META}.FieldsV1", f"{_EXTENSIONS}.JSON"}
)
LISTS = frozenset(
    {
        f"{_META}.Verbs",
        "api.authentication.v1.ExtraValue",
        "api.authorization.v1.ExtraValue",
        "api.certificates.v1.ExtraValue",
    }
)
CHOICES = {
    f"{_EXTENSIONS}.JSONSchemaPropsOrArray": "jSONSchemas",
    f"{_EXTENSIONS}.JSONSchemaPropsOrBool": "allows",
    f"{_EXTENSIONS}.JSONSchemaPropsOrStringArray": "property",
}
"""Either a schema (member `schema`) or what the member named here holds."""
NAMES = RAW | LISTS | CHOICES.keys() | {QUANTITY, INT_OR_STRING, TIME, MICRO_TIME}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRING = 1


def to_json(name: str, fields: dict[str, Any]) -> Any:
    """Return the JSON value of a special message from its decoded fields; None where unset.

    Raw JSON is not handled here: it needs its bytes.
    """
    if name == QUANTITY:
        return fields.get("string") or "0"
    if name == INT_OR_STRING:
        text = fields.get("type") == _STRING
        return fields.get("strVal", "") if text else fields.get("intVal", 0)
    if name in LISTS:
        return fields.get("items", [])
    if name in CHOICES:
        return fields["schema"] if "schema" in fields else fields.get(CHOICES[name], False)
    return _moment(fields, micro=name == MICRO_TIME)


def _moment(fields: dict[str, Any], *, micro: bool) -> str | None:
    seconds, nanos = fields.get("seconds", 0), fields.get("nanos", 0)
    if not seconds and not nanos:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise malformed("a time is out of range") from None
    return micro_timestamp(moment) if micro else timestamp(moment)


def raw_to_json(raw: bytes) -> Any:
    """Return the value of raw JSON; None where there is none."""
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise malformed("an embedded object is not JSON") from None


def from_json(name: str, value: Any) -> dict[str, Any]:
    """Return the fields of a special message from its JSON value. Raises ValueError, TypeError."""
    if name == QUANTITY:
        return {"string": str(value)}
    if name == INT_OR_STRING:
        if isinstance(value, str):
            return {"type": _STRING, "strVal": value}
        return {"type": 0, "intVal": value}
    if name in LISTS:
        return {"items": value}
    if name in CHOICES:
        return _choice(name, value)
    past = parse_timestamp(value) - _EPOCH
    return {"seconds": past.days * 86400 + past.seconds, "nanos": past.microseconds * 1000}


def _choice(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        # upstream's decoder of JSONSchemaPropsOrBool takes a schema as allowed
        allowed = {"allows": True} if CHOICES[name] == "allows" else {}
        return {**allowed, "schema": value}
    return {CHOICES[name]: value}
