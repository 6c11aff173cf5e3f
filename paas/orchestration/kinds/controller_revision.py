"""apps/v1 ControllerRevision: what a controller remembers of a template, for a way back.

Source: k8s.io/kubernetes/pkg/{apis/apps/validation,registry/apps/controllerrevision}.
"""

from paas.apimachinery.columns import AGE, NAME, NONE
from paas.apimachinery.fielderrors import immutable, not_negative, required
from paas.apimachinery.kinds import Column, Kind
from paas.core.errors import Cause
from paas.core.names import subdomain_errors
from paas.core.objects import ApiObject, controller_of
from paas.core.shape import number, text


def _errors(obj: ApiObject) -> list[Cause]:
    wrong = not_negative("revision", number(obj, "revision"))
    if obj.get("data") is None:
        return [*wrong, required("data", "data is mandatory")]
    if not isinstance(obj["data"], dict):
        return [*wrong, required("data", "data must be a valid JSON object")]
    return wrong


def _update_errors(new: ApiObject, old: ApiObject) -> list[Cause]:
    return immutable("data", new.get("data"), old.get("data"))


def _controller(obj: ApiObject) -> str:
    owner = controller_of(obj)
    if owner is None:
        return NONE
    group = text(owner, "apiVersion").rpartition("/")[0]
    kind = text(owner, "kind").lower()
    return f"{kind}.{group}/{owner['name']}" if group else f"{kind}/{owner['name']}"


CONTROLLER_REVISION = Kind(
    group="apps",
    version="v1",
    kind="ControllerRevision",
    plural="controllerrevisions",
    name_errors=subdomain_errors,
    schema="io.k8s.api.apps.v1.ControllerRevision",
    validate=_errors,
    validate_update=_update_errors,
    columns=(
        NAME,
        Column("Controller", _controller, description="What controls the object."),
        Column("Revision", lambda obj: number(obj, "revision") or 0, "string"),
        AGE,
    ),
)
KINDS = (CONTROLLER_REVISION,)
