"""What a push may take, and what it is told that takes more."""

import gzip
import os
import socket
import ssl
from dataclasses import replace

import httpx
import pytest

from paas.git.asgi import Limits
from tests.git.conftest import MIB, GitServer
from tests.git.test_pushes import GOOD

SMALL = Limits(push_max_bytes=2 * MIB, repository_max_bytes=4 * MIB)
small = pytest.mark.parametrize("limits", [SMALL])


@small
def test_a_push_that_is_too_large_is_refused_and_leaves_nothing(server: GitServer):
    client = server.pusher()
    (client.path / "large.bin").write_bytes(os.urandom(6 * MIB))
    client.commit("large")
    done = client.run("push", "origin", "main")
    assert done.code != 0
    assert "413" in done.err or "maximum allowed size" in done.err
    assert server.builds.made == []
    assert client.remote_refs() == {}


@small
def test_a_pack_just_above_the_limit_is_refused_by_git_itself(server: GitServer):
    client = server.pusher()
    (client.path / "large.bin").write_bytes(os.urandom(2 * MIB + 512 * 1024))
    client.commit("large")
    done = client.run("push", "origin", "main")
    assert done.code != 0
    assert "maximum allowed size" in done.err


@small
def test_a_full_repository_says_so_and_still_serves(server: GitServer):
    server.builds.automatic = GOOD
    client = server.pusher()
    commit = ""
    for _ in range(3):
        (client.path / "data.bin").write_bytes(os.urandom(MIB + MIB // 2))
        commit = client.commit("more")
        done = client.run("push", "origin", "main")
        if done.code != 0:
            break
    client.commit("last")
    done = client.run("push", "origin", "main")
    assert done.code != 0
    assert "repository is full" in done.shown or "maximum allowed size" in done.err
    assert commit
    assert client.run("fetch", "origin").code == 0


@pytest.mark.parametrize("limits", [replace(SMALL, idle_s=1.0)])
def test_a_client_that_sends_nothing_more_is_let_go(server: GitServer):
    token = server.members.person("pat", role="edit")
    certificate = server.client("x", "").certificate.certificate
    trust = ssl.create_default_context(cafile=str(certificate))
    address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
    head = (
        "POST /git/shop/web.git/git-receive-pack HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n00"
    )
    with (
        socket.create_connection(address, 60.0) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(head.encode())
        while secured.recv(1000):
            pass  # git has begun to answer; the end of the connection is the answer
    assert not server.repository.refs()


@pytest.mark.parametrize("protocol", [b"version=2", b"version=9; rm -rf /", b""])
def test_a_compressed_request_is_understood(server: GitServer, protocol: bytes):
    token = server.members.person("pat", role="edit")
    trust = ssl.create_default_context(cafile=str(server.client("x", "").certificate.certificate))
    headers = {
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
        "Git-Protocol": protocol.decode(),
    }
    body = gzip.compress(b"0014command=ls-refs\n00010009peel\n0000")
    with httpx.Client(verify=trust, auth=("pat", token), trust_env=False, timeout=60) as client:
        url = f"{server.url}/git/shop/web.git/git-upload-pack"
        answer = client.post(url, headers=headers, content=body)
    if protocol == b"version=2":
        assert (answer.status_code, answer.content) == (200, b"0000")
    else:
        assert answer.content != b"0000"
