"""The ConfigChange trigger: a new BuildConfig that has it gets its first build.

Later changes start nothing. Source: OpenShift, "Build configuration change triggers": they "only
work when creating a new BuildConfig"; its controller manager, pkg/build/controller/buildconfig.
"""

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.builds.names import CONFIGS, PAUSED
from paas.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from paas.core.objects import ApiObject, ObjectKey, annotations_of, is_deleting, name_of
from paas.core.shape import maps, number, text
from paas.core.wellknown import GIT_REPOSITORY

NAME = "buildconfig-controller"
CONFIG_CHANGE = "ConfigChange"
AGAIN_S = 30.0
"""How long until a build that could not be started is tried again: its builder may come."""


class ConfigChanges:
    """Reconciles one BuildConfig per call."""

    def __init__(self, context: Context) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._configs = context.of(CONFIGS)

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(
            NAME, self.reconcile, [Source(self._configs, itself(CONFIGS), matters=_wish_changed)]
        )

    def reconcile(self, key: ObjectKey) -> float | None:
        """Start the first build; safe to repeat, for the number 0 is asked for in the request."""
        config = self._configs.find(key)
        if config is None or not wants_first_build(config):
            return None
        request = {
            "apiVersion": "build.openshift.io/v1",
            "kind": "BuildRequest",
            "metadata": {"name": key.name},
            "lastVersion": 0,
            "triggeredBy": [{"message": "Build configuration change"}],
        }
        try:
            self._client.connect(
                CONFIGS, key.name, key.namespace, subresource="instantiate", body=request
            )
        except ConflictError:  # somebody else was quicker
            return None
        except (InvalidError, ForbiddenError, NotFoundError) as error:
            words = f"The first build of {name_of(config)} could not be started: {error}"
            self._events.warning(config, "BuildConfigInstantiateFailed", words)
            return AGAIN_S
        return None


def controllers(context: Context) -> list[Controller]:
    """Return the controllers of this domain."""
    return [ConfigChanges(context).controller()]


def wants_first_build(config: ApiObject) -> bool:
    """Say whether a build is to be started now.

    A repository of ours is empty before its first push, and that push starts the build itself.
    """
    notes = annotations_of(config)
    return (
        any(text(one, "type") == CONFIG_CHANGE for one in maps(config, "spec", "triggers"))
        and not number(config, "status", "lastVersion")
        and notes.get(GIT_REPOSITORY) != "true"
        and notes.get(PAUSED, "").lower() != "true"
        and not is_deleting(config)
    )


def _wish_changed(old: ApiObject, new: ApiObject) -> bool:
    return bool(old["spec"] != new["spec"] or annotations_of(old) != annotations_of(new))
