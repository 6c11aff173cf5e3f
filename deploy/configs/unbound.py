"""unbound: the cluster's DNS, fed through its control socket, forwarding the rest.

Source: unbound.conf(5) of 1.17.
"""

from collections.abc import Sequence

from paas.settings.instance import Instance


def unbound_conf(instance: Instance, *, resolvers: Sequence[str]) -> str:
    """Return unbound.conf; `resolvers` are the machine's own, asked for all other names."""
    forwards = "".join(f"  forward-addr: {address}\n" for address in resolvers)
    return f"""\
server:
  interface: {instance.node_address}
  port: 53
  ip-freebind: yes
  access-control: 0.0.0.0/0 refuse
  access-control: 127.0.0.0/8 allow
  access-control: {instance.pod_network} allow
  access-control: {instance.service_network} allow
  username: ""
  chroot: ""
  directory: "{instance.run}/dns"
  pidfile: ""
  logfile: ""
  use-syslog: no
  num-threads: 1
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  msg-cache-size: 4m
  rrset-cache-size: 8m
  cache-max-negative-ttl: 5
  minimal-responses: yes
  local-zone: "cluster.local." static

remote-control:
  control-enable: yes
  control-use-cert: no
  control-interface: "{instance.dns_control_socket}"

forward-zone:
  name: "."
{forwards}"""


def resolvers_of(resolv_conf: str) -> list[str]:
    """Return the name servers of a resolv.conf(5), or the loopback where there is none."""
    words = (line.split() for line in resolv_conf.splitlines())
    found = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
    return found or ["127.0.0.1"]
