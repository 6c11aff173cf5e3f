"""Secrets and certificates."""

from deploy import certificates, secret_files
from deploy.steps.base import Setup, Step


def _secrets_missing(setup: Setup) -> bool:
    return bool(secret_files.missing(setup.instance))


def _secrets_create(setup: Setup) -> None:
    secret_files.create(setup.instance, now=setup.now)


def _certificates_due(setup: Setup) -> bool:
    return bool(certificates.due(setup.instance, now=setup.now))


def _certificates_issue(setup: Setup) -> None:
    certificates.issue(setup.instance, now=setup.now)


SECRETS = Step("Secrets", _secrets_missing, _secrets_create)
CERTIFICATES = Step("Certificates", _certificates_due, _certificates_issue)
