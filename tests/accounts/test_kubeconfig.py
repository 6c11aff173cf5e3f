"""Where clients are told to find the API."""

import pytest

from paas.accounts.kubeconfig import kubeconfig_of, server_of
from paas.settings.instance import Instance


@pytest.mark.parametrize(
    ("domain", "bind", "server"),
    [
        ("localhost", "127.0.0.1", "https://127.0.0.1:8443"),
        ("localhost", "0.0.0.0", "https://127.0.0.1:8443"),  # noqa: S104 -- read, not bound
        ("localhost", "192.0.2.1", "https://192.0.2.1:8443"),
        ("localhost", "2001:db8::1", "https://[2001:db8::1]:8443"),
        ("two.localhost", "127.0.0.1", "https://127.0.0.1:8443"),
        ("paas.example.org", "192.0.2.1", "https://api.paas.example.org:8443"),
    ],
)
def test_the_api_is_named_so_that_its_clients_reach_it(domain, bind, server):
    assert server_of(Instance(domain=domain, bind=bind)) == server


def test_a_kubeconfig_by_address_says_whose_certificate_it_expects(tmp_path):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_text("ours")
    instance = Instance(home=tmp_path, bind="192.0.2.1")

    (found,) = kubeconfig_of(instance, user="ann", token="t")["clusters"]

    assert found["cluster"]["server"] == "https://192.0.2.1:8443"
    assert found["cluster"]["tls-server-name"] == "api.localhost"
