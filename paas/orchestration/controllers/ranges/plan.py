"""Which number a namespace has, and what follows from it. Pure.

One number gives all: project k of an instance maps user ids from `uid_base + k * 65536`, owns the
k-th /24 of the pod network and a pair of MCS categories. The ledger is the truth: what somebody
else writes on a Namespace is put right. A number given back rests, so that files and connections
of its old owner are gone before it is used again.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from paas.settings.instance import PROJECT_UIDS, Instance

UID_RANGE = "openshift.io/sa.scc.uid-range"
SUPPLEMENTAL_GROUPS = "openshift.io/sa.scc.supplemental-groups"
MCS = "openshift.io/sa.scc.mcs"
POD_SUBNET = "minato.io/pod-subnet"

MOST = 1023  # /24 networks in the instance's /14, but for the machine's own
REST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """Whose a number is. `freed_at` is set when that namespace was seen to be gone."""

    uid: str
    name: str
    freed_at: datetime | None = None


Ledger = dict[int, Entry]


def swept(ledger: Ledger, living: Collection[str], *, now: datetime) -> Ledger:
    """Note what namespaces are gone, and drop those whose number has rested long enough."""
    result: Ledger = {}
    for number, entry in ledger.items():
        if entry.uid in living:
            result[number] = Entry(entry.uid, entry.name)
        elif entry.freed_at is None:
            result[number] = Entry(entry.uid, entry.name, now)
        elif now - entry.freed_at < REST:
            result[number] = entry
    return result


def number_of(ledger: Ledger, uid: str) -> int | None:
    """Return the number of a namespace, if it has one."""
    return next((number for number, entry in ledger.items() if entry.uid == uid), None)


def free_number(ledger: Ledger) -> int | None:
    """Return the lowest number that nobody has, or None when all are taken."""
    return next((number for number in range(1, MOST + 1) if number not in ledger), None)


def next_release_s(ledger: Ledger, *, now: datetime) -> float | None:
    """Return the seconds until a number has rested, or None where none rests."""
    ends = [entry.freed_at + REST for entry in ledger.values() if entry.freed_at]
    return max(1.0, (min(ends) - now).total_seconds()) if ends else None


def annotations_for(instance: Instance, number: int) -> dict[str, str]:
    """Return the Namespace's annotations."""
    users = f"{instance.uid_base + number * PROJECT_UIDS}/{PROJECT_UIDS}"
    network = instance.pod_network.network_address + number * 256
    return {
        UID_RANGE: users,
        SUPPLEMENTAL_GROUPS: users,
        MCS: _mcs(instance.number * (MOST + 1) + number),
        POD_SUBNET: f"{network}/24",
    }


def _mcs(number: int) -> str:
    """Return a pair of different categories, the higher first; another for each number."""
    high = (1 + math.isqrt(1 + 8 * number)) // 2
    return f"s0:c{high},c{number - high * (high - 1) // 2}"
