"""For tests and type checks: no secret is asked for, the database is the test run's own."""

from paas.settings import logs
from paas.settings.base import *  # noqa: F403 -- Django's way to layer settings

SECRET_KEY = "test-only"  # noqa: S105 -- protects nothing
DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
logs.configure()
