"""The settings, one file. What differs between machines comes from the environment and fails loudly when it is missing.

``DEPLOYMENT`` says where we are: ``production`` (the default: strict), ``local`` (bin/run on one's own machine) or
``test``. Nothing that a policy decides is a setting.
"""

from __future__ import annotations

from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.queue import transport_options

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(environment.text("VAR_DIR", str(BASE_DIR / "var")))

DEPLOYMENT = environment.choice("DEPLOYMENT", ("production", "local", "test"), "production")
PRODUCTION = DEPLOYMENT == "production"

SECRET_KEY = environment.text("SECRET_KEY")
DEBUG = environment.flag("DEV")
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("生产环境不得设置 DEV。")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", None if PRODUCTION else "127.0.0.1,localhost,testserver")

# Business time can be held at a date for a demonstration year; every page then says so (vouchers.dates).
DEMO_DATE = environment.day("DEMO_DATE")
if DEMO_DATE and PRODUCTION:
    raise ImproperlyConfigured("生产环境不得固定业务日期（DEMO_DATE）。")
DEMO_DATE_FILE = VAR_DIR / "demo-date"

# The office that runs this installation: in the footer of every page and on paper.
OFFICE_NAME = environment.text("OFFICE_NAME", "算力券主管部门")
SITE_NAME = environment.text("SITE_NAME", "算力券")

INSTALLED_APPS = [
    "config.admin_site.ConfigurationAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "csp",
    "axes",
    "vouchers",
    "applications",
    "audit",
    "config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Who calls the interface, and how often, before a transaction is opened (vouchers/api/admission.py).
    "vouchers.api.admission.AdmissionMiddleware",
    # One transaction a request, with who acts and from where, for the trail (vouchers.context).
    "vouchers.middleware.ActingMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
        },
    },
]

# Three logins of one database: the application (may not write ledger or trail), the migrator (assumes the owner), and
# the sealer of the trail. See vouchers/sql/roles.sql and privileges.sql.
_keep = {"CONN_MAX_AGE": environment.whole("DATABASE_KEEP_SECONDS", 600), "CONN_HEALTH_CHECKS": True}
DATABASES = {
    "default": environment.database("DATABASE_URL", **_keep),
}
# The few largest statements stay prepared on their connection (vouchers/prepared.py), unless a pooler does not know of it.
DATABASE_PREPARES = environment.whole("DATABASE_PREPARES", 1) != 0
if DATABASE_PREPARES:
    # Only what asks for it: never because something was sent often.
    DATABASES["default"]["OPTIONS"] = {"prepare_threshold": 1_000_000_000}
# Given only to the processes that need them: the web server holds neither, so that whoever takes it over does not either.
if environment.given("MIGRATION_DATABASE_URL"):
    DATABASES["owner"] = environment.database(
        "MIGRATION_DATABASE_URL", OPTIONS={"assume_role": "voucher_owner"}
    )
