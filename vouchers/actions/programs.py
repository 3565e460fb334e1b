"""专项与预算: open a program, give a year's budget its money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from vouchers import dates
from vouchers.access import Role, require_role
from vouchers.actions.ledger import Budget, appropriate, event_id
from vouchers.actions.treasury_parts import treasuries_of
from vouchers.context import announce
from vouchers.errors import Invalid, NotNow
from vouchers.models import Appropriation, Program, ProgramBudget, Region, User
from vouchers.money import ZERO, thousands, yuan
from vouchers.policy.codes import PROGRAM_CODE_WORDS, is_program_code


def open_program(
    *,
    code: str,
    name: str,
    region: Region,
    by: User,
    side: str = "demand",
    office: str = "",
    summary: str = "",
) -> Program:
    """A new program, without rules and without money. Raises Invalid (`program.code`, `program.code_taken`)."""
    announce("program.open")
    require_role(by, Role.POLICY_EDITOR, region=region)
    if not is_program_code(code):
        raise Invalid("program.code", f"{PROGRAM_CODE_WORDS}。", field="code", hint="例如 BJ-AIQ。")
    if Program.objects.filter(code=code).exists():
        raise Invalid("program.code_taken", f"专项代码 {code} 已被使用，请换一个。", field="code")
    return Program.objects.create(
        code=code, name=name, region=region, side=side, office=office, summary=summary
    )


def appropriate_budget(
    program: Program,
    year: int,
    amount: Decimal,
    *,
    document_no: str,
    by: User,
    on: date | None = None,
    treasury: str = "",
) -> Appropriation:
    """下达预算: book one appropriation document. The ledger is called last. The same document again changes nothing.

    `amount` is yuan, above zero; `treasury` the code of the one that gives it, where the program's cost is shared. Raises
    Invalid: `budget.amount`, `budget.document_missing`, `budget.treasury`, `budget.document_reused` (same document, another
    amount); NotNow `budget.closed`.
    """
    announce("budget.appropriate")
    require_role(by, Role.FINANCE, region=program.region)
    try:
        amount = yuan(amount)
    except ValueError as error:
        raise Invalid("budget.amount", f"{error}。", field="amount") from None
    if amount <= 0:
        raise Invalid("budget.amount", "下达金额应大于零。", field="amount")
    if not document_no.strip():
        raise Invalid("budget.document_missing", "请填写指标文号。", field="document_no")
    name = require_treasury(program, treasury)
    budget, _created = ProgramBudget.objects.get_or_create(
        program=program, year=year, defaults={"amount": ZERO}
    )
    budget = ProgramBudget.objects.select_for_update().get(pk=budget.pk)
    known: Appropriation | None = Appropriation.objects.filter(
        budget=budget, treasury_code=treasury, document_no=document_no
    ).first()
    if known is not None:
        if known.amount != amount:
            raise Invalid(
                "budget.document_reused",
                f"指标文件“{document_no}”已下达 {thousands(known.amount)} 元，与本次金额不同。",
                field="document_no",
                hint="请核对文号；追加预算请使用新的指标文号。",
            )
        return known
    if budget.closed_on is not None:
        raise NotNow("budget.closed", f"{year} 年度已结账，不能再下达预算。", hint="请下达到未结账的年度。")
    appropriation = Appropriation.objects.create(
        budget=budget,
        document_no=document_no,
        treasury_code=treasury,
        treasury=name,
        amount=amount,
        appropriated_on=on or dates.today(),
        appropriated_by=by,
    )
    budget.amount += amount
    budget.save(update_fields=["amount"])
    appropriate(
        Budget(program.code, year, program.region.code, bearer=treasury),
        amount,
        document_no=document_no,
        on=appropriation.appropriated_on,
        id=event_id("appropriate", program.code, year, document_no, *([treasury] if treasury else [])),
    ).demand()
    return appropriation


def require_treasury(program: Program, treasury: str) -> str:
    """The name of one of the treasuries that bear the program's cost; empty where one bears all. Raises Invalid
    (`budget.treasury`) for any other."""
    names = treasuries_of(program)
    if treasury in names:
        return names[treasury]
    shared = "、".join(f"{name}（{code}）" for code, name in names.items() if code)
    raise Invalid(
        "budget.treasury",
        f"本专项的资金由{shared}分担，请指明由哪一级财政下达。"
        if shared
        else "本专项的资金不分担，不必指明财政。",
        field="treasury",
    )
