"""What a write has read from memory and relies on; the store proves it as it writes."""

from dataclasses import dataclass

from paas.core.errors import ServiceUnavailableError


@dataclass(slots=True)
class Relied:
    """Of these resources, what is in the write's namespace, as of a version.

    Of Namespaces, the write's own; of definitions, the one that declares the write's resource.
    """

    as_of: int
    resources: set[str]


class StaleViewError(ServiceUnavailableError):
    """Something that was relied on has changed: read again and write again."""
