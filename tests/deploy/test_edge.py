"""The edge with real HAProxy: which site a request is for, and who gets it."""

import http.client
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import pytest

from deploy import certificates, instances
from deploy.configs.edge import edge_cfg
from deploy.errors import DeployError
from deploy.probes import probe
from deploy.runner import run
from deploy.steps.router import router_write
from paas.settings.instance import Instance
from tests.fixtures.platform import free_ports
from tests.fixtures.scratch import MORTAL

pytestmark = pytest.mark.servers
CUT_SHORT = "/cut-short"
REGISTRY = "image-registry.openshift-image-registry.svc"


class _UnixServer(HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "unix", 0

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        link, _ = self.socket.accept()
        return link, ("unix", 0)


@contextmanager
def _answering(path: Path, name: str) -> Iterator[None]:
    """Answer every request on a socket with who got it, its path, site and scheme."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == CUT_SHORT:
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
                )
                self.close_connection = True
                return
            sites = self.headers.get_all("X-Minato-Site")
            scheme = self.headers["X-Forwarded-Proto"]
            body = json.dumps({"by": name, "path": self.path, "sites": sites, "scheme": scheme})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Stay silent."""

    address: Any = str(path)
    with _UnixServer(address, Handler) as server:
        path.chmod(0o777)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _haproxy(config: Path, admin: Path) -> Iterator[None]:
    process = Popen(
        [*MORTAL, "haproxy", "-W", "-db", "-f", str(config)], stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        while not _connects(admin):
            assert process.poll() is None, f"HAProxy does not start with {config}"
        yield
    finally:
        process.terminate()
        process.wait(60)


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(str(path))
        except OSError:
            return False
        return True


@pytest.fixture
def edge(instance: Instance) -> Iterator[Instance]:
    """Yield an instance whose edge and router run in front of a fake web server and registry."""
    with _serving(instance) as one:
        yield one


@contextmanager
def _serving(instance: Instance) -> Iterator[Instance]:
    http_port, https_port = free_ports(2)
    number = instances.number_claim(instance.home)  # the address is the machine's own
    one = replace(instance, number=number, http_port=http_port, https_port=https_port)
    one.ca_file.unlink()  # the fixture's is of another year, and this client has a real clock
    certificates.issue(one, now=datetime.now(UTC))
    (one.etc / "edge.cfg").write_text(edge_cfg(one))
    router_write(one)
    link = f"{one.bridge_prefix}node"
    with ExitStack() as stack:
        stack.callback(instances.number_release, one.home)
        run(["ip", "link", "add", link, "type", "bridge"], timeout_s=60)
        delete = ["ip", "link", "delete", link]
        stack.callback(run, delete, timeout_s=60)
        run(["ip", "address", "add", f"{one.node_address}/32", "dev", link], timeout_s=60)
        run(["ip", "link", "set", link, "up"], timeout_s=60)
        stack.enter_context(_answering(one.web_socket, "web"))
        stack.enter_context(_answering(one.registry_socket, "registry"))
        stack.enter_context(_haproxy(one.router_config, one.router_admin_socket))
        stack.enter_context(_haproxy(one.etc / "edge.cfg", one.edge_admin_socket))
        yield one


def _get(
    one: Instance,
    path: str,
    *,
    host: str,
    sni: str | None = None,
    at: tuple[str, int] | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Ask by TLS with our authority trusted; `sni` None sends none, as for an address."""
    context = ssl.create_default_context(cafile=str(one.ca_file))
    context.check_hostname = sni is not None
    with (
        socket.create_connection(at or ("127.0.0.1", one.https_port), 60) as plain,
        context.wrap_socket(plain, server_hostname=sni) as link,
    ):
        connection = http.client.HTTPConnection(host)
        connection.sock = link
        connection.request("GET", path, headers={"Host": host, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _site(one: Instance, **asked: Any) -> dict[str, object]:
    status, body = _get(one, "/x", **asked)
    assert status == 200, body
    found: dict[str, object] = json.loads(body)
    return found


@pytest.mark.parametrize("site", ["console", "api", "git"])
def test_a_platform_host_is_its_own_site(edge: Instance, site: str):
    host = f"{site}.localhost"
    got = _site(edge, host=f"{host}:{edge.https_port}", sni=host)
    assert got == {"by": "web", "path": "/x", "sites": [site], "scheme": "https"}


def test_git_sees_that_an_answer_was_cut_short(edge: Instance):
    done = subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60"),
            *("--cacert", str(edge.ca_file), "--write-out", "%{http_version}"),
            *("--resolve", f"{edge.git_host}:{edge.https_port}:127.0.0.1"),
            f"https://{edge.git_host}:{edge.https_port}{CUT_SHORT}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "one1.1"
    assert done.returncode == 18, done.stderr  # partial file


def test_the_registry_gets_its_requests_but_for_tokens(edge: Instance):
    host = "registry.localhost"
    assert _site(edge, host=host, sni=host)["by"] == "registry"
    _, body = _get(edge, "/auth/token?service=a", host=host, sni=host)
    assert json.loads(body) == {
        "by": "web",
        "path": "/registry/token?service=a",
        "sites": ["registry"],
        "scheme": "https",
    }


def test_a_kubeconfig_that_names_an_address_is_sorted_by_its_tls_server_name(edge: Instance):
    got = _site(edge, host=f"127.0.0.1:{edge.https_port}", sni="api.localhost")
    assert got["sites"] == ["api"]


def test_without_a_tls_name_the_host_decides_and_else_it_is_the_api(edge: Instance):
    assert _site(edge, host="console.localhost", sni=None)["sites"] == ["console"]
    assert _site(edge, host="127.0.0.1", sni=None)["sites"] == ["api"]


def test_a_forged_site_header_is_overwritten(edge: Instance):
    forged = {"X-Minato-Site": "api", "X-Forwarded-Proto": "http"}
    got = _site(edge, host="console.localhost", sni="console.localhost", headers=forged)
    assert (got["sites"], got["scheme"]) == (["console"], "https")


def test_a_connection_for_one_site_cannot_be_used_for_another(edge: Instance):
    status, _ = _get(edge, "/", host="api.localhost", sni="console.localhost")
    assert status == 421


def test_pods_reach_the_api_by_address_and_by_its_names(edge: Instance):
    api = (str(edge.node_address), 6443)
    assert _site(edge, host=str(edge.api_service_address), at=api)["sites"] == ["api"]
    inside = "kubernetes.default.svc"
    assert _site(edge, host=inside, sni=inside, at=api)["sites"] == ["api"]


def test_the_nodes_registry_port_is_the_registrys_under_any_name(edge: Instance):
    port = (str(edge.node_address), 5000)
    assert _site(edge, host=f"{REGISTRY}:5000", sni=REGISTRY, at=port)["by"] == "registry"
    assert _site(edge, host=f"{edge.node_address}:5000", at=port)["by"] == "registry"


def test_any_other_name_is_an_applications_and_goes_to_the_router(edge: Instance):
    name = "web-shop.apps.localhost"
    status, body = _get(edge, "/", host=name, sni=name)
    assert (status, "No application" in body) == (503, True)


@pytest.fixture
def domain(instance: Instance) -> Iterator[Instance]:
    """Yield an instance that serves a real domain, at each address of the machine."""
    with _serving(replace(instance, domain="paas.example.org", bind="::")) as one:
        yield one


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_real_domain_is_served_by_name_with_its_certificate(domain: Instance, address: str):
    at = (address, domain.https_port)
    for site in ("console", "api", "git"):
        host = f"{site}.paas.example.org"
        assert _site(domain, host=host, sni=host, at=at)["sites"] == [site]
    registry = "registry.paas.example.org"
    assert _site(domain, host=registry, sni=registry, at=at)["by"] == "registry"
    name = "web-shop.apps.paas.example.org"
    status, body = _get(domain, "/", host=name, sni=name, at=at)
    assert (status, "No application" in body) == (503, True)
    assert probe("edge", domain).startswith("2.")
    assert probe("router", domain).startswith("2.")


def test_a_real_domains_edge_does_not_know_localhost(domain: Instance):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"console\.localhost"):
        _get(domain, "/", host="console.localhost", sni="console.localhost")


def _disable(admin: Path, frontend: str) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(admin))
        link.sendall(f"disable frontend {frontend}\n".encode())
        assert link.recv(1024).strip() == b""


def test_an_edge_that_takes_no_requests_is_not_healthy_though_it_runs(edge: Instance):
    assert probe("edge", edge).startswith("2.")
    _disable(edge.edge_admin_socket, "https")
    with pytest.raises(DeployError):
        probe("edge", edge)
    assert probe("router", edge).startswith("2.")


def test_a_router_that_takes_no_requests_is_not_healthy_though_it_runs(edge: Instance):
    assert probe("router", edge).startswith("2.")
    _disable(edge.router_admin_socket, "http")
    with pytest.raises(DeployError):
        probe("router", edge)


def test_a_stopped_platform_has_a_healthy_edge(edge: Instance, tmp_path: Path):
    edge.web_socket.rename(tmp_path / "web.sock")
    assert probe("edge", edge).startswith("2.")


def test_plain_http_sends_people_to_https_and_keeps_the_address(edge: Instance):
    connection = http.client.HTTPConnection("127.0.0.1", edge.http_port, timeout=60)
    connection.request("GET", "/a?b=c", headers={"Host": f"console.localhost:{edge.http_port}"})
    answer = connection.getresponse()
    connection.close()
    target = f"https://console.localhost:{edge.https_port}/a?b=c"
    assert (answer.status, answer.headers["Location"]) == (308, target)


def test_a_stopped_platform_says_so_as_a_status_to_clients_of_the_api(
    edge: Instance, tmp_path: Path
):
    edge.web_socket.rename(tmp_path / "web.sock")
    status, body = _get(edge, "/api", host="api.localhost", sni="api.localhost")
    assert status == 503
    assert json.loads(body)["reason"] == "ServiceUnavailable"
    status, body = _get(edge, "/", host="console.localhost", sni="console.localhost")
    assert (status, "<h1>Minato is starting" in body) == (503, True)


def test_the_registrys_notifications_reach_us_by_address(edge: Instance):
    _, body = _get(edge, "/registry/events", host=f"127.0.0.1:{edge.https_port}")
    found = json.loads(body)
    assert (found["by"], found["sites"]) == ("web", ["registry"])
    _, body = _get(edge, "/registry/events", host="console.localhost", sni="console.localhost")
    assert json.loads(body)["sites"] == ["console"]
