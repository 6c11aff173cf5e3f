"""What every environment shares. Django's names are Django's, ours begin with MINATO."""

import tomllib
from pathlib import Path

from paas.settings import env, projects

ROOT = Path(__file__).parents[2]
MINATO = env.instance()
MINATO_VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
MINATO_SEAL_KEYS_FILE = MINATO.secrets / "seal.keys"
MINATO_TICKET_KEY_FILE = MINATO.secrets / "node-ticket.key"
MINATO_SIGNING_KEY_FILE = MINATO.secrets / "sa-signing.key"
MINATO_REGISTRY_KEY_FILE = MINATO.secrets / "registry-token.key"
MINATO_REGISTRY_CERTIFICATE_FILE = MINATO.secrets / "registry-token.crt"
MINATO_REGISTRY_NOTIFY_FILE = MINATO.secrets / "registry-notify.token"

ROOT_URLCONF = "webui.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "paas.apimachinery",
    "paas.accounts",
    "paas.audit",
    "paas.builds",
    "webui",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": env.text("MINATO_DATABASE_NAME", "minato"),
        "USER": "minato",
        "HOST": env.text("MINATO_DATABASE_HOST", str(MINATO.postgres_socket_dir)),
        # each request of the console has a thread of its own, which ends with it
        "CONN_MAX_AGE": 0,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ja", "日本語")]
STATIC_URL = "/static/"
MINATO_BUNDLE = ROOT / "webui" / "static" / "dist"

MIDDLEWARE = [
    "webui.middleware.headers.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webui.middleware.failures.Failures",
    "webui.middleware.actors.SignedIn",
    "webui.middleware.actors.Actors",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webui.web.layout",
            ],
            "builtins": ["django.templatetags.i18n", "webui.templatetags.console"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "projects"
CSRF_FAILURE_VIEW = "webui.pages.errors.csrf_refused"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The browser keeps a `__Host-` cookie for this very host alone, and never without TLS.
SESSION_COOKIE_NAME = "__Host-minato-session"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
CSRF_COOKIE_NAME = "__Host-minato-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# What a project that a person makes for themselves begins with; an administrator may change it.
MINATO_PROJECT_QUOTA = projects.quota()
MINATO_PROJECT_LIMITS = projects.limits()

# What builds trust, see and may use. MINATO_BUILD_ENV_PIP_INDEX_URL=… is PIP_INDEX_URL in builds.
MINATO_BUILD_CA_BUNDLE = env.absolute_path("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
MINATO_BUILD_ENVIRONMENT = {**env.proxies(), **env.prefixed("MINATO_BUILD_ENV_")}
MINATO_BUILD_SCHEMES = env.build_schemes()
MINATO_BUILDS_MAX = env.integer("MINATO_BUILDS_MAX", 4, low=1, high=6)
MINATO_BUILD_DEADLINE_S = env.integer("MINATO_BUILD_DEADLINE_S", 1800, low=60, high=86400)
MINATO_BUILD_CACHE_GIB = env.integer("MINATO_BUILD_CACHE_GIB", 10, low=2, high=1000)

# How often is looked at what pods use, and at whether that asks for another number of them.
MINATO_USAGE_EVERY_S = env.integer("MINATO_USAGE_EVERY_S", 15, low=5, high=300)
MINATO_AUTOSCALER_EVERY_S = env.integer("MINATO_AUTOSCALER_EVERY_S", 15, low=5, high=300)

# How much of the registry's disk stays free: with less, no image is pushed.
MINATO_REGISTRY_FREE_MIN_MIB = env.integer(
    "MINATO_REGISTRY_FREE_MIN_MIB", 2048, low=0, high=1_000_000
)

# How long it is known who did what.
MINATO_AUDIT_KEPT_DAYS = env.integer("MINATO_AUDIT_KEPT_DAYS", 90, low=1, high=3650)

# What one push may bring, and one repository hold.
MINATO_GIT_PUSH_MAX_MIB = env.integer("MINATO_GIT_PUSH_MAX_MIB", 512, low=1, high=100_000)
MINATO_GIT_REPOSITORY_MAX_MIB = env.integer(
    "MINATO_GIT_REPOSITORY_MAX_MIB", 2048, low=1, high=1_000_000
)
