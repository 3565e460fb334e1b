"""`manage.py load_schemes`: the shipped schemes, or YAML files, into drafts and, with `--publish`, into publications.

Idempotent: what is there is left alone. Files are read whole before anything is written; each scheme is one transaction.
Whoever edits and publishes are people: by name, or those who hold the role in the scheme's region.
"""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.access import Role
from vouchers.actions.policies import propose_version, publish_version
from vouchers.actions.policy_files import load_bundle, read_file
from vouchers.context import acting
from vouchers.errors import DomainError, Problems
from vouchers.models import PolicyVersion, RoleGrant, User
from vouchers.policy.bundles import Bundle
from vouchers.policy.documents import EXAMPLES, shipped_files
from vouchers.policy.examples import read_examples
from vouchers.policy.opening import closed_reasons
from vouchers.policy.plain import SchemeError


class Command(BaseCommand):
    help = "载入算力券政策（YAML），可同时提请并发布。重复执行不产生变化。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, help="YAML 文件；不写则载入随系统提供的全部政策")
        parser.add_argument("--examples", type=Path, default=EXAMPLES, help="算例所在目录，文件与政策同名")
        parser.add_argument("--publish", action="store_true", help="提请并发布（编辑与发布须为两人）")
        parser.add_argument("--editor", help="编辑人账号；不写则取该地区的政策编辑")
        parser.add_argument("--publisher", help="发布人账号；不写则取该地区的政策发布人")

    def handle(self, *args: Any, **options: Any) -> None:
        files = options["files"] or shipped_files()
        read = [self._read(path, options["examples"]) for path in files]
        refused = 0
        for bundle in sorted(read, key=lambda one: (one.scheme.program, str(one.scheme.effective_from))):
            scheme = bundle.scheme
            try:
                done = self._load(bundle, options)
            except DomainError as error:
                refused += 1
                self.stderr.write(f"{scheme.program} {scheme.label}：{_whole(error)}")
            else:
                self.stdout.write(f"{scheme.program} {scheme.label}：{done}")
        if refused:
            raise CommandError(f"{refused} 个政策未能载入，原因见上。")

    def _read(self, path: Path, folder: Path) -> Bundle:
        """The file; its examples are those inside it, or those of the file beside it."""
        beside = folder / path.name
        try:
            bundle = read_file(path.read_bytes())
            if beside.exists() and not bundle.examples:
                bundle = replace(bundle, examples=tuple(read_examples(beside.read_text(encoding="utf-8"))))
            return bundle
        except OSError as error:
            raise CommandError(f"{path}：不能读取（{error.strerror}）") from None
        except SchemeError as error:
            raise CommandError(f"{beside.name}（算例）未载入：\n{error}") from None
        except DomainError as error:
            raise CommandError(f"{path.name} 未载入：{_whole(error)}") from None

    def _load(self, bundle: Bundle, options: dict[str, Any]) -> str:
        scheme = bundle.scheme
        editor = self._person(options["editor"], Role.POLICY_EDITOR, scheme.region)
        with acting(editor, "policy_version.load", "载入政策文件"):
            version = load_bundle(bundle, by=editor)
        if not options["publish"] or version.state not in ("draft", "proposed"):
            return version.get_state_display()
        publisher = self._person(options["publisher"], Role.PUBLISHER, scheme.region)
        if version.state == PolicyVersion.State.DRAFT:
            with acting(editor, "policy_version.propose", "载入政策文件"):
                propose_version(version, by=editor)
        with acting(publisher, "policy_version.publish", "载入政策文件"):
            publication = publish_version(version, by=publisher, reason="载入政策文件")
        note = (
            ""
            if publication.accepts_applications
            else f"（不开放申领：{closed_reasons(publication.scheme)[0]}）"
        )
        return f"{version.get_state_display()}{note}"

    def _person(self, username: str | None, role: Role, region: str) -> User:
        if username:
            person = User.objects.filter(username=username, is_active=True).first()
            if person is None:
                raise CommandError(f"没有账号 {username}。")
            return person
        grant = (
            RoleGrant.objects.in_force()
            .filter(role=role, region__code=region, user__is_active=True)
            .select_related("user")
            .order_by("pk")
            .first()
        )
        if grant is None:
            raise CommandError(f"{region} 没有“{role.label}”，请先授权，或用参数指明办理人。")
        person = grant.user
        assert isinstance(person, User)
        return person


def _whole(error: DomainError) -> str:
    """The refusal with each of its places on a line: where, why, and what is allowed there."""
    faults = error.problems if isinstance(error, Problems) else []
    lines = [f"{fault.message}{f'（{fault.hint}）' if fault.hint else ''}" for fault in faults]
    return "\n  ".join([error.message, *lines])
