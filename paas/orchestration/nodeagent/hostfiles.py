"""The text of /etc/hosts, /etc/hostname and /etc/resolv.conf of a pod. Pure.

Source: kubelet managedHostsFileContent and network/dns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paas.core.objects import ApiObject, name_of, namespace_of

_HOSTS = """# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
HOSTNAME_MAX = 63
NDOTS = "ndots:5"


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """The cluster's DNS address and domain, and what the machine itself uses."""

    server: str
    domain: str = "cluster.local"
    host_servers: tuple[str, ...] = ()
    host_searches: tuple[str, ...] = ()
    host_options: tuple[str, ...] = ()


def hostname_of(pod: ApiObject) -> str:
    """Return spec.hostname, else the pod's name cut to 63 characters."""
    return str(pod["spec"].get("hostname") or name_of(pod)[:HOSTNAME_MAX].rstrip("-."))


def hosts_text(pod: ApiObject, address: str, *, domain: str = "cluster.local") -> str:
    """Return /etc/hosts: upstream's entries, the pod's own name, its hostAliases."""
    host = hostname_of(pod)
    subdomain = pod["spec"].get("subdomain")
    names = [f"{host}.{subdomain}.{namespace_of(pod)}.svc.{domain}", host] if subdomain else [host]
    text = _HOSTS + "\t".join([address, *names]) + "\n"
    aliases = pod["spec"].get("hostAliases") or ()
    if aliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join(
            "\t".join([alias["ip"], *(alias.get("hostnames") or ())]) + "\n" for alias in aliases
        )
    return text


def resolv_text(pod: ApiObject, dns: DnsConfig) -> str:
    """Return /etc/resolv.conf by the pod's dnsPolicy and dnsConfig."""
    policy = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    if policy == "Default":
        servers, searches = list(dns.host_servers), list(dns.host_searches)
        options = list(dns.host_options)
    elif policy != "None":
        servers, options = [dns.server], [NDOTS]
        local = f"svc.{dns.domain}"
        searches = [f"{namespace_of(pod)}.{local}", local, dns.domain, *dns.host_searches]
    custom = pod["spec"].get("dnsConfig") or {}
    servers = _unique([*servers, *(custom.get("nameservers") or ())])
    searches = _unique([*searches, *(custom.get("searches") or ())])
    options = _merged_options(options, custom.get("options") or ())
    lines = [f"nameserver {one}" for one in servers]
    if searches:
        lines.insert(0, "search " + " ".join(searches))
    if options:
        lines.append("options " + " ".join(options))
    return "\n".join(lines) + "\n"


def parse_resolv(text: str, *, server: str, domain: str = "cluster.local") -> DnsConfig:
    """Return the configuration of a machine whose /etc/resolv.conf has this text."""
    found: dict[str, tuple[str, ...]] = {"nameserver": (), "search": (), "options": ()}
    for line in text.splitlines():
        name, *values = line.split() or [""]
        if name == "nameserver":
            found[name] += tuple(values[:1])
        elif name in found:
            found[name] = tuple(values)
    return DnsConfig(server, domain, found["nameserver"], found["search"], found["options"])


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _merged_options(base: Sequence[str], custom: Sequence[dict[str, str]]) -> list[str]:
    merged = {one.partition(":")[0]: one for one in base}
    for option in custom:
        value = option.get("value")
        merged[option["name"]] = f"{option['name']}:{value}" if value else option["name"]
    return list(merged.values())
