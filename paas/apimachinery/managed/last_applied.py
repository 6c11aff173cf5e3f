"""The annotation of client-side apply, where `kubectl` goes over to server-side apply.

What it noted and what is still so in the object is taken for its own; as long as the annotation is
there it is kept true, so that people may go back.
Source: k8s.io/apimachinery/pkg/util/managedfields/internal/lastapplied{manager,updater}.go.
"""

import orjson

from paas.apimachinery.managed.compare import compare
from paas.apimachinery.managed.fields import FieldSet, difference, union
from paas.apimachinery.managed.reading import read_config
from paas.apimachinery.managed.shapes import Shape
from paas.apimachinery.managed.typed import fields_of
from paas.apimachinery.metadata import ANNOTATIONS_MAX_BYTES, annotations_size
from paas.apimachinery.sealing import LAST_APPLIED
from paas.core.objects import ApiObject, annotations_of


def claimed(shape: Shape, live: ApiObject) -> FieldSet:
    """Return the fields that client-side apply set and that still have its value; else none."""
    try:
        before = orjson.loads(annotations_of(live).get(LAST_APPLIED) or "null")
    except orjson.JSONDecodeError:
        return {}
    if type(before) is not dict or before.get("apiVersion") != live.get("apiVersion"):
        return {}
    config, faults = read_config(shape, before)
    if faults:
        return {}
    differs = compare(shape, config, live)
    changed = union(union(differs.modified, differs.added), differs.removed)
    return difference(fields_of(shape, config), changed)


def noted(obj: ApiObject, config: ApiObject) -> ApiObject:
    """Return the object with its annotation, if it has one, telling of this configuration.

    An annotation that would grow too long goes, as upstream lets it go.
    """
    annotations = annotations_of(obj)
    if not annotations.get(LAST_APPLIED):
        return obj
    metadata = dict(config.get("metadata") or {})
    others = {key: one for key, one in annotations_of(config).items() if key != LAST_APPLIED}
    if "annotations" in metadata:
        metadata["annotations"] = others
    text = orjson.dumps({**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode()
    noted_down = {**annotations, LAST_APPLIED: f"{text}\n"}
    if annotations_size(noted_down) > ANNOTATIONS_MAX_BYTES:
        del noted_down[LAST_APPLIED]
    return {**obj, "metadata": {**obj["metadata"], "annotations": noted_down}}
