"""The edge HAProxy: one https port, sorted by the name the client asks for.

Platform hosts are answered here and go to the web processes or the registry; every other name is
an application's and goes on, still encrypted, to the router. Static: never reloaded by us.

Which site a request is for is decided by SNI first and Host second, because a kubeconfig names
127.0.0.1 with a tls-server-name. A browser may reuse a connection for another host of the same
certificate: that is answered 421, and it opens a new one.
"""

from deploy import layout
from deploy.configs.registry import AUTOREDIRECT_PATH, BLOB_MAX
from paas.core.registry import EVENTS_PATH, TOKEN_PATH
from paas.settings.instance import Instance

# An idle `kubectl logs -f` or watch lives this long: the kubelet's own streaming limit.
STREAM_IDLE = "4h"
API_PORT = 6443
REGISTRY_PORT = 5000


def edge_cfg(instance: Instance) -> str:
    """Return haproxy.cfg of the edge."""
    return _head(instance) + _sorting(instance) + _sites(instance) + _backends(instance)


def _head(instance: Instance) -> str:
    return f"""\
global
  log stdout format raw daemon notice
  stats socket {instance.edge_admin_socket} mode 660 level admin
  maxconn 4000
  hard-stop-after 10s
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  log global
  mode http
  option dontlognull
  option clitcpka
  timeout connect 5s
  timeout client {STREAM_IDLE}
  timeout server {STREAM_IDLE}
  timeout tunnel {STREAM_IDLE}
  timeout http-request 30s
  timeout http-keep-alive 60s
  timeout client-fin 10s
"""


def _sorting(instance: Instance) -> str:
    hosts = _platform_hosts(instance)
    return f"""
frontend https
  mode tcp
  bind {layout.listening(instance, instance.https_port)}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  tcp-request content reject if WAIT_END
  acl named req.ssl_sni -m found
  acl platform req.ssl_sni -i {hosts}
  acl platform req.ssl_sni -i kubernetes
  acl platform req.ssl_sni -i -m beg kubernetes.default image-registry.openshift-image-registry.
  use_backend router if named !platform
  use_backend platform_git if {{ req.ssl_sni -i {instance.git_host} }}
  default_backend platform

backend router
  mode tcp
  server router unix@{instance.router_tls_socket} send-proxy-v2

backend platform
  mode tcp
  server platform unix@{instance.run}/edge/tls.sock send-proxy-v2

backend platform_git
  mode tcp
  server platform unix@{instance.run}/edge/git.sock send-proxy-v2
"""


def _sites(instance: Instance) -> str:
    """Return the TLS end of the platform hosts: every request leaves it with its site's name.

    git speaks HTTP/1.1 with us: where the server dies in the middle of an answer, HAProxy ends an
    HTTP/2 stream as if it were complete, and a `git push` then waits for ever for the rest.
    """
    certificate = f"ssl crt {layout.platform_certificate(instance)}"
    tls = f"{certificate} alpn h2,http/1.1"
    node = instance.node_address
    return f"""
frontend platform
  bind unix@{instance.run}/edge/tls.sock mode 600 accept-proxy {tls}
  bind unix@{instance.run}/edge/git.sock mode 600 accept-proxy {certificate} alpn http/1.1
  bind {node}:{API_PORT} name node-api {tls}
  bind {node}:{REGISTRY_PORT} name node-registry {tls}
  http-request set-var(txn.host) req.hdr(host),host_only,lower
  http-request set-var(txn.sni) ssl_fc_sni,lower
  http-request set-var(txn.host_site) str(none)
{_choose("host_site", "host", instance)}
  http-request set-var(txn.site) str(none)
{_choose("site", "sni", instance)}
  acl by_name var(txn.site) -m str none
  acl host_known var(txn.host_site) -m str console api git registry
  acl same_site var(txn.site),strcmp(txn.host_site) eq 0
  http-request return status 421 content-type text/plain string "Misdirected request" \
if !by_name host_known !same_site
  http-request set-var(txn.site) var(txn.host_site) if by_name host_known
  http-request set-var(txn.site) str(registry) if {{ so_name node-registry }}
  http-request set-var(txn.site) str(registry) if {{ var(txn.site) -m str none }} \
{{ path {EVENTS_PATH} }}
  http-request set-var(txn.site) str(api) if {{ var(txn.site) -m str none }}
  http-request set-header X-Minato-Site %[var(txn.site)]
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-For %[src]
  http-request del-header X-Forwarded-Host
  http-response set-header Strict-Transport-Security "max-age=31536000" \
if {{ var(txn.site) -m str console }}
  acl registry var(txn.site) -m str registry
  acl registry_token path {AUTOREDIRECT_PATH} {AUTOREDIRECT_PATH}/
  http-request set-path {TOKEN_PATH} if registry registry_token
  use_backend registry if registry !{{ path {TOKEN_PATH} {EVENTS_PATH} }}
  use_backend web_console if {{ var(txn.site) -m str console }}
  default_backend web
"""


def _choose(variable: str, source: str, instance: Instance) -> str:
    """Return the rules that set `variable` to the site that the name in `source` stands for."""
    inside = [
        ("api", f"{{ var(txn.{source}) -m beg kubernetes.default. }}"),
        ("api", f"{{ var(txn.{source}) -m str kubernetes kubernetes.default }}"),
        ("registry", f"{{ var(txn.{source}) -m beg image-registry.openshift-image-registry. }}"),
    ]
    hosts = [
        (site, f"{{ var(txn.{source}) -m str {host} }}")
        for site, host in (
            ("console", instance.console_host),
            ("api", instance.api_host),
            ("git", instance.git_host),
            ("registry", instance.registry_host),
        )
    ]
    lines = [f"  http-request set-var(txn.{variable}) str({s}) if {c}" for s, c in inside + hosts]
    return "\n".join(lines)


_API_DOWN = (
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
    '"message":"the platform is starting or stopped: minato status says more",'
    '"reason":"ServiceUnavailable","details":{"retryAfterSeconds":1},"code":503}'
)
# what Distribution's error is where it may write no larger file; clients try a 500 again
_TOO_LARGE = (
    '{"errors":[{"code":"SIZE_INVALID","message":"a layer is larger than this registry takes: '
    f'its administrator sets {BLOB_MAX}"}}]}}'
)
_PAGE_DOWN = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=3>"
    "<title>Minato is starting</title><h1>Minato is starting</h1>"
    "<p>This page tries again by itself. On the machine, <code>minato status</code> says more."
)


def _backends(instance: Instance) -> str:
    return f"""
backend web
  http-error status 503 content-type application/json string '{_API_DOWN}' hdr Retry-After 1
  server web unix@{instance.web_socket}

backend web_console
  http-error status 503 content-type "text/html; charset=utf-8" string '{_PAGE_DOWN}' \
hdr Retry-After 3
  server web unix@{instance.web_socket}

backend registry
  http-response wait-for-body time 1s if {{ status 500 }}
  http-response return status 413 content-type application/json string '{_TOO_LARGE}' \
if {{ status 500 }} {{ res.body -m sub "file too large" }}
  server registry unix@{instance.registry_socket}
"""


def _platform_hosts(instance: Instance) -> str:
    hosts = (
        instance.console_host,
        instance.api_host,
        instance.git_host,
        instance.registry_host,
    )
    return " ".join(hosts)
