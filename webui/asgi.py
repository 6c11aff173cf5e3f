"""What gunicorn serves: the API and Django's pages, in one process. Imported after the fork."""

import os

import django

os.umask(0o077)  # gunicorn has opened its socket to all; what we write ourselves is ours alone
django.setup(set_prefix=False)

from paas.apiserver.app import api_application  # noqa: E402 -- Django's models come first
from paas.manager import runtime  # noqa: E402 -- as above
from paas.manager.git_site import git_site  # noqa: E402 -- as above
from paas.manager.registry import registry_site  # noqa: E402 -- as above
from webui.console import console_application  # noqa: E402 -- as above
from webui.sites import Sites  # noqa: E402 -- as above

_api = api_application(
    runtime.door(),
    authenticator=runtime.authenticator(),
    node=runtime.node_client(),
    checks={"database": runtime.door().store.newest},
)
_pages = console_application()

application = Sites(
    {b"api": _api, b"console": _pages, b"git": git_site(), b"registry": registry_site()},
    lifespan=_api,
)
