"""Which HTTP status an error has: the same as the API's."""

from paas.apiserver.statuses import CODES
from paas.core.errors import PaasError

OURS = 500


def status_code(error: PaasError) -> int:
    """Return the HTTP status of an error."""
    return CODES.get(error.reason, OURS)
