"""`manage.py load_schemes`: the shipped schemes, or YAML files, into drafts and, with `--publish`, into publications.

Idempotent: what is there is left alone. Files are read whole before anything is written; each scheme is one transaction.
Whoever edits and publishes are people: by name, or those who hold the role in the scheme's region.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vouchers.access import Role
from vouchers.actions.policies import load_scheme, propose_version, publish_version
from vouchers.context import acting
from vouchers.errors import DomainError
from vouchers.models import PolicyVersion, RoleGrant, User
from vouchers.policy.documents import EXAMPLES, read_scheme, shipped_files
from vouchers.policy.examples import Example, read_examples
from vouchers.policy.plain import SchemeError
from vouchers.policy.rules import Scheme


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
        for scheme, examples in sorted(read, key=lambda pair: (pair[0].program, str(pair[0].effective_from))):
            try:
                done = self._load(scheme, examples, options)
            except DomainError as error:
                refused += 1
                self.stderr.write(f"{scheme.program} {scheme.label}：{error.message}")
            else:
                self.stdout.write(f"{scheme.program} {scheme.label}：{done}")
        if refused:
            raise CommandError(f"{refused} 个政策未能载入，原因见上。")

    def _read(self, path: Path, folder: Path) -> tuple[Scheme, list[Example]]:
        try:
            scheme = read_scheme(path.read_text(encoding="utf-8"))
            beside = folder / path.name
            return scheme, read_examples(beside.read_text(encoding="utf-8")) if beside.exists() else []
        except OSError as error:
            raise CommandError(f"{path}：不能读取（{error.strerror}）") from None
        except SchemeError as error:
            raise CommandError(f"{path.name} 未载入：\n{error}") from None

    def _load(self, scheme: Scheme, examples: list[Example], options: dict[str, Any]) -> str:
        editor = self._person(options["editor"], Role.POLICY_EDITOR, scheme.region)
        with acting(editor, "policy_version.load", "载入政策文件"):
            version = load_scheme(scheme, examples, by=editor)
        if not options["publish"] or version.state not in ("draft", "proposed"):
            return version.get_state_display()
        publisher = self._person(options["publisher"], Role.PUBLISHER, scheme.region)
        if version.state == PolicyVersion.State.DRAFT:
            with acting(editor, "policy_version.propose", "载入政策文件"):
                propose_version(version, by=editor)
        with acting(publisher, "policy_version.publish", "载入政策文件"):
            publication = publish_version(version, by=publisher, reason="载入政策文件")
        note = "" if publication.accepts_applications else "（补贴比例未公布，不开放申领）"
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
