"""A process that writes: `python -m tests.apimachinery.writer DSN PREFIX COUNT`."""

import sys

from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.sealing import KEY_BYTES, Sealer
from paas.core.actors import platform_actor
from tests.apimachinery.kinds import config_map, new_scheme
from tests.fixtures.keys import throw_away_tokens


def main(dsn: str, prefix: str, count: str) -> None:
    sealer = Sealer({"test": bytes(KEY_BYTES)})
    door = Door(new_scheme(), Database(dsn), sealer=sealer, account_tokens=throw_away_tokens())
    for number in range(int(count)):
        door.create(platform_actor("test"), config_map(f"{prefix}-{number}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
