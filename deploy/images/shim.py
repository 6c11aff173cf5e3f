"""Installs the runtime shim that podman calls in runc's place (`oci-runtime.sh` says why)."""

from pathlib import Path

from paas.settings.instance import Instance

SHIM_SOURCE = Path(__file__).with_name("oci-runtime.sh")

# The session of an exec is kept this long after its end, by a waiting conmon each; podman's own
# default of 300 s would keep hundreds of them for exec in scripts. We ask within milliseconds.
EXEC_SESSION_KEPT_S = 10

# podman's own set without NET_RAW, AUDIT_WRITE and MKNOD: what Pod Security's baseline lets a pod
# add is no reason to give it unasked.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
    "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip


def shim_path(instance: Instance) -> Path:
    """Return where podman finds the shim; its name is runc's, whose log format podman knows."""
    return instance.podman_socket.parent / "oci" / "runc"


def shim_install(instance: Instance) -> Path:
    """Copy the shim and make the directory of its marks; return its path. Safe to repeat."""
    path = shim_path(instance)
    (instance.podman_socket.parent / "oom").mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(".runc.new")
    fresh.write_bytes(SHIM_SOURCE.read_bytes())
    fresh.chmod(0o755)
    fresh.replace(path)  # podman may be starting the old one at this moment
    return path


def shim_settings(instance: Instance) -> str:
    """Return the lines of containers.conf that the shim and the runtime adapter need, whole tables.

    `default_capabilities` belongs into the table `containers`: see CAPABILITIES.
    """
    return f'[engine.runtimes]\nrunc = ["{shim_path(instance)}"]\n'
