"""Django's settings, read from the environment.

With nothing configured the project runs on one machine: DEBUG is on, PostgreSQL and Redis come from wheels
(`instainstru.local.servers`), and Stripe is the simulator. A production sets `DJANGO_DEBUG=0`, `DJANGO_SECRET_KEY`,
`DJANGO_ALLOWED_HOSTS`, `SITE_URL`, `DATABASE_URL`, `REDIS_URL`, `STRIPE_SECRET_KEY` and `STRIPE_WEBHOOK_SECRET`;
whatever of these is missing then stops the start with its name, as a live key of Stripe's does where DEBUG is on.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, *, default: bool) -> bool:
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _required(name: str, *, locally: str = "") -> str:
    """Return what a production has to be given; where DEBUG is on, `locally` stands in for it."""
    value = os.environ.get(name, "").strip()
    if not (DEBUG or value.strip(" ,")):  # a list of nothing is nothing
        raise ImproperlyConfigured(f"{name} must be set when DJANGO_DEBUG is off.")
    return value or locally


# --- Where we are -------------------------------------------------------------------------------------------------

TESTING = "pytest" in sys.modules
DEBUG = _flag("DJANGO_DEBUG", default=True)
_KNOWN_KEY = "local-only-key-that-no-production-may-use"
SECRET_KEY = _required("DJANGO_SECRET_KEY", locally=_KNOWN_KEY)
if SECRET_KEY == _KNOWN_KEY and not DEBUG:
    raise ImproperlyConfigured("DJANGO_SECRET_KEY is the one known to everybody, who could sign sessions with it.")
ALLOWED_HOSTS = _listed(_required("DJANGO_ALLOWED_HOSTS", locally="localhost,127.0.0.1,[::1],testserver"))
CSRF_TRUSTED_ORIGINS = _listed(os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", ""))
SITE_URL = _required("SITE_URL", locally="http://127.0.0.1:8000").rstrip("/")  # in messages, and for Stripe's returns

# --- Stripe -------------------------------------------------------------------------------------------------------

STRIPE_API_VERSION = "2026-05-27.dahlia"  # the same for the SDK, dj-stripe and webhooks
STRIPE_SECRET_KEY = _required("STRIPE_SECRET_KEY")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
if STRIPE_LIVE_MODE and DEBUG:  # whose error pages tell much, and whose secret key may be the known one
    raise ImproperlyConfigured("STRIPE_SECRET_KEY is a live key: real money wants DJANGO_DEBUG=0.")
STRIPE_WEBHOOK_SECRETS = _listed(_required("STRIPE_WEBHOOK_SECRET"))  # one of each endpoint, and old ones beside new
STRIPE_PUBLISHABLE_KEY = os.environ.get("STRIPE_PUBLISHABLE_KEY", "")
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")
USES_SIMULATOR = DEBUG and not STRIPE_SECRET_KEY
if USES_SIMULATOR:
    STRIPE_SECRET_KEY = "sk_test_simulator0000000000000000"  # the form that dj-stripe wants; opens nothing
    STRIPE_WEBHOOK_SECRETS = STRIPE_WEBHOOK_SECRETS or ["whsec_simulator000000000000000000"]
    STRIPE_API_BASE = STRIPE_API_BASE or "http://127.0.0.1:12111"
STRIPE_CONNECT_TIMEOUT = 5
STRIPE_READ_TIMEOUT = 30
OPERATION_LEASE = timedelta(seconds=90)  # a call may take 30 s; the lease is renewed with every answer
STRIPE_CALLS_PER_SECOND = int(os.environ.get("STRIPE_CALLS_PER_SECOND", "25"))  # per endpoint, Stripe's live limit

# When Stripe pays an instructor's balance out to the bank: daily, weekly:friday, monthly:15. `payouts audit` compares.
STRIPE_PAYOUT_SCHEDULE = os.environ.get("STRIPE_PAYOUT_SCHEDULE", "daily")

STRIPE_TEST_SECRET_KEY = "" if STRIPE_LIVE_MODE else STRIPE_SECRET_KEY
STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY if STRIPE_LIVE_MODE else ""
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_SUBSCRIBER_MODEL = "accounts.User"

# The clock may travel only where no real money and no real people are (design 7).
CLOCK_TRAVELS = USES_SIMULATOR

# --- Apps ---------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "instainstru.admin.InstaInstruAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_celery_beat",
    "djstripe",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "instainstru",
    "instainstru.accounts",
    "django.contrib.auth",  # after accounts, whose `changepassword` stands in for its own
    "instainstru.notifications",
    "credits",
    "payments",
    "bookings",
    "disputes",
]
if DEBUG:
    INSTALLED_APPS.append("instainstru.local")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "instainstru.observability.RequestContextMiddleware",
    "instainstru.clock.ClockMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "instainstru.errors.ReadableTextMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "instainstru.errors.ErrorPagesMiddleware",
]

ROOT_URLCONF = "instainstru.urls"
WSGI_APPLICATION = "instainstru.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "instainstru.templatetags.money",
                "instainstru.templatetags.pieces",
                "instainstru.templatetags.times",
            ],
        },
    },
]

# --- PostgreSQL and Redis -----------------------------------------------------------------------------------------

DATABASE_URL, REDIS_URL = _required("DATABASE_URL"), _required("REDIS_URL")
if not (DATABASE_URL and REDIS_URL):
    from instainstru.local import servers

    _embedded = servers.ensure("test" if TESTING else "default")
    DATABASE_URL = DATABASE_URL or _embedded.database_url
    REDIS_URL = REDIS_URL or _embedded.redis_url

_DATABASE = dj_database_url.parse(DATABASE_URL, conn_max_age=int(os.environ.get("DATABASE_CONN_MAX_AGE", "60")))
if os.environ.get("DATABASE_PREPARES", "1") == "1":  # "0" is for a pooler that can't keep prepared statements
    _DATABASE["OPTIONS"] = {**_DATABASE.get("OPTIONS", {}), "server_side_binding": True, "prepare_threshold": 3}
# A pooler in transaction mode could not keep a cursor from one statement to the next; what is read so fits in memory.
DATABASES = {"default": {**_DATABASE, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": True}}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "instainstru",
        # A cache that is down is a miss, never an error page (design 10).
        "OPTIONS": {"IGNORE_EXCEPTIONS": True, "SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# dj-stripe's own migrations take over a minute on PostgreSQL: docs/decisions/0002.
MIGRATION_MODULES = {"djstripe": "instainstru.djstripe_migrations"}

# --- People -------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if DEBUG:  # where the secret key is known a password guards nothing; a good hash takes a fifth of a second
    PASSWORD_HASHERS.insert(0, "django.contrib.auth.hashers.MD5PasswordHasher")
PASSWORD_RESET_TIMEOUT = 3600  # seconds; the link opens an account
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

# --- API ----------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "instainstru.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "instainstru.api.pagination.NewestFirst",
    "DEFAULT_PARSER_CLASSES": [
        "instainstru.api.parsing.StrictJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["instainstru.api.rendering.QuickJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["instainstru.api.throttles.ByKindOfRequest"],
    "DEFAULT_THROTTLE_RATES": {"read": "120/min", "write": "30/min", "money": "5/min", "guess": "10/min"},
    "NUM_PROXIES": int(os.environ.get("TRUSTED_PROXIES", "0")),  # how many X-Forwarded-For entries are ours
    "EXCEPTION_HANDLER": "instainstru.api.problems.answer_with_problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=30),
    "AUTO_REFRESH": False,
    "TOKEN_LIMIT_PER_USER": 20,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "InstaInstru",
    "DESCRIPTION": "Book and pay for private lessons. Amounts are integer cents in USD, instants are UTC.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BookingStatus": "payments.serializers.words.BOOKING_STATUS",
        "CaseRuling": "disputes.serializers.cases.RULING",
        "CreditMovementKind": "credits.models.CreditMovement.Kind",
        "DisputeRuling": "disputes.serializers.asking.DISPUTE_RULING",
        "NoShowRuling": "disputes.serializers.asking.NO_SHOW_RULING",
        "OperationKind": "payments.serializers.words.OPERATION_KIND",
        "OperationState": "payments.queries.State",
        "Party": "payments.serializers.words.PARTY",
        "PaymentStatus": "payments.serializers.words.PAYMENT_STATUS",
        "Side": "disputes.serializers.asking.SIDES",
        "StepState": "payments.models.Step.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "instainstru.api.documentation.describe_problems",
    ],
}

# --- Clockwork ----------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "priority",  # in the order of a worker's `-Q`: sweeps don't wait behind what they found
}
CELERY_TASK_DEFAULT_QUEUE = "clockwork"
CELERY_TASK_ROUTES = {
    "payments.tasks.sweep_*": {"queue": "clockwork"},
    "payments.tasks.continue_operation": {"queue": "clockwork"},  # what is under way ends before anything new begins
    "payments.tasks.mirror_object": {"queue": "mirror"},
    "payments.tasks.*": {"queue": "money"},
    "disputes.tasks.sweep_*": {"queue": "clockwork"},
    "disputes.tasks.*": {"queue": "money"},
    "instainstru.notifications.tasks.*": {"queue": "messages"},
}
CELERY_TASK_ACKS_LATE = True  # a killed worker's task is given to another; every task is safe to repeat
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300  # of a prefork worker; a thread ends by the timeouts of its own calls
CELERY_DB_REUSE_MAX = 1000  # without it the worker reconnects to PostgreSQL for each task
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# The one table of what runs when; `manage.py sync_clockwork` writes it into django-celery-beat's tables.
CLOCKWORK = {
    "payout-schedules-unanswered": {
        "task": "payments.tasks.sweep_unanswered_schedule_changes",
        "every": timedelta(minutes=1),
    },
    "authorizations-due": {"task": "payments.tasks.sweep_authorizations_due", "every": timedelta(seconds=30)},
    "unpaid-expired": {"task": "payments.tasks.sweep_expired_unpaid", "every": timedelta(seconds=30)},
    "events-unapplied": {"task": "payments.tasks.sweep_unapplied_events", "every": timedelta(seconds=30)},
    "events-missed": {"task": "payments.tasks.sweep_missed_events", "every": timedelta(minutes=10)},
    "holds-lapsed": {"task": "payments.tasks.sweep_lapsed_holds", "every": timedelta(minutes=1)},
    "final-warnings": {"task": "payments.tasks.sweep_final_warnings", "every": timedelta(minutes=1)},
    "credits-expiring": {"task": "payments.tasks.sweep_expiring_credits", "every": timedelta(hours=1)},
    "reminders-due": {"task": "bookings.tasks.sweep_reminders_due", "every": timedelta(minutes=1)},
    "settlements-due": {"task": "payments.tasks.sweep_settlements_due", "every": timedelta(seconds=30)},
    "operations-unfinished": {"task": "payments.tasks.sweep_unfinished_operations", "every": timedelta(seconds=30)},
    "credits-expired": {"task": "payments.tasks.sweep_expired_credits", "every": timedelta(minutes=10)},
    "submissions-unanswered": {
        "task": "disputes.tasks.sweep_unanswered_submissions",
        "every": timedelta(minutes=1),
    },
    "reports-uncontested": {"task": "disputes.tasks.sweep_uncontested_reports", "every": timedelta(minutes=1)},
    "messages-unsent": {
        "task": "instainstru.notifications.tasks.sweep_unsent_messages",
        "every": timedelta(seconds=30),
    },
    "tiers-evaluated": {"task": "bookings.tasks.evaluate_tiers", "at": crontab(hour=3, minute=30)},
    "books-reconciled": {"task": "payments.tasks.reconcile_with_stripe", "at": crontab(hour=4, minute=40)},
    "files-unreferenced": {"task": "disputes.tasks.sweep_unreferenced_files", "at": crontab(hour=4, minute=30)},
    "sessions-expired": {"task": "instainstru.accounts.tasks.clear_expired_sessions", "at": crontab(hour=4, minute=10)},
    "idempotency-keys-old": {
        "task": "instainstru.accounts.tasks.forget_old_idempotency_keys",
        "at": crontab(hour=4, minute=20),
    },
}

# --- Language, time, files ----------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "static-root"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG  # looked for when asked: every client of a test, where DEBUG is off, would list them all
LARGEST_UPLOAD = 10 * 1024 * 1024  # bytes of one file; a photograph has three to eight million
FILE_UPLOAD_HANDLERS = [
    "instainstru.api.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600  # nobody but us serves them

EMAIL_BACKEND = os.environ.get(
    "EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend" if DEBUG else "django.core.mail.backends.smtp.EmailBackend",
)
_DATA = Path(os.environ.get("INSTAINSTRU_DATA") or BASE_DIR / ".data").absolute() / "default"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or _DATA / "media")
EMAIL_FILE_PATH = _DATA / "mail"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = _flag("EMAIL_USE_SSL", default=False)
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS is STARTTLS, EMAIL_USE_SSL is TLS from the first byte: set one of them.")
EMAIL_TIMEOUT = 10  # seconds for each answer, which takes a relay well below one: a mute one holds no thread for longer
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "InstaInstru <no-reply@instainstru.example>")

# --- Safety -------------------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF, *([STRIPE_API_BASE] if USES_SIMULATOR else [])],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
    }
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = _flag("DJANGO_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, without TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
CSRF_FAILURE_VIEW = "instainstru.errors.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")  # for a Prometheus that is neither staff nor on this machine

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "instainstru.observability.ContextFilter"}},
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["context"]}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING" if DEBUG else "INFO")},
}
