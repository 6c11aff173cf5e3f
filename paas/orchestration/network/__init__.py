"""The service network: pods' interfaces, service addresses, isolation and cluster DNS.

Pods are wired by netlink, services and isolation are nftables rules of the instance's own table,
names are fed to unbound. All of it stays in the kernel and in unbound when this process dies, and
is adopted by the next one.
"""
