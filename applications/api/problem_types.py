"""What 即时抵扣 answers with beside what every interface does; explained at /api/problems/."""

from __future__ import annotations

from vouchers.api.problem_types import register_problems

_AGAIN = "更正后重发；原幂等键没有用掉，可以继续使用。"


def register_settlement_problems() -> None:
    """Explain the codes of settlements, of their files and of the reconciliation; once, when the app is ready."""
    register_problems(
        {
            ("settlement.in_flight", 409): (
                "同一幂等键或同一结算单行的请求正在办理。",
                "约一秒后用原幂等键原样重发，即得到结果。",
            ),
        },
        retry=True,
    )
    register_problems(
        {
            ("metering.in_flight", 409): (
                "同一幂等键的用量上报正在办理。",
                "约一秒后用原幂等键原样重发，即得到结果。",
            ),
        },
        retry=True,
    )
    register_problems(
        {
            ("metering.lease", 404): ("没有以贵方为出租方的这个合同备案号。", "核对 lease_no。"),
            ("metering.lease_not_filed", 409): ("合同尚未备案。", "请企业完成备案后再上报。"),
            ("metering.lease_voided", 409): ("合同已作废。", "不再接收用量。"),
            ("metering.key_reused", 422): (
                "该幂等键已用于另一次内容不同的用量上报。",
                "新的上报用新的键；重发同一次上报须保持内容一致。",
            ),
            ("metering.empty", 422): ("没有上报任何一天。", _AGAIN),
            ("metering.too_many", 422): ("一次上报的天数过多。", "拆分后各用一个幂等键。"),
            ("metering.range", 422): ("查询的日期范围有误或过长。", "缩短范围后重新查询。"),
        }
    )
    register_problems(
        {
            ("settlement.key", 422): (
                "没有带 Idempotency-Key，或不是 8 至 100 个可见的 ASCII 字符。",
                "为每笔业务生成一个键。",
            ),
            ("settlement.key_reused", 422): (
                "该幂等键已用于另一笔内容不同的抵扣。",
                "新的业务用新的键；重发同一笔业务须保持内容一致。",
            ),
            ("settlement.credential", 403): ("请求没有带服务商平台凭据。", "以平台令牌调用。"),
            ("settlement.program", 403): (
                "凭据未获授权办理该算力券所属专项。",
                "请主管部门调整凭据所限专项。",
            ),
            ("settlement.region", 403): (
                "凭据不适用于该算力券所属专项的地区。",
                "请该地区主管部门签发凭据。",
            ),
            ("settlement.lease", 404): ("没有以贵方为出租方的这个合同备案号。", "核对 lease_no。"),
            ("settlement.voucher", 404): ("该合同承租方没有这张算力券。", "核对 voucher_no 与合同承租方。"),
            ("settlement.unknown", 404): (
                "没有这笔抵扣，或不属于贵方。",
                "核对抵扣编号或幂等键；未预占成功的没有记录。",
            ),
            ("settlement.period", 422): ("使用期间的结束日早于开始日。", _AGAIN),
            ("settlement.period_outside_lease", 422): (
                "使用期间有一部分不在合同期内；合同期在 operands 中。",
                _AGAIN,
            ),
            ("settlement.reference_used", 422): (
                "该结算单行已在另一笔抵扣中使用；抵扣编号在 operands 中。",
                "不要重复提交；原抵扣有误的，先释放再以新的键提交。",
            ),
            ("settlement.invoice_no", 422): ("发票号码不符合编码规则。", "对照发票更正。"),
            ("settlement.invoice_differs", 422): (
                "同一发票此前登记的双方、金额与本次不同，或本笔已登记另一张发票。",
                "对照发票更正。",
            ),
            ("settlement.invoice_used_up", 422): (
                "计入该发票的各笔合计会超过其不含税金额。",
                "核对发票金额与各笔金额。",
            ),
            ("settlement.invoice_late", 409): (
                "该笔抵扣已确认，确认时没有登记发票，不能事后补登。",
                "确认时一并提供发票；确需补登的，请联系经办部门。",
            ),
            ("settlement.over", 409): (
                "批次行的幂等键下的抵扣已释放、失效或不予支持，本行没有再抵扣。",
                "使用确已发生的，以新的幂等键重新提交。",
            ),
            ("settlement.expired", 409): (
                "预占已过保留期，不能再确认，额度自动释放。",
                "使用确已发生的，以新的键重新预占。",
            ),
            ("settlement.not_releasable", 409): ("该笔抵扣已确认，不能释放。", "需更正的，请联系经办部门。"),
            ("reconciliation.period", 422): (
                "对账期间的结束日早于开始日，或超过一年。",
                "更正期间，分段对账。",
            ),
            ("settlement_batch.file", 422): ("没有上传文件。", "以 file 字段上传，或以文件内容为请求体。"),
            ("settlement_batch.too_large", 422): (
                "文件超过 5 MB，或工作簿展开后过大。",
                "拆分后以不同的键分别上传。",
            ),
            ("settlement_batch.too_many", 422): ("文件超过 20000 行。", "拆分后以不同的键分别上传。"),
            ("settlement_batch.empty", 422): ("文件是空的，或没有明细行。", "核对文件。"),
            ("settlement_batch.form", 422): (
                "文件不是 JSON 行、CSV 或 Excel，或编码不能识别。",
                "按接口文档重新生成文件。",
            ),
            ("settlement_batch.columns", 422): ("第一行没有列名 idempotency_key。", "按接口文档补上列名。"),
            ("settlement_batch.key_reused", 422): (
                "该幂等键已用于另一个内容不同的批次文件。",
                "新的文件用新的键。",
            ),
            ("settlement_batch.unknown", 404): ("没有这个批次，或不属于贵方。", "核对批次号。"),
            ("settlement_batch.line", 422): ("该行不是一个合法的 JSON 对象。", "更正该行，以新的批次重发。"),
            ("settlement_batch.action", 422): (
                "办理事项不是 reserve、settle、confirm、release 之一。",
                "更正该行，以新的批次重发。",
            ),
            ("claim.items", 422): ("所报用量或金额不合要求，逐项列在 errors 中。", _AGAIN),
            ("claim.lease_not_filed", 409): ("合同尚未备案或已撤回。", "请承租方完成备案后再提交。"),
            ("claim.not_now", 409): (
                "该笔抵扣的状态已不能这样办理；现状在 operands 中。",
                "查询现状后再定。",
            ),
            ("claim.needs_review", 409): (
                "有须人工核验的事项，平台不能自行确认；金额已预占。",
                "等候办理结果（见状态变动），或先释放、更正后以新的键提交。",
            ),
            ("claim.reviewed_scheme", 409): (
                "该专项的政策规定须经人工核验，平台不能自行确认。",
                "等候办理结果。",
            ),
            ("claim.evidence_used", 409): ("同一凭证已在其他兑付中使用。", "核对后释放本笔。"),
            ("hold.open", 409): ("所涉事项正在核查，暂缓办理。", "核查结束后重试，或释放本笔。"),
            ("screening.missing", 409): ("材料在上次筛查后有变动。", "稍后重试。"),
            ("voucher.frozen", 409): ("算力券已冻结。", "解冻后再提交。"),
            ("voucher.expired", 409): ("算力券已到期。", "不能再使用此券。"),
            ("voucher.not_usable", 409): ("算力券已用完、作废或过期。", "不能再使用此券。"),
            ("voucher.imported", 409): ("历史导入的算力券仅供查询。", "不能使用此券。"),
            ("ledger.insufficient_funds", 409): (
                "券面可用余额不足（可能刚被另一笔占用）。",
                "查询余额后以更小的金额、新的键提交。",
            ),
            ("ledger.cap_exceeded", 409): ("将超过政策规定的限额。", "以更小的金额、新的键提交。"),
            ("ledger.account_closed", 409): ("该券或该年度预算已结清。", "不能再使用。"),
            ("ledger.pending_expired", 409): ("预占已逾期释放。", "以新的键重新预占。"),
            ("ledger.pending_resolved", 409): ("该预占已确认或已释放。", "查询现状。"),
        }
    )
