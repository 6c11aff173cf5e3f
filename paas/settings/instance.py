"""One instance of Minato: where its files, sockets, addresses and user ids lie.

Every path, port, network and name that two instances on one machine must not share is derived
here, from the home and the instance's number, and nowhere else. Plain data, no I/O.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

INSTANCES_MAX = 15
PROJECT_UIDS = 65536
_PODS = int(IPv4Address("10.64.0.0"))
_SERVICES = int(IPv4Address("172.30.0.0"))
_UIDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Instance:
    """What makes one instance: `number` is 0 to 15 and unique among those on the machine."""

    home: Path = Path("/var/lib/minato")
    number: int = 0
    bind: str = "127.0.0.1"
    domain: str = "localhost"
    http_port: int = 8080
    https_port: int = 8443

    @property
    def name(self) -> str:
        """Return the short name that interfaces, tables and labels carry: `minato0`."""
        return f"minato{self.number}"

    @property
    def run(self) -> Path:
        """Return the directory of sockets and pid files; each server has its own below it."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        """Return the directory of the processes' own logs."""
        return self.home / "log"

    @property
    def etc(self) -> Path:
        """Return the directory of generated configuration."""
        return self.home / "etc"

    @property
    def tls(self) -> Path:
        """Return the directory of the certificate authority and the server certificates."""
        return self.home / "tls"

    @property
    def secrets(self) -> Path:
        """Return the directory of keys; each file is readable by the one user that needs it."""
        return self.home / "secrets"

    @property
    def ca_file(self) -> Path:
        """Return the certificate of the instance's own authority (PEM)."""
        return self.tls / "ca.crt"

    @property
    def postgres_socket_dir(self) -> Path:
        """Return the directory in which PostgreSQL listens."""
        return self.run / "postgres"

    @property
    def redis_socket(self) -> Path:
        """Return Redis' Unix socket."""
        return self.run / "redis" / "redis.sock"

    @property
    def web_socket(self) -> Path:
        """Return the Unix socket of gunicorn: API, console, git, registry tokens."""
        return self.run / "web" / "web.sock"

    @property
    def registry_socket(self) -> Path:
        """Return the Unix socket of CNCF Distribution."""
        return self.run / "registry" / "registry.sock"

    @property
    def podman_socket(self) -> Path:
        """Return the libpod REST socket: root only."""
        return self.run / "podman" / "podman.sock"

    @property
    def node_socket(self) -> Path:
        """Return the node agent's socket for logs, exec, attach and port-forward."""
        return self.run / "node" / "node.sock"

    @property
    def router_admin_socket(self) -> Path:
        """Return the runtime socket of the applications' HAProxy."""
        return self.run / "router" / "admin.sock"

    @property
    def router_tls_socket(self) -> Path:
        """Return where the edge hands application TLS connections to the router (PROXY v2)."""
        return self.run / "router" / "tls.sock"

    @property
    def router_config(self) -> Path:
        """Return the configuration of the applications' HAProxy; the route controller writes it."""
        return self.etc / "router.cfg"

    @property
    def router_master_socket(self) -> Path:
        """Return the master socket of the applications' HAProxy: `reload` takes effect there."""
        return self.run / "router" / "master.sock"

    @property
    def edge_admin_socket(self) -> Path:
        """Return the runtime socket of the platform's HAProxy."""
        return self.run / "edge" / "admin.sock"

    @property
    def dns_control_socket(self) -> Path:
        """Return unbound's control socket (no certificates: the directory guards it)."""
        return self.run / "dns" / "control.sock"

    @property
    def orchestrator_heartbeat(self) -> Path:
        """Return the file by which the orchestrator proves that its loops are alive."""
        return self.run / "orchestrator" / "heartbeat.json"

    @property
    def console_host(self) -> str:
        """Return the console's host name."""
        return f"console.{self.domain}"

    @property
    def api_host(self) -> str:
        """Return the API's host name, also the kubeconfig's tls-server-name."""
        return f"api.{self.domain}"

    @property
    def git_host(self) -> str:
        """Return the git server's host name."""
        return f"git.{self.domain}"

    @property
    def registry_data(self) -> Path:
        """Return where the registry keeps its blobs."""
        return self.home / "registry"

    @property
    def registry_host(self) -> str:
        """Return the registry's host name, as users outside see it."""
        return f"registry.{self.domain}"

    @property
    def apps_domain(self) -> str:
        """Return the domain below which applications get their host names."""
        return f"apps.{self.domain}"

    def url(self, host: str) -> str:
        """Return the https URL of one of the hosts above, without a trailing slash."""
        return f"https://{host}" if self.https_port == 443 else f"https://{host}:{self.https_port}"  # noqa: PLR2004 -- 443 is what https means

    @property
    def pod_network(self) -> IPv4Network:
        """Return the /14 from which each project gets a /24; the first /24 is the machine's."""
        return IPv4Network((_PODS + (self.number << 18), 14))

    @property
    def node_address(self) -> IPv4Address:
        """Return the machine's own address on the pod network (a dummy interface)."""
        return self.pod_network[1]

    @property
    def service_network(self) -> IPv4Network:
        """Return the /20 of service addresses."""
        return IPv4Network((_SERVICES + (self.number << 12), 20))

    @property
    def api_service_address(self) -> IPv4Address:
        """Return the address of the Service default/kubernetes."""
        return self.service_network[1]

    @property
    def dns_service_address(self) -> IPv4Address:
        """Return the address of the cluster's DNS."""
        return self.service_network[10]

    @property
    def registry_service_address(self) -> IPv4Address:
        """Return the address of image-registry.openshift-image-registry.svc."""
        return self.service_network[11]

    @property
    def uid_base(self) -> int:
        """Return the first host user id of the instance; project k maps base + k times 65536."""
        return _UIDS + self.number * 3000 * PROJECT_UIDS

    @property
    def bridge_prefix(self) -> str:
        """Return how the instance's network interfaces begin (15 characters in all)."""
        return f"mn{self.number:x}"

    @property
    def podman_root(self) -> Path:
        """Return podman's storage: images and containers of this instance only."""
        return self.home / "podman" / "storage"

    @property
    def podman_runroot(self) -> Path:
        """Return podman's volatile state."""
        return self.run / "podman" / "root"

    @property
    def containers_conf(self) -> Path:
        """Return our own containers.conf (CONTAINERS_CONF)."""
        return self.etc / "containers.conf"

    @property
    def pods(self) -> Path:
        """Return the node agent's directory: one per pod uid, with volumes and logs."""
        return self.home / "pods"

    @property
    def volumes(self) -> Path:
        """Return the directory of persistent volumes, each in a file and mounted beside it."""
        return self.home / "volumes"

    @property
    def repositories(self) -> Path:
        """Return the git server's directory: `<project>/<app>.git`."""
        return self.home / "git"

    @property
    def build_caches(self) -> Path:
        """Return the directory of the projects' stores of layers, by project uid."""
        return self.home / "buildcache"
