"""For working on Minato itself: debug pages, a fixed key."""

from paas.settings.base import *  # noqa: F403 -- Django's way to layer settings

SECRET_KEY = "development-only"  # noqa: S105 -- protects nothing
DEBUG = True
