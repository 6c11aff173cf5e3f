"""ServiceAccount: every pod runs as an account of its project and is given that account's token.

Source: k8s.io/kubernetes/plugin/pkg/admission/serviceaccount.
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.lookups import ACTOR, find, refusal
from paas.core.errors import AlreadyExistsError
from paas.core.names import generated_name
from paas.core.objects import ApiObject, annotations_of
from paas.core.shape import Json, ensure, maps, text
from paas.orchestration.podspec.defaults import FILE_MODE

DEFAULT_ACCOUNT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
VOLUME_PREFIX = "kube-api-access-"
ROOT_CA = "kube-root-ca.crt"
TOKEN_EXPIRY_S = 3607
MIRROR = "kubernetes.io/config.mirror"


class ServiceAccount(AdmissionPlugin):
    """Sets the account of new pods, mounts its token and adds its pull secrets."""

    name = "ServiceAccount"
    reads = frozenset({"serviceaccounts"})
    resources = frozenset({"pods"})

    def admit(self, request: AdmissionRequest) -> None:
        """Fill in the account. Raises ForbiddenError where it does not exist."""
        pod = request.obj
        if request.operation != "CREATE" or pod is None:
            return
        if MIRROR in annotations_of(pod):
            raise refusal(request, "a mirror pod may not be created here")
        spec = ensure(pod, "spec")
        name = text(spec, "serviceAccountName") or DEFAULT_ACCOUNT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = find(request, "serviceaccounts", name, request.namespace)
        if account is None and name == DEFAULT_ACCOUNT:
            account = _make_default(request)
        if account is None:
            raise refusal(
                request,
                f"error looking up service account {request.namespace}/{name}: "
                f'serviceaccount "{name}" not found',
                hint="Create the service account first.",
            )
        use_account(spec, account)


def _make_default(request: AdmissionRequest) -> ApiObject:
    # its controller makes it too; the first pod of a new project need not wait for that
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": DEFAULT_ACCOUNT, "namespace": request.namespace},
    }
    if request.dry_run:
        return account
    try:
        return request.door.create(ACTOR, account, request.namespace)
    except AlreadyExistsError:
        return request.door.get(ACTOR, "serviceaccounts", DEFAULT_ACCOUNT, request.namespace)


def use_account(spec: Json, account: ApiObject) -> None:
    """Mount the account's token and add its pull secrets, in place, unless the pod says no."""
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken")
    if wanted is not False:
        _mount_token(spec)
    if not maps(spec, "imagePullSecrets") and maps(account, "imagePullSecrets"):
        spec["imagePullSecrets"] = [
            {"name": text(secret, "name")} for secret in maps(account, "imagePullSecrets")
        ]


def _mount_token(spec: Json) -> None:
    volume = _existing_volume(spec) or generated_name(VOLUME_PREFIX)
    mount = {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}
    needed = False
    for field in ("initContainers", "containers"):
        for container in maps(spec, field):
            mounts = maps(container, "volumeMounts")
            if any(one.get("mountPath") == MOUNT_PATH for one in mounts):
                continue
            container["volumeMounts"] = [*mounts, dict(mount)]
            needed = True
    names = {text(one, "name") for one in maps(spec, "volumes")}
    if needed and volume not in names:
        spec["volumes"] = [*maps(spec, "volumes"), {"name": volume, "projected": _projection()}]


def _existing_volume(spec: Json) -> str:
    return next(
        (
            text(volume, "name")
            for volume in maps(spec, "volumes")
            if text(volume, "name").startswith(VOLUME_PREFIX)
        ),
        "",
    )


def _projection() -> Json:
    namespace = {
        "path": "namespace",
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
    }
    certificate = {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    return {
        "defaultMode": FILE_MODE,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_EXPIRY_S, "path": "token"}},
            {"configMap": certificate},
            {"downwardAPI": {"items": [namespace]}},
        ],
    }
