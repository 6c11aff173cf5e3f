"""For a running platform: every secret comes from a file that only its user can read."""

from paas.settings import env, logs
from paas.settings.base import *  # noqa: F403 -- Django's way to layer settings
from paas.settings.base import MINATO

DEBUG = False
SECRET_KEY = env.secret("MINATO_SECRET_KEY", MINATO.secrets / "django.key")
# The edge lets no other host through, but the web socket may be asked by name of the machine.
ALLOWED_HOSTS = [
    MINATO.console_host,
    MINATO.api_host,
    MINATO.git_host,
    MINATO.registry_host,
    "127.0.0.1",
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STATIC_ROOT = MINATO.home / "static"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
logs.configure()
