"""libnftables in this process: each call is one atomic transaction.

A process for each change (`nft -f -`) costs 28 ms with a thousand services, this 6 ms. The
library is not safe for threads, so there is one lock; it keeps nothing between calls.
Source: libnftables(3).
"""

import ctypes
import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson

from paas.orchestration.network.elements import BEGIN, END, Change, change_requests
from paas.orchestration.network.errors import NetlinkError, NftablesError
from paas.orchestration.network.netlink import NETFILTER, NetlinkSocket, parse_attributes

_LIBRARY = "libnftables.so.1"
_OUTPUT_JSON = 1 << 4
_MESSAGE_MAX = 2000
_GET_GENERATION = (10 << 8) | 16  # subsystem nftables
_NFGEN = b"\0\0\0\0"
_GENERATION_ID = 1


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    context = ctypes.c_void_p
    library.nft_ctx_new.restype = context
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_free.argtypes = [context]
    library.nft_ctx_buffer_output.argtypes = [context]
    library.nft_ctx_buffer_error.argtypes = [context]
    library.nft_ctx_output_set_flags.argtypes = [context, ctypes.c_uint]
    library.nft_run_cmd_from_buffer.argtypes = [context, ctypes.c_char_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        getattr(library, name).argtypes = [context]
        getattr(library, name).restype = ctypes.c_char_p
    return library


class Nftables:
    """One handle, of the network namespace of the thread that makes it."""

    def __init__(self) -> None:
        self._library = _library()
        self._lock = threading.Lock()
        self._context = self._library.nft_ctx_new(0)
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._library.nft_ctx_output_set_flags(self._context, _OUTPUT_JSON)
        # kept open: to close such a socket waits until the kernel has freed what was deleted,
        # 13 ms and more on a busy machine
        self._netlink = NetlinkSocket(NETFILTER)

    def close(self) -> None:
        """Free the handle."""
        with self._lock:
            if self._context:
                self._library.nft_ctx_free(self._context)
                self._context = None
                self._netlink.close()

    def generation(self) -> int:
        """Return how many transactions the namespace has seen, ours and others'."""
        with self._lock:
            (answer,) = self._netlink.get(_GET_GENERATION, _NFGEN)
        found = parse_attributes(answer.body[len(_NFGEN) :])
        return int.from_bytes(found[_GENERATION_ID], "big")

    def run(self, commands: str) -> str:
        """Do all or nothing of it; return what it prints. Raises NftablesError.

        The caller has checked every value in `commands`: addresses, numbers and API names only.
        """
        with self._lock:
            failed = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
            printed = self._library.nft_ctx_get_output_buffer(self._context) or b""
            complaint = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if failed:
            raise NftablesError(complaint.decode(errors="replace").strip()[:_MESSAGE_MAX])
        return str(printed.decode())

    def change(self, table: str, changes: Iterable[Change]) -> None:
        """Do all or nothing of it, at a cost that only its length decides. Raises NftablesError."""
        requests = change_requests(table, changes)
        with self._lock:
            try:
                self._netlink.transact(BEGIN, requests, END)
            except (NetlinkError, OSError) as error:
                self._netlink.close()
                self._netlink = NetlinkSocket(NETFILTER)
                raise NftablesError(str(error)) from error

    def read(self, command: str) -> list[dict[str, Any]]:
        """Return the objects that a `list` command names, as libnftables-json(5) spells them."""
        printed = self.run(command)
        if not printed:
            return []
        found: list[dict[str, Any]] = orjson.loads(printed)["nftables"]
        return [one for one in found if "metainfo" not in one]
