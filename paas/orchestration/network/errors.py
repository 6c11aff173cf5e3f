"""What goes wrong in the network besides the errors of the core."""

from paas.core.errors import PaasError


class NetlinkError(PaasError):
    """The kernel refused a netlink request; `code` is the positive errno."""

    reason = "NetworkFailed"

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class NftablesError(PaasError):
    """The kernel or libnftables refused a transaction; nothing of it has happened."""

    reason = "NetworkFailed"


class DnsUnavailableError(PaasError):
    """Unbound's control socket does not answer, or refused a command."""

    reason = "DnsUnavailable"
