"""Writes the router's frame, its pages, and what the route controller needs to find."""

from deploy import users
from deploy.configs.router import router_cfg, router_files, router_seeds
from deploy.files import Access, file_write
from deploy.processes import initial_router_config
from paas.settings.instance import Instance


def router_write(instance: Instance) -> None:
    """Write the frame; the controller's pools and maps stay as they are.

    Only when the frame has changed (a port, an address, a host, a page) is the router's
    configuration written anew: what else is in it is newer than what we know.
    """
    for path, page in router_files(instance).items():
        file_write(path, page, Access(group=users.ROUTER, mode=0o640))
    for path in router_seeds(instance):
        if not path.exists():
            file_write(path, "", Access(group=users.ROUTER, mode=0o640))
    config = instance.router_config
    current = config.read_text() if config.exists() else ""
    changed = file_write(initial_router_config(instance), router_cfg(instance), Access())
    if changed or not current:
        file_write(config, router_cfg(instance, current), Access())
