"""podman: our own containers.conf, storage.conf and registries.conf.

Each line of containers.conf that is not a default cost somebody hours.
Source: containers.conf(5), containers-storage.conf(5), containers-registries.conf(5).
"""

import json

from deploy.images.shim import CAPABILITIES, EXEC_SESSION_KEPT_S, shim_settings
from paas.core.registry import INTERNAL_REGISTRY
from paas.settings.instance import Instance

NOFILE_MOST = 65536
# podman lowers its own hard limit to this, and cannot give more than it has
NPROC_MOST = 32768


def containers_conf(instance: Instance, *, nofile_hard: int, nproc_hard: int) -> str:
    """Return containers.conf; the limits are those of this machine, -1 for none."""
    nofile = NOFILE_MOST if nofile_hard < 0 else min(nofile_hard, NOFILE_MOST)
    nproc = NPROC_MOST if nproc_hard < 0 else min(nproc_hard, NPROC_MOST)
    ulimits = [f"nofile={nofile}:{nofile}", f"nproc={nproc}:{nproc}"]
    return f"""\
[containers]
cgroups = "enabled"
default_capabilities = {json.dumps(CAPABILITIES)}
default_sysctls = []
default_ulimits = {json.dumps(ulimits)}
keyring = false
log_driver = "k8s-file"
pids_limit = 4096

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = {EXEC_SESSION_KEPT_S}
image_parallel_copies = 2
lock_type = "file"
runtime = "runc"
tmp_dir = "{instance.run}/podman/libpod"

{shim_settings(instance)}"""


def storage_conf(instance: Instance) -> str:
    """Return storage.conf: images and containers of this instance only."""
    return f"""\
[storage]
driver = "overlay"
graphroot = "{instance.podman_root}"
runroot = "{instance.podman_runroot}"
"""


def registries_conf(instance: Instance) -> str:
    """Return registries.conf: the name used inside leads to the node's own registry port."""
    return f"""\
unqualified-search-registries = ["docker.io"]
short-name-mode = "permissive"

[[registry]]
prefix = "{INTERNAL_REGISTRY}"
location = "{instance.node_address}:5000"
"""
