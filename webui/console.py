"""The console as one ASGI application: the bundle, the streams, Django's pages."""

from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

from webui.bodies import BoundedBodies
from webui.sites import Application
from webui.static_files import StaticFiles
from webui.streams.application import Streams


def console_application() -> Application:
    """Return it; once per process, after Django's set-up."""
    pages: Any = get_asgi_application()  # its types are narrower than ASGI
    bounded = BoundedBodies(Streams(pages), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    return StaticFiles(bounded, settings.MINATO_BUNDLE)
