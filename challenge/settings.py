"""Settings of the site and its workers: one file, values from the environment.

Every value named here is read from the variable X, or from the file named by X_FILE (for secrets). With none set, the
site runs on this machine alone: SQLite, a file-system broker and local files, all under `PARAKH_VAR`.
Mistakes are reported by `manage.py check`: see checks.py.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import django_stubs_ext

from challenge.logs import logging_config
from challenge.storage_url import storage_settings

# Lets Django's classes take type arguments at run time too: `forms.ModelForm[Phase]`.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """The variable `name`, or the content of the file that `name`_FILE names, or `default`."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default)


def env_bool(name: str, default: bool = False) -> bool:
    """True for 1, on, true, yes in any case."""
    return env(name, str(default)).strip().lower() in {"1", "on", "true", "yes"}


def env_list(name: str, default: str = "") -> list[str]:
    """Values separated by commas, blanks removed."""
    return [value.strip() for value in env(name, default).split(",") if value.strip()]


def kept_secret(path: Path) -> str:
    """A random secret kept in `path` (mode 0600), made on first use; two processes that start at once agree on it."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as draft:
            draft.write(secrets.token_urlsafe(50))
        try:
            os.link(draft.name, path)
        except FileExistsError:
            pass  # The other process was faster: its secret is the one.
        finally:
            os.unlink(draft.name)
    return path.read_text(encoding="utf-8")


# --- Where everything that is written lies ---------------------------------------------------------------------------
PARAKH_VAR = Path(env("PARAKH_VAR", str(BASE_DIR / "var"))).resolve()
MEDIA_ROOT = PARAKH_VAR / "media"  # Uploads: never served by URL.
STATIC_ROOT = PARAKH_VAR / "static"
BROKER_DIR = PARAKH_VAR / "broker"
CACHE_DIR = PARAKH_VAR / "cache"
ALIVE_DIR = PARAKH_VAR / "alive"  # Signs of life of worker and beat, for health checks.
FILE_UPLOAD_TEMP_DIR = PARAKH_VAR / "incoming"  # What has arrived of uploads, until it is complete.
try:
    # The database in it holds sessions and tokens, so nobody else on the machine may look in.
    PARAKH_VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (MEDIA_ROOT, STATIC_ROOT, BROKER_DIR, CACHE_DIR, ALIVE_DIR, FILE_UPLOAD_TEMP_DIR):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError:
    pass  # System check parakh.E003 says so in words.

DOCS_DIR = BASE_DIR / "docs"  # Served under /docs/.

# --- The site and its address ----------------------------------------------------------------------------------------
DEBUG = env_bool("DEBUG")
SITE_URL = env("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
_site = urlsplit(SITE_URL)
IS_HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", f"{_site.hostname},localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", SITE_URL)
SECRET_KEY_IS_GENERATED = not env("SECRET_KEY")
SECRET_KEY = env("SECRET_KEY") or kept_secret(PARAKH_VAR / "secret-key")

ROOT_URLCONF = "challenge.urls"
WSGI_APPLICATION = "challenge.wsgi.application"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "challenge.apps.ChallengeConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "csp",
    "rest_framework",
    "knox",
    "drf_spectacular",
]

MIDDLEWARE = [
    "challenge.middleware.RequestId",
    # The outermost: what they add is on files, redirects and errors too.
    "challenge.middleware.Strictness",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "challenge.middleware.Methods",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,  # `challenge` comes first, so its templates replace those of admin and allauth.
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database, files, cache, mail ------------------------------------------------------------------------------------
DATABASE_URL = env("DATABASE_URL", f"sqlite:///{PARAKH_VAR / 'parakh.sqlite3'}")
PARAKH_LOCK_SECONDS = float(env("PARAKH_LOCK_SECONDS", "30"))  # PostgreSQL only: most silence within a transaction.
DATABASE_URL_MISTAKE = ""  # Reported by system check parakh.E008.
try:
    _database: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL))
except ValueError as error:
    DATABASE_URL_MISTAKE = str(error)
    _database = {"ENGINE": "django.db.backends.dummy"}
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Site and worker write at the same time: readers never wait (WAL), writers queue from their first statement on
    # (IMMEDIATE) and for up to 30 s, so that no transaction fails half-way with "database is locked".
    _database["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL",
    }
    # Tests use a file too, so that threads and processes meet as they do in earnest; each test run its own.
    _database["TEST"] = {"NAME": str(PARAKH_VAR / f"test-{os.getpid()}.sqlite3")}
elif not DATABASE_URL_MISTAKE:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # What is in DATABASE_URL after a `?` comes before these.
    _database["OPTIONS"] = {
        # A process that is stopped, or whose machine is gone, in the middle of a transaction holds its rows: the reaper
        # would wait for it for ever. No transaction here waits for anything but the database.
        "options": f"-c idle_in_transaction_session_timeout={PARAKH_LOCK_SECONDS * 1000:.0f}",
        # A server that vanished without a word is noticed within half a minute; by the kernel's defaults, in hours.
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    } | _database.get("OPTIONS", {})
DATABASES = {"default": _database}

STORAGE_URL = env("STORAGE_URL")  # s3://KEY:SECRET@HOST:PORT/BUCKET; empty: local disk.
STORAGE_URL_MISTAKE = ""  # Reported by system check parakh.E020.
try:
    _storage = storage_settings(STORAGE_URL)
except ValueError as error:
    STORAGE_URL_MISTAKE = str(error)
    _storage = {"BACKEND": "django.core.files.storage.Storage"}  # That can do nothing: no file goes astray.
STORAGES = {
    "default": _storage,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_URL = "static/"
FILE_UPLOAD_HANDLERS = [
    "challenge.form_files.Doorkeeper",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

CACHE_URL = env("CACHE_URL")  # redis://…; login and API rate limits need a cache that all web processes share.
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL}
    if CACHE_URL
    else {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(CACHE_DIR),
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

EMAIL_HOST = env("EMAIL_HOST")
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
MAIL_DIR = PARAKH_VAR / "mail"  # Without a mail server, mails are files there, to be read by who runs the site.
EMAIL_BACKEND = env("EMAIL_BACKEND") or (_SMTP if EMAIL_HOST else "challenge.mail_files.EmailBackend")
if EMAIL_BACKEND == _SMTP:
    EMAIL_HOST = EMAIL_HOST or "localhost"
MAIL_GOES_OUT = EMAIL_BACKEND == _SMTP or not EMAIL_BACKEND.startswith(("django.core.mail.", "challenge."))
EMAIL_PORT = int(env("EMAIL_PORT", "25"))
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10  # Seconds: a mail server that does not answer must not hold up who has something to say.
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", f"Parakh <noreply@{_site.hostname}>")

PARAKH_MAIL_SOON = True  # Web processes send what they write at once; what fails then is tried again by the others.
PARAKH_OPERATORS = env_list("PARAKH_OPERATORS")  # Mail addresses that alerts go to: see alerts.py.

# --- Accounts --------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_FORMS = {"login": "challenge.forms.accounts.LoginForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
# Who has not confirmed her address can't submit or join a team; where no mail goes out, that would be everybody.
ACCOUNT_EMAIL_VERIFICATION = env("ACCOUNT_EMAIL_VERIFICATION", "mandatory" if MAIL_GOES_OUT else "optional")
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Parakh] "
ACCOUNT_EMAIL_NOTIFICATIONS = True  # A changed password or a second factor switched off is told to its owner.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # A reset for an address without an account mails nobody: it would be a way to.
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_USERNAME_VALIDATORS = "challenge.accounts.username_validators"
ACCOUNT_USERNAME_BLACKLIST = ["admin", "deadline", "operator", "organizer", "parakh", "reaper", "staff", "system"]
ACCOUNT_ADAPTER = "challenge.accounts.AccountAdapter"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# Of the shared cache, by address (ip), by account or mail address asked for (key), by who is logged in (user).
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,30/h/ip,5/5m/key",
    "signup": "10/m/ip,50/h/ip",
    "reset_password": "10/m/ip,50/h/ip,3/h/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "manage_email": "10/m/user,30/h/user",
    "confirm_email": "1/3m/key",
    "reauthenticate": "10/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Parakh"
MFA_TOTP_TOLERANCE = 1  # Clocks of telephones are half a minute off.
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION != "mandatory"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _site.scheme
# How many reverse proxies of ours stand in front: rate limits count by the client's address.
TRUSTED_PROXY_COUNT = int(env("TRUSTED_PROXY_COUNT", "0"))
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

# --- Safety of browsers ----------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# Browsers take a cookie of this prefix only over https and from this very host: no neighbour's subdomain can set one.
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if IS_HTTPS else "csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "challenge.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # Asked from inside, where nobody speaks https.
SECURE_HSTS_SECONDS = int(env("SECURE_HSTS_SECONDS", "3600" if IS_HTTPS else "0"))
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("SECURE_HSTS_INCLUDE_SUBDOMAINS")
SECURE_HSTS_PRELOAD = env_bool("SECURE_HSTS_PRELOAD")
# These two speak for a whole domain, other sites on it included: an operator's promise, not a default.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS and TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

_FEATURES = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _FEATURES)  # No page of ours needs any.

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "challenge.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env("API_RATE_ANON", "60/min"),
        "user": env("API_RATE_USER", "300/min"),
        "board_file": env("API_RATE_EXPORT", "30/min"),  # A board as CSV or JSON: whoever asks, by address.
        "upload": env("API_RATE_UPLOAD", "3000/min"),  # Pieces of uploads.
    },
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "ALLOWED_VERSIONS": ["1"],  # The schema's view would put any other `?version=` into a header.
    "DEFAULT_SCHEMA_CLASS": "challenge.api.schema.Schema",
    "EXCEPTION_HANDLER": "challenge.api.problems.problem_details",
}
KNOX_TOKEN_MODEL = "challenge.Token"  # noqa: S105 (a model)
MIGRATION_MODULES = {"knox": None}  # Its own table is not used.
REST_KNOX = {"TOKEN_MODEL": KNOX_TOKEN_MODEL, "TOKEN_PREFIX": "parakh_", "TOKEN_TTL": None}
SPECTACULAR_SETTINGS = {
    "TITLE": "Parakh API",
    "DESCRIPTION": "Challenges, phases, boards and submissions. With examples: /docs/api/",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "challenge.api.schema.with_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Kind": "challenge.models.Kind",
        "SubmissionState": "challenge.models.State",
        "AttemptState": "challenge.models.AttemptState",
    },
}

# --- Workers ---------------------------------------------------------------------------------------------------------
BROKER_URL = env("BROKER_URL", "filesystem://localhost")
BROKER_VISIBILITY_SECONDS = int(env("BROKER_VISIBILITY_SECONDS", "0"))  # Redis only; 0: above the longest run.
PARAKH_LEASE_SECONDS = float(env("PARAKH_LEASE_SECONDS", "60"))  # Renewed every quarter of it.
PARAKH_REAP_SECONDS = float(env("PARAKH_REAP_SECONDS", "15"))
PARAKH_STOP_SECONDS = float(env("PARAKH_STOP_SECONDS", "60"))  # A run may go on for so long after SIGTERM.
PARAKH_HOST_NAME = env("PARAKH_HOST_NAME", socket.gethostname())  # Workers of one name share its cores and memory.
PARAKH_QUEUES = tuple(env_list("PARAKH_QUEUES", "default"))  # That this machine's workers serve; phases name one.
PARAKH_CPUSET = env("PARAKH_CPUSET")  # Cores this worker's containers may use, e.g. "2-3"; empty: any.
PARAKH_ALLOW_UNSAFE_HOST = env_bool("PARAKH_ALLOW_UNSAFE_HOST")  # Workers start although `sandbox check` says no.
PARAKH_BASES = tuple(env_list("PARAKH_BASES", "pytorch"))  # That code submissions may choose; the first is the default.
# The most that the evaluation hosts can give a container; 0 or empty: what this machine and its engine have.
PARAKH_HOST_CPUS = int(env("PARAKH_HOST_CPUS", "0"))
PARAKH_HOST_MEMORY_BYTES = int(env("PARAKH_HOST_MEMORY_BYTES", "0"))
PARAKH_HOST_GPUS = int(env("PARAKH_HOST_GPUS", "0"))
PARAKH_HOST_RUNTIMES = tuple(env_list("PARAKH_HOST_RUNTIMES"))

# --- What operators watch --------------------------------------------------------------------------------------------
PARAKH_METRICS_TOKEN = env("PARAKH_METRICS_TOKEN")  # Prometheus sends it as a bearer token; empty: from loopback only.
PARAKH_ALERT_WAITING_MINUTES = float(env("PARAKH_ALERT_WAITING_MINUTES", "5"))  # Queued so long, and no host for it.

# --- Logs ------------------------------------------------------------------------------------------------------------
LOG_FORMAT = env("LOG_FORMAT", "console")  # or "json"
LOG_LEVEL = env("LOG_LEVEL", "INFO")
LOGGING = logging_config(LOG_FORMAT, LOG_LEVEL)
