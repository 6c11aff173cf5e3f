"""Subresources that HTTP itself serves: log, exec, attach, port-forward.

A domain adds one by a module of its own here that names its `CONNECTS`; the router finds it.
"""

import importlib
import pkgutil
from collections.abc import Iterator

from paas.apiserver.connect.base import Connect


def _found() -> Iterator[Connect]:
    for module in pkgutil.iter_modules(__path__):
        connects: tuple[Connect, ...] = getattr(
            importlib.import_module(f"{__name__}.{module.name}"), "CONNECTS", ()
        )
        yield from connects


CONNECTS: dict[tuple[str, str], Connect] = {
    (connect.resource, connect.subresource): connect for connect in _found()
}
"""By resource (`pods`, `builds.build.openshift.io`) and subresource (`log`)."""
