"""authentication.k8s.io/v1: who am I, and whose token is this.

Source: k8s.io/kubernetes/pkg/registry/authentication.
"""

from paas.apimachinery.fielderrors import required
from paas.apimachinery.kinds import Kind, WriteContext
from paas.apimachinery.service_accounts import ISSUER
from paas.core.actors import Actor
from paas.core.errors import Cause, UnauthorizedError
from paas.core.objects import ApiObject
from paas.core.shape import Json, text, values
from paas.orchestration.kinds.reviews import ONLY_CREATE, Review, any_name
from paas.orchestration.kinds.seams import token_reviewer

GROUP = "authentication.k8s.io"


def user_info(actor: Actor) -> Json:
    """Return an actor as authentication.k8s.io/v1 UserInfo."""
    body: Json = {"username": actor.name}
    if actor.uid:
        body["uid"] = actor.uid
    if actor.groups:
        body["groups"] = list(actor.groups)
    if actor.extra:
        body["extra"] = {key: list(many) for key, many in actor.extra.items()}
    return body


def _answer_self(context: WriteContext, _: ApiObject) -> ApiObject:
    return {"userInfo": user_info(context.actor)}


def _answer_token(_: WriteContext, obj: ApiObject) -> ApiObject:
    wanted = [str(one) for one in values(obj, "spec", "audiences")]
    if wanted and ISSUER not in wanted:
        return _unknown(f"token audiences do not intersect {wanted}")
    try:
        actor = token_reviewer().authenticate(text(obj, "spec", "token"))
    except UnauthorizedError as error:
        return _unknown(error.message)
    status: ApiObject = {"authenticated": True, "user": user_info(actor)}
    return {**status, "audiences": [ISSUER]} if wanted else status


def _unknown(why: str) -> ApiObject:
    return {"authenticated": False, "error": why, "user": {}}


def _token_errors(obj: ApiObject) -> list[Cause]:
    return [] if text(obj, "spec", "token") else [required("spec.token")]


SELF_SUBJECT_REVIEW = Kind(
    group=GROUP,
    version="v1",
    kind="SelfSubjectReview",
    plural="selfsubjectreviews",
    name_errors=any_name,
    schema="io.k8s.api.authentication.v1.SelfSubjectReview",
    namespaced=False,
    verbs=ONLY_CREATE,
    generation=False,
    backend=Review(_answer_self),
    audited=False,
)
TOKEN_REVIEW = Kind(
    group=GROUP,
    version="v1",
    kind="TokenReview",
    plural="tokenreviews",
    name_errors=any_name,
    schema="io.k8s.api.authentication.v1.TokenReview",
    namespaced=False,
    verbs=ONLY_CREATE,
    generation=False,
    validate=_token_errors,
    backend=Review(_answer_token),
    audited=False,
)
KINDS = (SELF_SUBJECT_REVIEW, TOKEN_REVIEW)
