"""serviceaccounts/token: a TokenRequest is answered with a token, bound to a pod if it asks so.

Source: authentication.k8s.io/v1 TokenRequest; k8s.io/kubernetes/pkg/registry/core/serviceaccount.
"""

from datetime import UTC, datetime, timedelta

from paas.apimachinery.fielderrors import invalid, shown
from paas.apimachinery.kinds import WriteContext
from paas.apimachinery.service_accounts import (
    DEFAULT_TTL_S,
    ISSUER,
    MAXIMUM_TTL_S,
    MINIMUM_TTL_S,
)
from paas.core.actors import platform_actor
from paas.core.errors import BadRequestError, Cause, ConflictError, InvalidError
from paas.core.objects import ApiObject, ObjectKey, timestamp, uid_of
from paas.core.shape import Json, number, submap, text, values

ACTOR = platform_actor("token-requests")
_ASKED_MAX_S = 1 << 32


def token_request(context: WriteContext, key: ObjectKey, body: ApiObject) -> ApiObject:
    """Return the request with `status.token`, which a dry run leaves empty.

    A life longer than we give is shortened, and said so, as upstream's
    `--service-account-max-token-expiration` does it.
    Raises InvalidError, NotFoundError, ConflictError.
    """
    spec = submap(body, "spec")
    ttl_s = number(spec, "expirationSeconds") or DEFAULT_TTL_S
    if wrong := lifetime_errors(ttl_s):
        words = f"TokenRequest.authentication.k8s.io {shown(key.name)} is invalid: "
        raise InvalidError(
            words + ", ".join(f"{cause.field}: {cause.message}" for cause in wrong), causes=wrong
        )
    ttl_s = min(ttl_s, MAXIMUM_TTL_S)
    audiences = [str(one) for one in values(spec, "audiences")] or [ISSUER]
    account = context.door.get(ACTOR, "serviceaccounts", key.name, key.namespace)
    pod = _bound_pod(context, key, submap(spec, "boundObjectRef"))
    now = datetime.now(UTC)
    token = ""
    if not context.dry_run:
        token = context.door.account_tokens.issue(
            ObjectKey("serviceaccounts", key.namespace, key.name, uid_of(account)),
            audiences=audiences,
            now=now,
            ttl_s=ttl_s,
            pod=pod,
        )
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {**spec, "audiences": audiences, "expirationSeconds": ttl_s},
        "status": {
            "token": token,
            "expirationTimestamp": timestamp(now + timedelta(seconds=ttl_s)),
        },
    }


def lifetime_errors(ttl_s: int) -> list[Cause]:
    """Return the rule that a token's lifetime breaks."""
    path = "spec.expirationSeconds"
    if ttl_s < MINIMUM_TTL_S:
        return [invalid(path, ttl_s, "may not specify a duration less than 10 minutes")]
    if ttl_s > _ASKED_MAX_S:
        return [invalid(path, ttl_s, "may not specify a duration larger than 2^32 seconds")]
    return []


def _bound_pod(context: WriteContext, key: ObjectKey, reference: Json) -> ObjectKey | None:
    if not reference:
        return None
    kind, name, uid = text(reference, "kind"), text(reference, "name"), text(reference, "uid")
    if kind != "Pod":
        raise BadRequestError(
            f"cannot bind token to object of type {text(reference, 'apiVersion')}, Kind={kind}",
            hint="Tokens can be bound to a Pod.",
        )
    pod = context.door.get(ACTOR, "pods", name, key.namespace)
    if uid and uid != uid_of(pod):
        raise ConflictError(
            f"Operation cannot be fulfilled on pods {shown(name)}: the UID in the bound object "
            f"reference ({uid}) does not match the UID in record. The object might have been "
            "deleted and then recreated"
        )
    if text(pod, "spec", "serviceAccountName") != key.name:
        raise BadRequestError(
            f"cannot bind token for serviceaccount {shown(key.name)} to pod running with "
            f"different serviceaccount name."
        )
    return ObjectKey("pods", key.namespace, name, uid_of(pod))
