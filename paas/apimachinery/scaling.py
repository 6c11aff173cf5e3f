"""The scale subresource: autoscaling/v1 Scale in front of any kind that names its `ScalePaths`."""

from typing import Any

from paas.apimachinery.kinds import Kind, ScalePaths
from paas.core.errors import BadRequestError, NotFoundError, PaasError
from paas.core.names import path_segment_errors
from paas.core.objects import ApiObject, dig, meta

SCALE = Kind(
    group="autoscaling",
    version="v1",
    kind="Scale",
    plural="scales",
    name_errors=path_segment_errors,
    schema="io.k8s.api.autoscaling.v1.Scale",
    verbs=(),
)
KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(kind: Kind, obj: ApiObject) -> ApiObject:
    """Return the object's Scale. Raises NotFoundError where the kind has none."""
    if kind.scale is None:
        raise NotFoundError("the server could not find the requested resource")
    selector = dig(obj, *kind.scale.selector) if kind.scale.selector else None
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta(obj)[key] for key in KEPT if key in meta(obj)},
        "spec": {"replicas": dig(obj, *kind.scale.spec_replicas) or 0},
        "status": {
            "replicas": dig(obj, *kind.scale.status_replicas) or 0,
            **({"selector": text} if (text := selector_text(selector)) else {}),
        },
    }


def shown_scale(kind: Kind, obj: ApiObject) -> ApiObject:
    """Return `scale_of`, for somebody who asks for it. Raises PaasError where it would be made up.

    Only a custom resource can be without the number that its definition points to.
    """
    scale = scale_of(kind, obj)
    if kind.declared_by and kind.scale and dig(obj, *kind.scale.spec_replicas) is None:
        path = ".".join(("", *kind.scale.spec_replicas))
        raise PaasError(f'Internal error occurred: the spec replicas field "{path}" does not exist')
    return scale


def scaled(kind: Kind, obj: ApiObject, scale: ApiObject) -> ApiObject:
    """Return a copy of the object with the Scale's replicas. Raises BadRequestError."""
    if kind.scale is None:
        raise NotFoundError("the server could not find the requested resource")
    replicas = dig(scale, "spec", "replicas") or 0
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise BadRequestError("spec.replicas must be a whole number")
    version = meta(scale).get("resourceVersion") or meta(obj)["resourceVersion"]
    new = {**obj, "metadata": {**meta(obj), "resourceVersion": version}}
    return with_replicas(kind.scale, new, replicas)


def with_replicas(paths: ScalePaths, obj: ApiObject, replicas: int) -> ApiObject:
    """Return a copy of an object, or of a part of one, with this number of replicas."""
    return _with(obj, paths.spec_replicas, replicas)


def selector_text(selector: Any) -> str:
    """Return a label selector (or a Service's map) as a query string spells it, if it is none."""
    if isinstance(selector, str):
        return selector
    if not isinstance(selector, dict):
        return ""
    plain = selector if "matchLabels" not in selector and "matchExpressions" not in selector else {}
    terms = [
        f"{key}={value}"
        for key, value in sorted({**plain, **(selector.get("matchLabels") or {})}.items())
    ]
    return ",".join(terms + [_expression(one) for one in selector.get("matchExpressions") or ()])


def _expression(term: dict[str, Any]) -> str:
    key, operator = term["key"], term["operator"]
    if operator in {"Exists", "DoesNotExist"}:
        return key if operator == "Exists" else f"!{key}"
    values = ",".join(sorted(term.get("values") or ()))
    return f"{key} {'in' if operator == 'In' else 'notin'} ({values})"


def _with(obj: ApiObject, path: tuple[str, ...], value: object) -> ApiObject:
    first, *rest = path
    if not rest:
        return {**obj, first: value}
    return {**obj, first: _with(obj.get(first) or {}, tuple(rest), value)}
