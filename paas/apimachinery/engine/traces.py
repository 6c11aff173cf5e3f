"""Where an unexpected error came from, as text without any variable's value."""

import traceback


def trace_of(error: BaseException) -> str:
    """Return the traceback: never locals, which may hold objects, tokens or secrets."""
    return "".join(traceback.format_exception(error))
