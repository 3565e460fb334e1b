"""The steps in their order, with the names that ``bin/run --demo`` prints."""

from __future__ import annotations

from config.demo import steps_audit, steps_cases, steps_policy
from config.demo.story import Step

STEPS: tuple[tuple[str, Step], ...] = (
    ("政策：已由两人发布，目录公开可查；比例未公布的不受理", steps_policy.catalogue),
    ("经开区 v1（2024年）：申领即时发券，平台两次抵扣", steps_cases.etown_first),
    ("各专项：申领、测算、提交", steps_cases.apply_for_all),
    ("北京：高于公允价格的合同，不予支持", steps_cases.refuse_above_the_band),
    ("受理、初审或专家评审、核准、公示（三人分别办理）", steps_cases.decide),
    ("公示期满，发券；凭证与公开查验", steps_cases.issue),
    ("各专项按各自的基数兑付，核验与核准", steps_cases.redeem),
    ("拨付：编制、批准、报送、银行回执", steps_cases.pay),
    ("政策调整测算：复制北京政策为草稿、提高限额、重算当月案件", steps_policy.what_a_change_costs),
    ("虚假租约：同一设备租给两家，自动暂缓", steps_audit.false_lease),
    ("审计：可疑合同与工作簿", steps_audit.audit),
)
