"""What fixtures of browsers and platforms promise: nothing else on the machine disturbs them."""

import subprocess
import sys
from pathlib import Path

from tests.fixtures.platform import CHECKOUT, free_ports

ASKS = """
import socket
from tests.fixtures.chromium import without_netlink
without_netlink()
socket.socket().close()
socket.socket(socket.AF_NETLINK)
"""


def test_a_browser_does_not_hear_of_the_machines_interfaces():
    done = subprocess.run(
        [sys.executable, "-c", ASKS], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].endswith("Address family not supported by protocol")


def test_a_free_port_is_given_to_no_connection_by_chance():
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < outgoing
