"""One call from the door: apply a patch of any kind and read the result as the kind's object."""

from paas.apimachinery.kinds import Kind
from paas.apimachinery.options import Patch, WriteOptions
from paas.apimachinery.patch.errors import patched_invalid
from paas.apimachinery.patch.plain import apply_json_patch, apply_merge_patch
from paas.apimachinery.patch.strategic import apply_strategic_merge_patch
from paas.apimachinery.schema import Schema
from paas.core.errors import BadRequestError
from paas.core.objects import ApiObject


def apply_patch(
    patch: Patch,
    obj: ApiObject,
    *,
    kind: Kind,
    schema: Schema,
    options: WriteOptions,
) -> ApiObject:
    """Return the patched, pruned object; `obj` is left as it is.

    Unknown fields, and those that the body had twice, become warnings or a 422 as
    `options.field_validation` says. Raises BadRequestError, InvalidError, RequestTooLargeError,
    UnsupportedMediaTypeError.
    """
    patched = _apply(patch, obj, kind, schema)
    faults = [f'duplicate field "{path}"' for path in patch.duplicates]
    if options.field_validation in {"Strict", "Warn"}:
        faults += [f'unknown field "{path}"' for path in schema.unknown_fields(patched)]
    try:
        pruned = schema.prune(patched)
    except BadRequestError as error:
        raise patched_invalid(patch.body, error.message) from error
    if faults and options.field_validation == "Strict":
        raise patched_invalid(patch.body, f"strict decoding error: {', '.join(faults)}")
    if options.field_validation == "Warn":
        options.warnings.extend(faults)
    return _of_its_kind(pruned, kind, patch)


def _of_its_kind(obj: ApiObject, kind: Kind, patch: Patch) -> ApiObject:
    """Name the type where the patch took it away; refuse another type, as upstream does."""
    have = obj.get("apiVersion") or kind.api_version, obj.get("kind") or kind.kind
    if have != (kind.api_version, kind.kind):
        why = f"unable to decode {have[0]}, Kind={have[1]} into {kind.api_version}, "
        raise patched_invalid(patch.body, f"{why}Kind={kind.kind}")
    obj["apiVersion"], obj["kind"] = have
    return obj


def _apply(patch: Patch, obj: ApiObject, kind: Kind, schema: Schema) -> ApiObject:
    if patch.kind == "json":
        return apply_json_patch(obj, patch.body)
    if patch.kind == "merge":
        return apply_merge_patch(obj, patch.body)
    if patch.kind == "strategic":
        return apply_strategic_merge_patch(obj, patch.body, schema)
    raise AssertionError(f"{kind.resource}: {patch.kind} is no patch of a document")
