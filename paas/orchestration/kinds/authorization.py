"""authorization.k8s.io/v1: may I, may they, what may I. RBAC decides (`door.rbac`).

Source: k8s.io/kubernetes/pkg/apis/authorization/validation, pkg/registry/authorization.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from paas.apimachinery.fielderrors import invalid, required
from paas.apimachinery.kinds import Kind, WriteContext
from paas.core.actors import Actor
from paas.core.errors import Cause
from paas.core.objects import ApiObject, namespace_of
from paas.core.shape import Json, submap, text, values
from paas.orchestration.kinds.reviews import ONLY_CREATE, Review, any_name

if TYPE_CHECKING:
    from paas.apimachinery.rbac import Attributes, Rule

GROUP = "authorization.k8s.io"
_EITHER = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
_SOME = "at least one of user or group must be specified"


def _decided(context: WriteContext, actor: Actor, spec: Json) -> ApiObject:
    decision = context.door.rbac.allowed(actor, _attributes(spec))
    status: ApiObject = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    return status


def _attributes(spec: Json) -> "Attributes":
    # imported when asked: the evaluator needs Django to be set up, a declaration must not
    from paas.apimachinery.rbac import Attributes

    if spec.get("nonResourceAttributes") is not None:
        asked = submap(spec, "nonResourceAttributes")
        return Attributes(text(asked, "verb"), path=text(asked, "path"))
    asked = submap(spec, "resourceAttributes")
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Attributes(*(text(asked, field) for field in fields))


def _subject(spec: Json) -> Actor:
    extra = {key: tuple(many) for key, many in submap(spec, "extra").items()}
    groups = tuple(str(group) for group in values(spec, "groups"))
    return Actor(text(spec, "user"), groups, text(spec, "uid"), extra)


def _answer_self(context: WriteContext, obj: ApiObject) -> ApiObject:
    return _decided(context, context.actor, submap(obj, "spec"))


def _answer_subject(context: WriteContext, obj: ApiObject) -> ApiObject:
    spec = submap(obj, "spec")
    return _decided(context, _subject(spec), spec)


def _answer_rules(context: WriteContext, obj: ApiObject) -> ApiObject:
    rules = context.door.rbac.rules_for(context.actor, text(obj, "spec", "namespace"))
    return {
        "resourceRules": [_resource_rule(rule) for rule in rules if rule.resources],
        "nonResourceRules": [_path_rule(rule) for rule in rules if rule.paths],
        "incomplete": False,
    }


def _resource_rule(rule: "Rule") -> Json:
    body = {
        "verbs": sorted(rule.verbs),
        "apiGroups": sorted(rule.groups),
        "resources": sorted(rule.resources),
    }
    return {**body, "resourceNames": sorted(rule.names)} if rule.names else body


def _path_rule(rule: "Rule") -> Json:
    return {"verbs": sorted(rule.verbs), "nonResourceURLs": sorted(rule.paths)}


def _attributes_errors(obj: ApiObject) -> list[Cause]:
    spec = submap(obj, "spec")
    on_resource = spec.get("resourceAttributes") is not None
    on_path = spec.get("nonResourceAttributes") is not None
    if on_resource and on_path:
        shown = submap(spec, "nonResourceAttributes")
        why = "cannot be specified in combination with resourceAttributes"
        return [invalid("spec.nonResourceAttributes", shown, why)]
    if not on_resource and not on_path:
        return [invalid("spec.resourceAttributes", None, _EITHER)]
    return []


def _subject_errors(obj: ApiObject) -> list[Cause]:
    wrong = _attributes_errors(obj)
    if not text(obj, "spec", "user") and not values(obj, "spec", "groups"):
        wrong.append(invalid("spec.user", "", _SOME))
    return wrong


def _local_errors(obj: ApiObject) -> list[Cause]:
    wrong = _subject_errors(obj)
    if submap(obj, "spec").get("nonResourceAttributes") is not None:
        shown = submap(obj, "spec", "nonResourceAttributes")
        why = "disallowed on this kind of request"
        wrong.append(invalid("spec.nonResourceAttributes", shown, why))
    inside = text(obj, "spec", "resourceAttributes", "namespace")
    if inside != namespace_of(obj):
        why = "must match metadata.namespace"
        wrong.append(invalid("spec.resourceAttributes.namespace", inside, why))
    return wrong


def _rules_errors(obj: ApiObject) -> list[Cause]:
    return [] if text(obj, "spec", "namespace") else [required("spec.namespace")]


def _kind(
    name: str,
    answer: Callable[[WriteContext, ApiObject], ApiObject],
    rules: Callable[[ApiObject], list[Cause]],
    *,
    namespaced: bool = False,
) -> Kind:
    return Kind(
        group=GROUP,
        version="v1",
        kind=name,
        plural=f"{name.lower()}s",
        name_errors=any_name,
        schema=f"io.k8s.api.authorization.v1.{name}",
        namespaced=namespaced,
        verbs=ONLY_CREATE,
        generation=False,
        validate=rules,
        backend=Review(answer),
        audited=False,
    )


KINDS = (
    _kind("LocalSubjectAccessReview", _answer_subject, _local_errors, namespaced=True),
    _kind("SelfSubjectAccessReview", _answer_self, _attributes_errors),
    _kind("SelfSubjectRulesReview", _answer_rules, _rules_errors),
    _kind("SubjectAccessReview", _answer_subject, _subject_errors),
)
