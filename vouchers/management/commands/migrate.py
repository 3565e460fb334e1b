"""Migrations run as the owner of the tables, so ``migrate`` means ``migrate --database owner``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections


class Command(MigrateCommand):
    """Django's own command with the owner's connection as its default."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def execute(self, *args: Any, **options: Any) -> str | None:
        if options["database"] not in connections:
            raise CommandError(
                "迁移以表的所有者身份进行，请设置环境变量 MIGRATION_DATABASE_URL，或使用 bin/manage migrate。"
            )
        return super().execute(*args, **options)
