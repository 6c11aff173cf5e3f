"""Paths, queries and media types: what is understood, and that nothing else is."""

import pytest

from paas.core.errors import BadRequestError, NotFoundError
from paas.git.locations import GitRequest, RepositoryName, Service, read_request, repository_at

UPLOAD = "service=git-upload-pack"


def test_the_refs_and_the_services_of_a_repository_are_understood():
    web = RepositoryName("shop", "web.v2")
    refs = read_request("GET", "/git/shop/web.v2.git/info/refs", UPLOAD, "")
    assert refs == GitRequest(web, Service.UPLOAD, advertises=True)
    assert (refs.path_info, refs.query) == ("/shop/web.v2.git/info/refs", UPLOAD)
    media_type = "application/x-git-receive-pack-request"
    push = read_request("POST", "/git/shop/web.v2.git/git-receive-pack", "", media_type)
    assert push == GitRequest(web, Service.RECEIVE, advertises=False)
    assert (push.path_info, push.query) == ("/shop/web.v2.git/git-receive-pack", "")


@pytest.mark.parametrize(
    "path",
    [
        "/git/shop/web.git",
        "/git/shop/web.git/config",
        "/git/shop/web.git/objects/info/packs",
        "/git/shop/web.git/git-upload-archive",
        "/git/shop/../shop/web.git/info/refs",
        "/git/../web.git/info/refs",
        "/git/shop/...git/info/refs",
        "/git/shop/web.git\0/info/refs",
        "/git/shop/web.git/info/refs\n",
        "/git/SHOP/web.git/info/refs",
        "/git/shöp/web.git/info/refs",
        "/git/shop/a..b.git/info/refs",
        "/git/.trash/web.git/info/refs",
        "/git/-x/web.git/info/refs",
        "/git/shop/web.git/info/refs/",
        "//git/shop/web.git/info/refs",
        f"/git/{'a' * 64}/web.git/info/refs",
        f"/git/shop/{'a.' * 120}a.git/info/refs",
    ],
)
def test_any_other_path_is_not_found(path: str):
    with pytest.raises(NotFoundError):
        read_request("GET", path, UPLOAD, "")


def test_a_service_takes_no_query():
    with pytest.raises(BadRequestError):
        read_request(
            "POST",
            "/git/shop/web.git/git-upload-pack",
            "x=1",
            "application/x-git-upload-pack-request",
        )


@pytest.mark.parametrize("path", ["/git/shop/web.git", "/git/shop/web.git/info/refs", "/shop/web"])
def test_a_repositorys_own_path_is_read_back(path: str):
    expected = RepositoryName("shop", "web") if path.endswith("web.git") else None
    assert repository_at(path) == expected
