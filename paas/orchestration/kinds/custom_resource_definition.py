"""apiextensions.k8s.io/v1 CustomResourceDefinition.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1 and
pkg/registry/customresourcedefinition.
"""

from paas.apimachinery.custom.kinds import GROUP, TERMINATING
from paas.apimachinery.custom.raw import PROPS, read_open_parts
from paas.apimachinery.kinds import Column, Kind, WriteContext
from paas.apimachinery.schema import handling_error
from paas.apimachinery.schema.scalars import DecodeError
from paas.core.conditions import condition_of, set_condition
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, meta, name_of, parse_timestamp
from paas.core.shape import default, ensure, maps, submap, text
from paas.orchestration.kinds.definition_rules import (
    definition_create_errors,
    definition_errors,
    definition_update_errors,
)

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_DEFINITION = PROPS.replace("JSONSchemaProps", "CustomResourceDefinition")


def _prepare_create(obj: ApiObject, _: WriteContext) -> None:
    _read_schemas(obj)
    obj["status"] = {"acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}
    _note_storage(obj)


def _prepare_update(new: ApiObject, _: ApiObject, __: WriteContext) -> None:
    _read_schemas(new)
    _note_storage(new)


def _read_schemas(obj: ApiObject) -> None:
    try:
        for version in maps(obj, "spec", "versions"):
            read_open_parts(submap(version, "schema", "openAPIV3Schema"))
    except DecodeError as error:
        raise handling_error(CUSTOM_RESOURCE_DEFINITION, error.text) from error


def _note_storage(obj: ApiObject) -> None:
    """Remember in which versions objects may be stored."""
    stored = ensure(obj, "status").setdefault("storedVersions", [])
    for version in maps(obj, "spec", "versions"):
        if version.get("storage") and text(version, "name") not in stored:
            stored.append(text(version, "name"))
            return


def _default(obj: ApiObject) -> None:
    names = ensure(obj, "spec", "names")
    if kind := text(names, "kind"):
        default(names, "singular", kind.lower())
        default(names, "listKind", f"{kind}List")
    default(ensure(obj, "spec"), "conversion", {"strategy": "None"})


def _mark_deleting(obj: ApiObject) -> None:
    """Keep it until its objects are gone; a second delete changes nothing of that."""
    status = ensure(obj, "status")
    if condition_of(status, TERMINATING) is not None:
        return
    finalizers = meta(obj).setdefault("finalizers", [])
    if CLEANUP not in finalizers:
        finalizers.append(CLEANUP)
    set_condition(
        status,
        kind=TERMINATING,
        value=True,
        reason="InstanceDeletionPending",
        message=(
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        ),
        now=parse_timestamp(meta(obj)["deletionTimestamp"]),
    )


def _validate(obj: ApiObject) -> list[Cause]:
    wrong = definition_errors(obj)
    return wrong if meta(obj).get("resourceVersion") else [*wrong, *definition_create_errors(obj)]


CUSTOM_RESOURCE_DEFINITION = Kind(
    group=GROUP,
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    name_errors=subdomain_errors,
    schema=_DEFINITION,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    namespaced=False,
    status=True,
    default=_default,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_update=definition_update_errors,
    mark_deleting=_mark_deleting,
    columns=(
        Column("Name", name_of, format="name", description="The name: plural and group."),
        Column(
            "Created At",
            lambda obj: text(obj, "metadata", "creationTimestamp"),
            description="When it was created.",
            announced="date",
        ),
    ),
)

KINDS = (CUSTOM_RESOURCE_DEFINITION,)
