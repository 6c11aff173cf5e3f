"""The frame of the applications' HAProxy: everything but the pools of servers.

It looks each request up once, host and path together, in a map that names a backend; so a
thousand routes cost what one costs. Backends that stand for an application are the route
controller's: it copies this frame, adds its pools below the mark, and fills the maps. The frame
has the backends that answer by themselves: the pages, the way to https, and the way from a worker
that was replaced to the one of now.
"""

import hashlib
from pathlib import Path

from deploy import layout
from deploy.configs.router_pages import router_pages
from paas.core.router import (
    CERTIFICATES,
    CUT,
    DIRECTORY,
    METRICS_SOCKET,
    ONWARD_PLAIN,
    ONWARD_SECURE,
    PAGES,
    PLAIN_MAP,
    POOLS_MARK,
    REDIRECT,
    SECURE_MAP,
    SILENT,
    UNKNOWN,
    UNREACHABLE,
)
from paas.settings.instance import Instance

# No more: each connection needs two descriptors, and a container host may allow only 20000.
CONNECTIONS_MOST = 9000
# A worker that was replaced goes on as long as a WebSocket may live; replacing is rare.
OLD_WORKERS_LIVE = "1h"


def router_directory(instance: Instance) -> Path:
    """Return where maps, pages and certificates lie."""
    return instance.etc / DIRECTORY


def router_cfg(instance: Instance, current: str = "") -> str:
    """Return haproxy.cfg of the router: the frame, and the pools that `current` has."""
    _, _, pools = current.partition(POOLS_MARK)
    return _head(instance) + _frontends(instance) + _answers(instance) + POOLS_MARK + pools


def router_files(instance: Instance) -> dict[Path, str]:
    """Return the files that the frame names: pages, to be written each time."""
    directory = router_directory(instance)
    return {directory / f"{name}.html": page for name, page in router_pages().items()}


def router_seeds(instance: Instance) -> list[Path]:
    """Return the files that must exist, empty at first: the controller writes them."""
    return [router_directory(instance) / name for name in (PLAIN_MAP, SECURE_MAP, CERTIFICATES)]


def _head(instance: Instance) -> str:
    """Return what holds for all. A connection that fails is tried at another pod.

    A request that a pod has taken and not answered is not: keeping each one for that would cost
    a fifth of the requests that the router can pass in a second.
    """
    pages = hashlib.sha256("".join(router_pages().values()).encode()).hexdigest()[:12]
    return f"""\
# pages {pages}
global
  log stdout format raw daemon notice
  stats socket {instance.router_admin_socket} mode 660 level admin expose-fd listeners
  stats timeout 2m
  maxconn {CONNECTIONS_MOST}
  hard-stop-after {OLD_WORKERS_LIVE}
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  log global
  mode http
  option dontlognull
  option idle-close-on-response
  option redispatch 1
  retries 3
  balance roundrobin
  timeout connect 5s
  timeout client 60s
  timeout client-fin 10s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 30s
  timeout http-keep-alive 60s
  http-error status 502 {_page(instance, CUT)} hdr Cache-Control no-store
  http-error status 503 {_page(instance, UNREACHABLE)} hdr Retry-After 2 hdr Cache-Control no-store
  http-error status 504 {_page(instance, SILENT)} hdr Cache-Control no-store
"""


def _frontends(instance: Instance) -> str:
    hosts = f"{instance.console_host} {instance.api_host} "
    hosts += f"{instance.git_host} {instance.registry_host}"
    directory = router_directory(instance)
    tls = f"ssl crt {layout.apps_certificate(instance)}"
    tls += f" crt-list {directory / CERTIFICATES} alpn h2,http/1.1"
    metrics = instance.router_admin_socket.parent / METRICS_SOCKET
    return f"""
frontend http
  bind {layout.listening(instance, instance.http_port)}
  acl platform hdr(host),host_only,lower {hosts}
  http-request redirect code 308 location {_secure(instance)} if platform
{_forwarded("http")}
{_choice(directory / PLAIN_MAP)}

frontend https
  bind unix@{instance.router_tls_socket} mode 600 accept-proxy {tls}
{_forwarded("https")}
{_choice(directory / SECURE_MAP)}

frontend {ONWARD_PLAIN}
  bind unix@{_onward(instance, ONWARD_PLAIN)} mode 600 accept-proxy
{_forwarded("http")}
{_choice(directory / PLAIN_MAP)}

frontend {ONWARD_SECURE}
  bind unix@{_onward(instance, ONWARD_SECURE)} mode 600 accept-proxy
{_forwarded("https")}
{_choice(directory / SECURE_MAP)}

frontend metrics
  bind unix@{metrics} mode 660
  http-request use-service prometheus-exporter if {{ path /metrics }}
"""


def _onward(instance: Instance, name: str) -> Path:
    return instance.router_admin_socket.parent / f"{name}.sock"


def _forwarded(scheme: str) -> str:
    """Return the rules that say who asks, and forget what the client said of that.

    With underscores, too: CGI and WSGI make the same variable of both.
    """
    return f"""\
  http-request del-header x-forwarded- -m beg
  http-request del-header x_forwarded_ -m beg
  http-request del-header forwarded
  http-request del-header x-real-ip
  http-request del-header proxy
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto {scheme}"""


def _choice(table: Path) -> str:
    """Return the rules that find the backend: the longest of the map's keys that fits.

    A key is `host/` or `host/path/`, so that `/shop` is not taken for `/shopping`. No path has a
    question mark: with one at its end, `host/path/?`, a key is for the very path and none below.
    """
    host = "req.hdr(host),host_only,rtrim(.),lower,concat(,txn.path,/?)"
    return f"""\
  http-request set-var(txn.path) path
  use_backend %[{host},map_beg({table},{UNKNOWN})]
  default_backend {UNKNOWN}"""


def _answers(instance: Instance) -> str:
    redirect = f"""
backend {REDIRECT}
  http-request redirect code 302 location {_secure(instance)}
"""
    onward = "".join(
        f"""
backend {name}
  server now unix@{_onward(instance, name)} send-proxy-v2
"""
        for name in (ONWARD_PLAIN, ONWARD_SECURE)
    )
    return (
        redirect
        + onward
        + "".join(
            f"""
backend {name}
  http-request return status 503 {_page(instance, name)} \
hdr Retry-After 5 hdr Cache-Control no-store
"""
            for name in PAGES
        )
    )


def _page(instance: Instance, name: str) -> str:
    return f'content-type "text/html; charset=utf-8" file {router_directory(instance)}/{name}.html'


def _secure(instance: Instance) -> str:
    port = "" if instance.https_port == 443 else f":{instance.https_port}"  # noqa: PLR2004 -- https
    return f"https://%[hdr(host),host_only,lower]{port}%[capture.req.uri]"
