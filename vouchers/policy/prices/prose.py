"""The method in words, with the figures of its version: what the public page prints and an auditor reads."""

from __future__ import annotations

from vouchers.policy.prices.cells import CHINA, UNIT_LABEL
from vouchers.policy.prices.method import Method
from vouchers.policy.prices.regions import region_members
from vouchers.policy.prices.verdicts import percent_text

WAIVED = {
    "quote.up_days": "来源未给出报价上架日，连续可订购天数的要求未适用",
    "group.market_days": "来源未给出入市日，供应方入市天数的要求未适用",
}


def _rungs(method: Method) -> list[str]:
    """The steps of the version's fallback, each in words; those that pool go together."""
    pooled = {
        "L1": "其他区域（L1）",
        "L2": "其他租期（L2）",
        "L3": "其他形态（L3）",
        "L4": "相邻类别供应方（L4）",
    }
    words = [f"合并{'、'.join(word for level, word in pooled.items() if level in method.ladder)}并按系数折算"]
    if "L5" in method.ladder:
        words.append(f"沿用上期并按同类变动调整、至多 {method.carry_months} 个月（L5）")
    if "L6" in method.ladder:
        words.append("同代芯片按 FP16 稠密算力折算的价格（L6）")
    return [*words, f"{method.experts_min} 位以上独立专家的中位数（L7）"]


def _proof(method: Method) -> str:
    """What a transaction must rest on in the version to vote."""
    words = {
        "verified": "合同、发票、付款与用量已由本机关核验（“核验”）",
        "imported": "属历史成交、由原主管部门连同凭证编号移交（“移交”，未经本机关逐笔核验）",
    }
    return "，或".join(words[one] for one in method.transaction_evidence if one in words)


def prose_of(method: Method) -> str:
    """The method of the version, a paragraph a step."""
    unit = UNIT_LABEL[method.market]
    members = "；".join(
        f"{label}为{what}" for label, what in region_members(method.market, method.region_table).items()
    )
    groups = f"区域组：{members}。" if members else ""
    steps = [
        f"一、比较单元。同一加速卡型号（含显存与形态）、同类供应方、同一区域组、同一租期档的价格才作比较；竞价（可中断）价格不进入。{groups}价格一律折算为{unit}，不含增值税，一个月按 730 小时计；按 P·天计价的，以芯片表所列该精度的稠密算力折算，不同精度不互换。",
        f"二、采用条件。成交价须在基准日前 {method.max_age_transaction_days} 日内，且{_proof(method)}；报价须在 {method.max_age_quote_days} 日内"
        + (f"、可订购且连续上架满 {method.min_up_days} 日" if method.min_up_days else "")
        + (f"；供应方入市须满 {method.min_market_days} 日" if method.min_market_days else "")
        + "。被审合同双方及其关联方、涉案核查中的来源不参与。每一条剔除均记录原因。",
        "三、一组一票。互有关联的来源合并为一组，每组只投一票：取该组同一规格最近价格的下中位数。报价再多，也只有一票。关联以基准日有效者为准；事后查实、于基准日已有效的关联，重新审核时一并计入。",
        f"四、离群。供应方满 {method.outlier_min_groups} 组时，只做一次离群剔除：对数价格偏离中位数超过 max({method.outlier_mads} 倍标准化中位绝对偏差, ln {method.outlier_ratio}) 的剔除；若将剔除的超过 {percent_text(method.outlier_max_share)}，则一个也不剔除，标为待确认。",
        f"五、先成交后报价。有成交价的供应方满 {method.n_min} 组时只用成交价；否则有成交价的以成交价投票，其余以报价投票，不作加权混合。",
        "六、基准价为各组之票的下中位数；四分位取第 ⌈p·n⌉ 个，均为真实出现过的价格。",
        f"七、浮动区间。离散度 D =（上四分位 − 下四分位）÷ 2 倍基准价；浮动幅度 φ = k·D，限定在 {percent_text(method.band_floor)} 至 {percent_text(method.band_ceiling)} 之间，k 按评级取 A 级 {method.spread_a}、B 级 {method.spread_b}、C 级 {method.spread_c}；区间为基准价 ×（1 ± φ）。",
        f"八、评级。满 {method.groups_for_a} 组且其中成交满 {method.transactions_for_a} 组为 A；满 {method.groups_for_b} 组为 B；满 {method.n_min} 组为 C；经回退得出的为 D；专家意见为 E。去掉任意两组后价格变化超过 {percent_text(method.sensitivity_limit)} 的，降一级。D、E 级不直接据以核减或不予支持，只转人工复核。",
        f"九、回退。本单元不足 {method.n_min} 组时，依次{'、'.join(_rungs(method))}；每一步及其组数均有记录。系数取自至少 {method.factor_pairs_min} 对同品比较，随期次固定，不就个案调整。",
        f"十、发布。按月测算，一人提请、另一人发布，次月适用；较上期变动超过 {percent_text(method.jump_limit)} 的须附说明，不作平滑。个案按合同签订日、当时已知的数据计算。更正另发新版，不改变此前的认定。",
    ]
    if method.market != CHINA:
        steps.append("本市场为境外公开标价，仅供参考，不用于任何审核；来源为公开价格记录，未作模拟或补齐。")
    steps.extend(f"说明：{WAIVED.get(rule, rule)}。" for rule in method.waived)
    return "\n".join(steps)