if environment.given("SEALER_DATABASE_URL"):
    DATABASES["sealer"] = environment.database("SEALER_DATABASE_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "vouchers.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# Five wrong passwords for one name from one address lock that pair for a quarter of an hour.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_VERBOSE = False
# Who tried to sign in is in the trail; the admin shows no table that is not a business one.
AXES_ENABLE_ADMIN = False

LANGUAGE_CODE = "zh-hans"
# English joins when its catalogue is complete: until then an English browser would be shown half of each.
LANGUAGES = [("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    # Uploaded papers: outside the web root, under random names, served only through a scoped view.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": VAR_DIR / "uploads",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "uploads"
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
# Files of one upload and of one form; a single paper's limit is vouchers.uploads'.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# A policy version is one form: sixty conditions, with their sources, are some two thousand fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = environment.whole("HSTS_SECONDS", 31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"]
    if environment.flag("BEHIND_PROXY"):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "vouchers.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "vouchers.api.permissions.WithinScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vouchers.api.errors.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "算力券接口",
    "DESCRIPTION": "服务商平台与业务系统使用的接口。错误按 RFC 9457 返回，code 稳定；retry 为真时可以稍后重发同一请求。",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# The queue. A task is a wake-up: the truth is a row (outbox, job), so a task lost or run twice changes nothing.
CELERY_BROKER_URL = environment.text("CELERY_BROKER_URL", "") or None
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Neither remote control nor events: nothing here reads them, and on PGMQ they do not work.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    # What nobody took in time is dropped: the next one does the same.
    "dispatch-outbox": {"task": "vouchers.dispatch_outbox", "schedule": 1.0, "options": {"expires": 5}},
    # A new job wakes the queue itself; the clock finds those whose process was lost.
    "run-jobs": {"task": "vouchers.run_jobs", "schedule": 15.0, "options": {"expires": 15}},
    "seal-trail": {"task": "audit.seal_trail", "schedule": 5.0, "options": {"expires": 15}},
    "tell-witness": {"task": "audit.tell_witness", "schedule": 10.0, "options": {"expires": 10}},
    "expire-vouchers": {"task": "vouchers.expire_vouchers", "schedule": crontab(hour=0, minute=10)},
    "deliver-webhooks": {"task": "vouchers.deliver_webhooks", "schedule": 2.0, "options": {"expires": 5}},
    "forget-limits": {"task": "vouchers.forget_limits", "schedule": crontab(minute=7)},
    "lapse-claims": {"task": "applications.lapse_claims", "schedule": crontab(hour=0, minute=20)},
    "record-overdue": {"task": "applications.record_overdue", "schedule": crontab(hour=0, minute=25)},
    "close-days": {"task": "vouchers.close_days", "schedule": crontab(hour=0, minute=5)},
    "check-ledger": {"task": "vouchers.check_ledger", "schedule": crontab(hour=3, minute=30)},
    "compute-prices": {
        "task": "vouchers.compute_prices",
        "schedule": crontab(day_of_month=1, hour=1, minute=0),
    },
    "mark-overdue-price-reports": {
        "task": "vouchers.mark_overdue_price_reports",
        "schedule": crontab(hour=0, minute=30),
    },
    "follow-contract-prices": {
        "task": "applications.follow_contract_prices",
        "schedule": crontab(hour=0, minute=40),
    },
    "remind-price-reports": {
        "task": "vouchers.remind_price_reports",
        "schedule": crontab(hour=8, minute=30),
    },
    # The public list of debarred parties, month by month; a publisher may issue one in between.
    "issue-debarment-lists": {
        "task": "vouchers.issue_debarment_lists",
        "schedule": crontab(day_of_month=1, hour=6, minute=0),
    },
    "scan-nightly": {"task": "audit.scan_nightly", "schedule": crontab(hour=2, minute=0)},
    "verify-nightly": {"task": "audit.verify_nightly", "schedule": crontab(hour=3, minute=30)},
}

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# The audit trail (audit/trail): who the log is, its hash (sha256 or sm3, fixed by the first checkpoint), the key that signs,
# and the copy of every checkpoint outside of the database, one folder a database.
TRAIL_ORIGIN = environment.text("TRAIL_ORIGIN", "compute-vouchers/trail")
TRAIL_HASH = environment.choice("TRAIL_HASH", ("sha256", "sm3"), "sha256")
TRAIL_SIGNING_KEY = environment.text("TRAIL_SIGNING_KEY", "")
TRAIL_KEY_FILE = environment.text("TRAIL_KEY_FILE", str(VAR_DIR / "keys" / "trail-signing.key"))
TRAIL_PUBLIC_KEY_FILE = environment.text("TRAIL_PUBLIC_KEY_FILE", str(VAR_DIR / "keys" / "trail-public.txt"))
TRAIL_CHECKPOINT_FILE = environment.text(
    "TRAIL_CHECKPOINT_FILE", str(VAR_DIR / "trail" / str(DATABASES["default"]["NAME"]) / "checkpoints.jsonl")
)
# The witness outside (audit/trail/witness.py): where it listens, its public key (asked for at the first contact, then held to),
# and how long one question may take. Without an address the trail is sealed all the same.
TRAIL_WITNESS_URL = environment.text("TRAIL_WITNESS_URL", "")
TRAIL_WITNESS_KEY_FILE = environment.text(
    "TRAIL_WITNESS_KEY_FILE", str(VAR_DIR / "keys" / "witness-public.txt")
)
TRAIL_WITNESS_SECONDS = environment.whole("TRAIL_WITNESS_SECONDS", 5)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO")},
    # both tell each step of each page
    "loggers": {"weasyprint": {"level": "WARNING"}, "fontTools": {"level": "WARNING"}},
}
