"""Who has which address of which project's /24. Pure bookkeeping; the kernel is the truth.

An address that was given back is the last of its subnet to be given out again, so that a
connection or a name that is remembered somewhere does not find a stranger behind it.
"""

from ipaddress import IPv4Address, IPv4Network

from paas.core.errors import RetryLaterError

_FULL_RETRY_S = 5.0


def gateway_of(subnet: IPv4Network) -> IPv4Address:
    """Return the address that the project's pods send everything to: the first."""
    return subnet[1]


class AddressPool:
    """Addresses by pod uid. Not safe for several threads: its owner has the lock."""

    def __init__(self) -> None:
        self._by_uid: dict[str, IPv4Address] = {}
        self._last: dict[IPv4Network, IPv4Address] = {}

    def take(self, subnet: IPv4Network, pod_uid: str) -> IPv4Address:
        """Return the pod's address, a new one if it has none. Raises RetryLaterError when full."""
        kept = self._by_uid.get(pod_uid)
        if kept is not None and kept in subnet:
            return kept
        address = self._next(subnet)
        self._by_uid[pod_uid] = address
        self._last[subnet] = address
        return address

    def adopt(self, subnet: IPv4Network, pod_uid: str, address: IPv4Address) -> None:
        """Note what an earlier process gave out; the last one adopted is where it goes on."""
        self._by_uid[pod_uid] = address
        self._last[subnet] = address

    def find(self, pod_uid: str) -> IPv4Address | None:
        """Return the pod's address, if it has one."""
        return self._by_uid.get(pod_uid)

    def give_back(self, pod_uid: str) -> None:
        """Forget the pod."""
        self._by_uid.pop(pod_uid, None)

    def all(self) -> dict[str, str]:
        """Return a copy: pod uid → address."""
        return {uid: str(address) for uid, address in self._by_uid.items()}

    def _next(self, subnet: IPv4Network) -> IPv4Address:
        first, last = subnet[2], subnet[-2]
        used = set(self._by_uid.values())
        candidate = self._last.get(subnet, last)
        for _ in range(int(last) - int(first) + 1):
            candidate = first if candidate >= last else candidate + 1
            if candidate not in used:
                return candidate
        raise RetryLaterError(f"no free pod address in {subnet}", delay_s=_FULL_RETRY_S)
