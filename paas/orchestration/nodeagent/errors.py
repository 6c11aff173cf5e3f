"""The node agent's own errors: why a container cannot be made, in the kubelet's words."""

from paas.core.errors import PaasError


class ContainerConfigError(PaasError):
    """The container's configuration cannot be put together: a missing ConfigMap, a bad user."""

    reason = "CreateContainerConfigError"


class MountFailedError(PaasError):
    """A volume of the pod cannot be made ready: a missing source, a full disk."""

    reason = "FailedMount"


class ImageRefusedError(PaasError):
    """An image may not or cannot be had; `reason` is upstream's waiting reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.waiting_reason = reason
