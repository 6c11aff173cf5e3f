"""The order of `minato up`. A step that shows the platform off comes last."""

from deploy.steps import (
    builders,
    configuration,
    database,
    first_login,
    images,
    install,
    keys,
    machine,
    sample,
    start,
)
from deploy.steps.base import Step

STEPS: list[Step] = [
    machine.USERS,
    machine.DIRECTORIES,
    install.BUNDLE,
    install.RELEASE,
    install.VENV,
    keys.SECRETS,
    keys.CERTIFICATES,
    machine.TRUST_STORE,
    machine.NAMES,
    machine.LINK,
    database.CLUSTER,
    configuration.CONFIGURATION,
    images.IMAGES,
    start.SERVERS,
    database.ROLE_AND_DATABASE,
    database.TABLES,
    start.DATA_PLANE,
    start.PLATFORM,
    start.READY,
    first_login.FIRST_LOGIN,
    builders.BUILDERS,
    sample.SAMPLE,
]
