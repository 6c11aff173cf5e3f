"""Remembers which credentials have pulled which repository of other registries.

An image that somebody pulled with a secret is no way round that secret for the next pod: who has
not pulled from the repository with this very credential pulls again. A repository that was pulled
without one is open, and so are images that we never pulled. Kept in a file over restarts.
Source: KEP-2535, "Ensure Secret Pulled Images".
"""

import hashlib
import json
import threading
from pathlib import Path

import structlog

from paas.orchestration.nodeagent.references import full_reference
from paas.runtime.base import RegistryAuth

log = structlog.get_logger(__name__)
REPOSITORIES_MAX = 5000
CREDENTIALS_MAX = 100
ANONYMOUS = "anonymous"
_OF_THE_MACHINE = "localhost/"


class PullRecords:
    """One per node; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = _read(path)

    def allows(self, image: str, auth: RegistryAuth | None) -> bool:
        """Say whether a pod with this credential may use the image as it is here."""
        with self._lock:
            known = self._known.get(_repository(image))
        return known is None or ANONYMOUS in known or _fingerprint(auth) in known

    def begin(self, image: str) -> None:
        """Note that a pull begins: from now on the image is not one that was always here."""
        repository = _repository(image)
        with self._lock:
            if repository.startswith(_OF_THE_MACHINE) or repository in self._known:
                return
            self._known[repository] = []
            while len(self._known) > REPOSITORIES_MAX:
                self._known.pop(next(iter(self._known)))
            self._save()

    def succeeded(self, image: str, auth: RegistryAuth | None) -> None:
        """Note whose credential it was."""
        repository, who = _repository(image), _fingerprint(auth)
        with self._lock:
            known = self._known.get(repository)
            if known is not None and who not in known:
                self._known[repository] = [*known, who][-CREDENTIALS_MAX:]
                self._save()

    def failed(self, image: str) -> None:
        """Forget a pull by which nothing came: what was here before stays as open as it was."""
        repository = _repository(image)
        with self._lock:
            if self._known.get(repository) == []:
                del self._known[repository]
                self._save()

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self._known))
        fresh.replace(self._path)


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(path.read_text())
        return {str(name): [str(one) for one in known] for name, known in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError) as error:
        log.warning("pull_records_unreadable", path=str(path), error=str(error))
        return {}


def _repository(image: str) -> str:
    """Return host and path: registries decide by repository, not by tag."""
    name = full_reference(image).partition("@")[0]
    place, slash, last = name.rpartition("/")
    return f"{place}{slash}{last.partition(':')[0]}"


def _fingerprint(auth: RegistryAuth | None) -> str:
    if auth is None:
        return ANONYMOUS
    return hashlib.sha256(f"{auth.username}\0{auth.password}".encode()).hexdigest()
