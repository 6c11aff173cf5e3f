"""How the node's parts are wired to each other."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from paas.manager.node import Node


@dataclass
class Balancer:
    """The service proxy or the router, as far as the node asks it."""

    drained: bool

    def is_drained(self, pod):
        assert pod["metadata"]["name"] == "web"
        return self.drained


@pytest.mark.parametrize("proxy", [True, False])
@pytest.mark.parametrize("router", [True, False])
def test_a_pod_is_drained_when_both_proxy_and_router_have_let_go(proxy, router):
    node: Any = object.__new__(Node)  # the whole of it needs podman and the kernel
    node._network = SimpleNamespace(proxy=Balancer(proxy))
    node._router = Balancer(router)

    assert node._is_drained({"metadata": {"name": "web"}}) is (proxy and router)
