"""The settings of the tests: the project's own, but passwords hash fast and nobody is locked out."""

import os

os.environ.setdefault("DEPLOYMENT", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
