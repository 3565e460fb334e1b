"""The settings of the tests: the project's own, but passwords hash fast and nobody is locked out."""

import os

os.environ.setdefault("DEPLOYMENT", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")
# Tools that read the settings and touch no database (mypy) need no server; tests get theirs from tests.conftest.
for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "SEALER_DATABASE_URL"):
    os.environ.setdefault(name, "postgresql://nobody@127.0.0.1:1/none")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
