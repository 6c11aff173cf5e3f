"""Scales what autoscalers target by what its pods use. Source: autoscaling/v2.

It looks at each at an interval, and at once where somebody has changed it. Anything that has a
Scale may be the target, whatever its kind. One worker: what is remembered needs no lock.
"""

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.apimachinery.kinds import Kind
from paas.core.errors import BadRequestError, MethodNotAllowedError, NotFoundError, PaasError
from paas.core.objects import ApiObject, ObjectKey, namespace_of
from paas.core.selectors import LabelSelector
from paas.core.shape import submap, text
from paas.core.usage import UsageSource
from paas.orchestration.controllers.autoscaler.pace import History
from paas.orchestration.controllers.autoscaler.plan import (
    Plan,
    Seen,
    not_rescaled,
    plan,
    rescaled,
    selector_of,
    without_scale,
)
from paas.orchestration.controllers.autoscaler.replicas import Settings

NAME = "horizontal-pod-autoscaler"
RESOURCE = "horizontalpodautoscalers.autoscaling"


class Autoscalers:
    """Reconciles one HorizontalPodAutoscaler per call."""

    def __init__(self, context: Context, usage: UsageSource, settings: Settings) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._scheme = context.door.scheme
        self._usage = usage
        self._settings = settings
        self._autoscalers = context.of(RESOURCE)
        self._pods = context.of("pods")
        self._histories: dict[ObjectKey, History] = {}
        self._selectors: dict[ObjectKey, LabelSelector] = {}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        source = Source(self._autoscalers, itself(RESOURCE), _is_another_wish)
        return Controller(NAME, self.reconcile, [source], reads=[self._pods])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Look at one autoscaler; return seconds until the next look."""
        hpa = self._autoscalers.find(key)
        if hpa is None:
            self._histories.pop(key, None)
            self._selectors.pop(key, None)
            return None
        history = self._histories.get(key, History())
        try:
            kind = self._target(hpa)
            scale = self._scale(kind, hpa)
        except (NotFoundError, MethodNotAllowedError) as error:
            done = without_scale(hpa, error.message, history, now=self._now())
        else:
            self._remember_selector(key, scale)
            seen = self._seen(key, hpa, scale)
            done = plan(seen, history, settings=self._settings, now=self._now())
            done = self._rescale(kind, seen, done)
        self._histories[key] = done.history
        self._tell(hpa, done)
        if done.status != submap(hpa, "status"):
            self._client.update_status({**hpa, "status": done.status})
        return self._settings.every_s

    def _target(self, hpa: ApiObject) -> Kind:
        """Return the kind that is scaled, in its stored version. Raises NotFoundError."""
        target = submap(hpa, "spec", "scaleTargetRef")
        version = text(target, "apiVersion")
        group, wanted = version.rpartition("/")[0], text(target, "kind")
        for kind in self._scheme:
            if (kind.group, kind.kind) == (group, wanted):
                return self._scheme.kind_of(kind.resource)
        raise NotFoundError(f'no matches for kind "{wanted}" in group "{group}"')

    def _scale(self, kind: Kind, hpa: ApiObject) -> ApiObject:
        """Return the target's Scale. Raises NotFoundError, in upstream's words."""
        if kind.scale is None:
            raise NotFoundError("the server could not find the requested resource")
        name = text(hpa, "spec", "scaleTargetRef", "name")
        try:
            return self._client.scale(kind.resource, name, namespace_of(hpa))
        except NotFoundError as error:
            resource = f"{kind.plural}/scale" + (f".{kind.group}" if kind.group else "")
            raise NotFoundError(f'{resource} "{name}" not found') from error

    def _remember_selector(self, key: ObjectKey, scale: ApiObject) -> None:
        self._selectors.pop(key, None)
        try:
            selector = selector_of(scale)
        except BadRequestError:  # the plan says so
            return
        if selector is not None:
            self._selectors[key] = selector

    def _seen(self, key: ObjectKey, hpa: ApiObject, scale: ApiObject) -> Seen:
        namespace = namespace_of(hpa)
        rivals = {
            other.name: selector
            for other, selector in self._selectors.items()
            if other != key and other.namespace == namespace
        }
        pods = self._pods.list(namespace)
        return Seen(hpa, scale, pods, self._usage.pods(namespace), rivals)

    def _rescale(self, kind: Kind, seen: Seen, done: Plan) -> Plan:
        if done.replicas is None:
            return done
        wanted = {**seen.scale, "spec": {**seen.scale["spec"], "replicas": done.replicas}}
        try:
            self._client.rescale(kind.resource, wanted)
        except PaasError as error:
            return not_rescaled(done, error.message, now=self._now())
        behavior = submap(seen.hpa, "spec").get("behavior")
        return rescaled(done, behavior, now=self._now())

    def _tell(self, hpa: ApiObject, done: Plan) -> None:
        for event in done.told:
            record = self._events.warning if event.is_warning else self._events.normal
            record(hpa, event.reason, event.message)


def _is_another_wish(old: ApiObject, new: ApiObject) -> bool:
    """Say whether somebody wants something else: what this controller writes is the status."""
    return submap(old, "spec") != submap(new, "spec")
