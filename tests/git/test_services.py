"""What builds get of repositories: a way into their own project's, and into no other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas.core.objects import ApiObject
from paas.git.locations import RepositoryName
from paas.git.repositories import Repositories
from paas.git.services import build_branch_move, build_credentials
from paas.git.tokens import RepositoryTokens

URL = "https://git.localhost:8443"
TOKENS = RepositoryTokens(b"secret")


def build(uri: str, uid: str = "uid-1") -> ApiObject:
    owner = {"kind": "BuildConfig", "name": "web", "uid": uid, "controller": True}
    return {
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "annotations": {"openshift.io/build-config.name": "web"},
            "ownerReferences": [owner],
        },
        "spec": {
            "source": {"git": {"uri": uri, "ref": "main"}},
            "revision": {"git": {"commit": "a" * 40}},
        },
    }


def test_a_build_gets_a_token_for_its_own_repository():
    found = build_credentials(
        TOKENS, build(f"{URL}/git/shop/web.git"), git_url=URL, now=datetime.now(UTC)
    )
    assert found is not None
    token = TOKENS.read(found[1])
    assert token.repository == RepositoryName("shop", "web")
    assert token.subject == "system:minato:build:shop:web-1"


@pytest.mark.parametrize(
    "uri",
    [
        f"{URL}/git/other/web.git",
        f"{URL}/git/shop/../other/web.git",
        f"{URL}/git/shop/web.git/",
        f"{URL}.example.org/git/shop/web.git",
        f"{URL}@example.org/git/shop/web.git",
        "https://example.org/git/shop/web.git",
        "",
    ],
)
def test_no_build_gets_a_token_for_anything_else(uri: str):
    now = datetime.now(UTC)
    assert build_credentials(TOKENS, build(uri), git_url=URL, now=now) is None


def test_a_build_of_an_earlier_life_moves_no_branch(tmp_path: Path):
    repositories = Repositories(tmp_path)
    repositories.open(RepositoryName("shop", "web"), "uid-2")
    assert build_branch_move(repositories, build(f"{URL}/git/shop/web.git")) is None


def test_a_build_without_a_repository_of_ours_moves_no_branch(tmp_path: Path):
    assert build_branch_move(Repositories(tmp_path), build("https://example.org/x.git")) is None
