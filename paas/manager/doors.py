"""Opens the door of a process from its settings."""

from pathlib import Path

from django.conf import settings

from paas.accounts.authentication import Authenticator
from paas.apimachinery.database import Database
from paas.apimachinery.door import Door
from paas.apimachinery.sealing import Sealer, parse_keys
from paas.apimachinery.service_accounts import ServiceAccountTokens
from paas.manager.scheme import build_scheme
from paas.orchestration.kinds.seams import provide_token_reviewer


def new_door() -> Door:
    """Return a door on the settings' database, not yet started."""
    keys = Path(settings.MINATO_SEAL_KEYS_FILE).read_text()
    signing = Path(settings.MINATO_SIGNING_KEY_FILE).read_bytes()
    database = settings.DATABASES["default"]
    conninfo = f"host={database['HOST']} dbname={database['NAME']} user={database['USER']}"
    return Door(
        build_scheme(settings.MINATO),
        Database(conninfo),
        sealer=Sealer(parse_keys(keys)),
        account_tokens=ServiceAccountTokens(signing),
    )


def open_door() -> tuple[Door, Authenticator]:
    """Return a started door with its authenticator; once per process, after any fork."""
    door = new_door()
    authenticator = Authenticator(door)
    provide_token_reviewer(authenticator)
    door.start()
    return door, authenticator
