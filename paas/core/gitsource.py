"""What may be said of a git repository that is built: its address, a ref, a folder in it. Pure.

Each check returns the rules broken. Source: git-check-ref-format(1); openshift-apiserver
pkg/build/apis/build/validation.
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

HTTPS_ONLY = ("https",)
URI_MAX = 2048
_UNSEEN = re.compile(r"[\x00-\x20\x7f]")
_FORBIDDEN_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_REF_RULE = (
    "must be a branch, tag or commit as git-check-ref-format allows: no '..', '@{', spaces, "
    "control characters or any of ~^:?*[\\, not beginning with '-' or '/'"
)


def uri_errors(uri: str, schemes: Collection[str] = HTTPS_ONLY) -> list[str]:
    """Check the address of a repository; `schemes` are those that it may have."""
    if len(uri) > URI_MAX or _UNSEEN.search(uri):
        return [f"must have no spaces or control characters, and {URI_MAX} characters at most"]
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError as error:
        return [str(error)]
    if parts.scheme not in schemes:
        return [f"must begin with {' or '.join(f'{one}://' for one in schemes)}"]
    if "@" in parts.netloc:
        return ["must hold no credentials: they belong into spec.source.sourceSecret"]
    return [] if host or parts.scheme == "file" else ["must name a host"]


def ref_errors(ref: str) -> list[str]:
    """Check a branch, tag or commit."""
    bad = (
        ref.startswith(("-", "/", "."))
        or ref.endswith(("/", ".", ".lock"))
        or ".." in ref
        or "//" in ref
        or "@{" in ref
        or "/." in ref
        or ref == "@"
        or _FORBIDDEN_IN_REF.search(ref) is not None
    )
    return [_REF_RULE] if bad else []


def folder_errors(folder: str) -> list[str]:
    """Check a folder of the repository; one that begins with '/' begins at its top."""
    if ".." in folder.split("/"):
        return ["must be inside the repository: '..' is not allowed"]
    return []
