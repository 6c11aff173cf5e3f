"""Which instances the machine has: two homes never share a number.

One file per number, named by it, holds the home. A number whose home is gone is free again.
"""

from pathlib import Path

from deploy.errors import DeployError
from paas.settings.instance import INSTANCES_MAX

REGISTRY = Path("/var/lib/minato-instances")
DEFAULT_HOME = Path("/var/lib/minato")


def number_claim(home: Path, wanted: int | None = None, registry: Path = REGISTRY) -> int:
    """Return the number of the instance in `home`, which exists; the first claim wins.

    The default home prefers 0, which others leave to it. Raises DeployError when `wanted` is
    another home's, or none is left.
    """
    registry.mkdir(parents=True, exist_ok=True)
    held = number_of(home, registry)
    if held is not None and wanted in {None, held}:
        return held
    for number in _candidates(home, wanted):
        if _take(registry / str(number), home):
            if held is not None:
                number_release(home, registry, number=held)
            return number
    raise _none_left(registry, wanted)


def number_of(home: Path, registry: Path = REGISTRY) -> int | None:
    """Return the number that a home holds, if it holds one."""
    for number in range(INSTANCES_MAX + 1):
        if _holder(registry / str(number)) == home:
            return number
    return None


def number_release(home: Path, registry: Path = REGISTRY, *, number: int | None = None) -> None:
    """Give back a home's number."""
    held = number_of(home, registry) if number is None else number
    if held is not None:
        (registry / str(held)).unlink(missing_ok=True)


def _candidates(home: Path, wanted: int | None) -> list[int]:
    if wanted is not None:
        return [wanted]
    others = list(range(1, INSTANCES_MAX + 1))
    return [0, *others] if home == DEFAULT_HOME else others


def _holder(claim: Path) -> Path | None:
    try:
        return Path(claim.read_text().strip())
    except FileNotFoundError:
        return None


def _take(claim: Path, home: Path) -> bool:
    holder = _holder(claim)
    if holder is not None and holder != home and not holder.exists():
        claim.unlink(missing_ok=True)
    try:
        with claim.open("x") as file:  # exclusive: two set-ups may run at once
            file.write(f"{home}\n")
    except FileExistsError:
        return _holder(claim) == home
    return True


def _none_left(registry: Path, wanted: int | None) -> DeployError:
    if wanted is None:
        return DeployError(
            f"All {INSTANCES_MAX} instance numbers are taken.", f"See the files in {registry}."
        )
    return DeployError(
        f"Instance {wanted} belongs to {_holder(registry / str(wanted))}.",
        "Set MINATO_INSTANCE to another number, or leave it out.",
    )
