"""Routes' own certificates in HAProxy: added, changed and taken away without a reload.

What HAProxy refuses never reaches its files, so it cannot keep it from reloading.
Source: HAProxy 2.6 management guide, `new/set/commit ssl cert`, `add ssl crt-list`.
"""

from collections.abc import Mapping
from pathlib import Path

import structlog

from paas.routes.errors import RouterError
from paas.routes.files import RouterFiles
from paas.routes.haproxy import HaproxySocket
from paas.routes.wishes import RouteWish

log = structlog.get_logger(__name__)

Own = tuple[str, str]
"""Host and bundle (PEM)."""


class OwnCertificates:
    """What HAProxy has loaded, by route."""

    def __init__(self, files: RouterFiles, haproxy: HaproxySocket) -> None:
        self._files = files
        self._haproxy = haproxy
        self._loaded: dict[str, Own] = {}

    def compare(self, wishes: Mapping[str, RouteWish]) -> None:
        """Find out what HAProxy has, then follow the wishes.

        What has a certificate in its list gets it anew: whose it is, its name tells, not which.
        """
        self._loaded = {}
        for line in self._haproxy.ask(f"show ssl crt-list {self._files.certificates}").splitlines():
            words = line.split()
            if line.startswith("/"):
                self._loaded[Path(words[0]).stem] = (words[-1], "")
        self.follow(wishes)
        for uid in self._files.certificate_uids() - set(self._loaded):
            self._files.certificate_remove(uid)

    def follow(self, wishes: Mapping[str, RouteWish]) -> None:
        """Make HAProxy have what the wishes have; one that it refuses is left out and logged."""
        wanted = {
            uid: (wish.host, wish.certificate) for uid, wish in wishes.items() if wish.certificate
        }
        if wanted == self._loaded:
            return
        for uid, (host, _) in list(self._loaded.items()):
            if uid not in wanted or wanted[uid][0] != host:
                self._remove(uid)
        for uid, own in wanted.items():
            if self._loaded.get(uid) != own:
                self._put(uid, own)
        self._files.certificates_write({uid: host for uid, (host, _) in self._loaded.items()})

    def _put(self, uid: str, own: Own) -> None:
        host, bundle = own
        path, is_new = self._files.certificate(uid), uid not in self._loaded
        try:
            if is_new:
                self._expect("ew empty certificate store", f"new ssl cert {path}")
            self._expect("ransaction", f"set ssl cert {path} <<\n{bundle}\n")
            self._expect("Success", f"commit ssl cert {path}")
            if is_new:
                listed = f"add ssl crt-list {self._files.certificates} <<\n{path} {host}\n"
                self._expect("Success", listed)
        except RouterError as error:
            log.warning("route_certificate_refused", route=uid, error=str(error))
            self._haproxy.ask(f"abort ssl cert {path}")
            if is_new:
                self._haproxy.ask(f"del ssl cert {path}")
            return
        self._files.certificate_write(uid, bundle)
        self._loaded[uid] = own

    def _remove(self, uid: str) -> None:
        path = self._files.certificate(uid)
        self._haproxy.ask(f"del ssl crt-list {self._files.certificates} {path}")
        self._haproxy.ask(f"del ssl cert {path}")
        del self._loaded[uid]
        self._files.certificates_write({one: host for one, (host, _) in self._loaded.items()})
        self._files.certificate_remove(uid)

    def _expect(self, word: str, command: str) -> None:
        answer = self._haproxy.ask(command)
        if word not in answer:
            raise RouterError(f"HAProxy refused a certificate: {answer.strip()}")
