"""Allocates each namespace's ranges from one ledger, a ConfigMap in kube-system.

The ledger is written before the Namespace, with the version it was read at: two processes can
never give one number twice, and after a crash the number is found again by the namespace's uid.
"""

from datetime import datetime

import orjson

from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.controller import Controller, Source, itself
from paas.core.errors import AlreadyExistsError, ConflictError, RetryLaterError
from paas.core.objects import (
    ApiObject,
    ObjectKey,
    annotations_of,
    is_deleting,
    micro_timestamp,
    name_of,
    parse_timestamp,
    uid_of,
)
from paas.orchestration.controllers.ranges.plan import (
    MOST,
    Entry,
    Ledger,
    annotations_for,
    free_number,
    next_release_s,
    number_of,
    swept,
)
from paas.settings.instance import Instance

NAME = "namespace-range-controller"
RESOURCE = "namespaces"
LEDGER = "minato-namespace-ranges"
PLACE = "kube-system"
FULL_RETRY_S = 60.0


class NamespaceRanges:
    """Reconciles one Namespace per call; one worker, since all share the ledger."""

    def __init__(self, context: Context, instance: Instance) -> None:
        self._client = context.client(NAME)
        self._events = context.recorder(NAME)
        self._now = context.now
        self._instance = instance
        self._namespaces = context.of(RESOURCE)
        self._settled: dict[str, dict[str, str]] = {}

    def controller(self) -> Controller:
        """Return the declaration for the engine."""
        return Controller(NAME, self.reconcile, [Source(self._namespaces, itself(RESOURCE))])

    def reconcile(self, key: ObjectKey) -> float | None:
        """Give the namespace its ranges; or, once it is gone, give its number back.

        Returns seconds until the next number has rested, when the key's namespace is gone.
        Raises RetryLaterError when every number is taken.
        """
        namespace = self._namespaces.find(key)
        if namespace is not None and (is_deleting(namespace) or self._is_settled(namespace)):
            return None
        stored = self._client.find("configmaps", LEDGER, PLACE)
        before = read_ledger(stored)
        # the fresh list, not the copy: a number freed too early would be given twice
        living = {uid_of(one) for one in self._client.list(RESOURCE).items}
        ledger = swept(before, living, now=self._now())
        if namespace is None or uid_of(namespace) not in living:
            self._settled.pop(key.uid, None)
            self._save(stored, before, ledger)
            return next_release_s(ledger, now=self._now())
        number = number_of(ledger, uid_of(namespace)) or free_number(ledger)
        if number is None:
            self._save(stored, before, ledger)
            raise self._full(namespace)
        ledger[number] = Entry(uid_of(namespace), name_of(namespace))
        self._save(stored, before, ledger)
        wanted = annotations_for(self._instance, number)
        if not wanted.items() <= annotations_of(namespace).items():
            body = {"metadata": {"uid": uid_of(namespace), "annotations": wanted}}
            self._client.merge(RESOURCE, name_of(namespace), body=body)
        self._settled[uid_of(namespace)] = wanted
        return None

    def _is_settled(self, namespace: ApiObject) -> bool:
        """Say whether this process has seen to the namespace and nobody has changed it since."""
        wanted = self._settled.get(uid_of(namespace))
        return wanted is not None and wanted.items() <= annotations_of(namespace).items()

    def _full(self, namespace: ApiObject) -> RetryLaterError:
        words = f"all {MOST} ranges of user ids and networks are taken"
        self._events.warning(namespace, "NoRangeLeft", words)
        return RetryLaterError(words, delay_s=FULL_RETRY_S)

    def _save(self, stored: ApiObject | None, before: Ledger, ledger: Ledger) -> None:
        if ledger == before and stored is not None:
            return
        data = {str(number): _written(entry) for number, entry in sorted(ledger.items())}
        if stored is not None:
            self._client.update({**stored, "data": data})
            return
        made = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": LEDGER, "namespace": PLACE},
            "data": data,
        }
        try:
            self._client.create(made)
        except AlreadyExistsError as error:
            raise ConflictError(error.message) from error


def _written(entry: Entry) -> str:
    fields = {"uid": entry.uid, "name": entry.name}
    if entry.freed_at is not None:
        fields["freedAt"] = micro_timestamp(entry.freed_at)
    return orjson.dumps(fields).decode()


def read_ledger(stored: ApiObject | None) -> Ledger:
    """Return the ledger that the ConfigMap holds; a spoilt one raises ValueError or KeyError."""
    return {int(number): _read(text) for number, text in ((stored or {}).get("data") or {}).items()}


def _read(text: str) -> Entry:
    fields = orjson.loads(text)
    freed: datetime | None = None
    if fields.get("freedAt"):
        freed = parse_timestamp(fields["freedAt"])
    return Entry(fields["uid"], fields["name"], freed)
