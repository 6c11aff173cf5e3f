"""The rules that hold for every pod, whatever services there are. Pure text for nft.

Nothing here names a pod: a project is a /24, so "the same project" is a fixed set of pairs; an
honest source is one that the machine would answer through the same interface; a pod that talks to
itself is one whose packet would leave where it came in. So attaching a pod changes no rule and
there is no moment at which a pod is open or shut by mistake. NetworkPolicy (`policychains`) has
its place in `from-pod`, before the project's own rule, and in `to-machine`; what the machine itself
sends to a pod it never sees.
Source: nft(8); kube-proxy's nftables mode (KEP-3866) for services.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network

from paas.orchestration.network.naming import EGRESS_ONLY_GROUP, pod_prefix
from paas.settings.instance import Instance

DNS_PORT, API_PORT, REGISTRY_PORT = 53, 6443, 5000
HAIRPIN_MARK = 0x40000000
SERVICES_MAP = "services"
POLICY_IN, POLICY_OUT = "policy-in", "policy-out"
_PROJECT_PREFIX = 24
_NOT_THE_WORLD = (
    "0.0.0.0/8",
    "10.64.0.0/10",  # pods of all instances
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.30.0.0/16",  # services of all instances
    "224.0.0.0/3",
)
BASE_CHAINS = frozenset(
    {
        "honest",
        "forward",
        "input",
        "output",
        "from-pod",
        "to-machine",
        "no-endpoints",
        "refuse",
        "nat-prerouting",
        "nat-output",
        "nat-postrouting",
    }
)


def table_of(instance: Instance) -> str:
    """Return family and name of the instance's table."""
    return f"inet {instance.name}"


def base_rules(instance: Instance, guarded: Iterable[str]) -> str:
    """Return the transaction that makes the table, or makes an older one of ours like this.

    The services in it stay as they are. `guarded` are interfaces that nothing is forwarded
    between.
    """
    table = table_of(instance)
    uplinks = ", ".join(f'"{name}"' for name in sorted(guarded))
    return "\n".join(
        (
            _declarations(instance),
            *(f"flush chain {table} {chain}" for chain in sorted(BASE_CHAINS)),
            f"flush set {table} uplinks",
            # always the same for an instance: to flush it first takes 130 ms instead of 7
            f"add element {table} projects {{ {_pairs(instance)} }}",
            f"add element {table} uplinks {{ {uplinks} }}" if uplinks else "",
            f"table {table} {{",
            _filters(instance),
            _translations(instance),
            "}",
            "",
        )
    )


def _pairs(instance: Instance) -> str:
    subnets: Iterable[IPv4Network] = instance.pod_network.subnets(new_prefix=_PROJECT_PREFIX)
    return ", ".join(f"{subnet} . {subnet}" for subnet in subnets)


def _declarations(instance: Instance) -> str:
    return f"""
table {table_of(instance)} {{
  set projects {{
    type ipv4_addr . ipv4_addr
    flags interval
  }}
  set uplinks {{
    type ifname
  }}
  map {SERVICES_MAP} {{
    type ipv4_addr . inet_proto . inet_service : verdict
  }}
  map {POLICY_IN} {{
    type ipv4_addr : verdict
  }}
  map {POLICY_OUT} {{
    type ipv4_addr : verdict
  }}
  chain refuse {{
  }}
  chain no-endpoints {{
  }}
  chain from-pod {{
  }}
  chain to-machine {{
  }}
  chain honest {{
    type filter hook prerouting priority raw; policy accept;
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
  }}
  chain nat-output {{
    type nat hook output priority -100; policy accept;
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
  }}
}}
"""


def _filters(instance: Instance) -> str:
    pods = f'"{pod_prefix(instance)}*"'
    pod_network, service_network = instance.pod_network, instance.service_network
    node, group = instance.node_address, EGRESS_ONLY_GROUP
    return f"""
  chain honest {{
    iifname {pods} meta nfproto ipv6 drop
    iifname {pods} fib saddr . iif oif missing drop
    iifname {pods} accept
    iif != lo ip daddr {{ {pod_network}, {service_network} }} drop
  }}
  chain forward {{
    iifname {pods} jump from-pod
    oifname {pods} ct state established,related accept
    oifname {pods} drop
    iifname @uplinks oifname @uplinks drop
  }}
  chain from-pod {{
    ct state established,related accept
    ct state invalid drop
    ip daddr {service_network} goto no-endpoints
    iifgroup {group} ip daddr {pod_network} goto refuse
    oifgroup {group} goto refuse
    fib daddr . iif oif exists meta mark set meta mark or {HAIRPIN_MARK:#x} accept
    ip saddr vmap @{POLICY_OUT}
    ip daddr vmap @{POLICY_IN}
    ip saddr . ip daddr @projects accept
    ip daddr {{ {", ".join(_NOT_THE_WORLD)} }} goto refuse
    accept
  }}
  chain input {{
    iifname {pods} jump to-machine
  }}
  chain to-machine {{
    ct state established,related accept
    ip saddr vmap @{POLICY_OUT}
    ip daddr {node} meta l4proto {{ tcp, udp }} th dport {DNS_PORT} accept
    ip daddr {node} tcp dport {{ {API_PORT}, {REGISTRY_PORT} }} accept
    drop
  }}
  chain output {{
    ip daddr {service_network} goto no-endpoints
  }}
  chain no-endpoints {{
    meta l4proto tcp reject with tcp reset
    reject with icmp type port-unreachable
  }}
  chain refuse {{
    meta l4proto tcp reject with tcp reset
    reject with icmp type admin-prohibited
  }}
"""


def _translations(instance: Instance) -> str:
    pods = f'"{pod_prefix(instance)}*"'
    lookup = f"ip daddr . meta l4proto . th dport vmap @{SERVICES_MAP}"
    network = instance.pod_network
    return f"""
  chain nat-prerouting {{
    iifname {pods} ip daddr {instance.service_network} {lookup}
  }}
  chain nat-output {{
    ip daddr {instance.service_network} {lookup}
  }}
  chain nat-postrouting {{
    ip saddr {network} meta mark & {HAIRPIN_MARK:#x} != 0 snat ip to {instance.node_address}
    ip saddr {network} ip daddr != {network} oif != lo masquerade
  }}
"""
