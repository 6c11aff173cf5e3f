"""What can go wrong with repositories and pushes."""

from paas.core.errors import PaasError


class GitFailedError(PaasError):
    """A git command of ours failed; `output` is what it said."""

    reason = "InternalError"

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(f"{message}: {output}" if output else message)
        self.output = output


class RepositoryBusyError(PaasError):
    """Another push holds the repository for too long."""

    reason = "Conflict"


class StorageFullError(PaasError):
    """The repository or the disk has no room for a push."""

    reason = "StorageFull"
