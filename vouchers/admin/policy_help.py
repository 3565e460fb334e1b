"""What stands beside each field of a version's page: what it means, an example, and where a text usually says it.

Keyed by the model's name and the field's, or by the field's name alone where it means the same everywhere. A field that is
in neither shows the `help_text` of its column; tests/vouchers/test_version_help.py asks that there be one.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

COMMON: dict[str, Any] = {
    "code": _(
        "本条在本专项内的代号，小写字母、数字和下划线，例如 enterprise_year。可以留空，由本页编号；后续版本沿用同一代号，才会接着累计和对照。"
    ),
    "position": _(
        "本条在同类中的先后，数字小的在前；留空排在最后。补贴比例按此次序逐条试用，其余只影响显示。"
    ),
    "name": _("企业和办件人员看到的名称，例如“单个企业年度限额”。"),
    "cite_document": _(
        "本条依据哪一份文件。默认是本版本的第一份；文件没有写、由本机关设定的，选“本系统演示设定”。"
    ),
    "cite_article": _("第几条第几款，例如“第五条”“二、（三）”。测算过程和答复中会写明这一条款。"),
    "cite_confidence": _(
        "您亲自读到原文的选“政策原文载明”；从他处转述、没有核实的如实选“第三方转述”，对外会注明“未核实”。"
    ),
    "cite_note": _("对出处的补充，例如“文件写‘不超过’，按上限执行”。没有就留空。"),
    "switched_on": _("取消勾选后本条保留但不生效，用于尚未核实或暂缓执行的内容。"),
    "tracks": _("只用于哪几个补贴方向；一个也不选表示各方向都适用。新增的方向先保存，再在此选择。"),
    "stages": _("在哪些环节检验。一般申领、兑付都要检验；即时抵扣只用于“即领即享”。"),
    "track": _("这一比例用于哪个补贴方向。"),
}

HELP: dict[str, Any] = {
    # the version itself
    "policyversion.program": _("本版本所属的专项，建立后不能更改。"),
    "policyversion.title": _("政策文件的全称，与标题一致，例如“例示市算力券管理办法”。"),
    "policyversion.label": _("区别同一专项各版本的简称，例如“2025年度”“第二版”。"),
    "policyversion.side": _(
        "政策支持谁：租用算力的（需求方）、提供算力的（供给方）、建设算力的，还是建设平台的。一般在“支持对象”一条。"
    ),
    "policyversion.office": _(
        "解释和受理本政策的部门，例如“例示市经济和信息化局”。一般在附则“由××负责解释”。"
    ),
    "policyversion.effective_from": _(
        "自这一天零时起施行。一般在附则“自×年×月×日起施行”；写“自发布之日起”的填发文日期。"
    ),
    "policyversion.effective_to": _(
        "这一天零时起不再适用，比文件写的最后一天晚一天。文件写“有效期至2026年12月31日”的填 2027-01-01；没有期限的留空。"
    ),
    "policyversion.retroactive_from": _(
        "文件明文规定溯及以前发生的事项的，填最早的那一天，例如“2025年1月1日以后签订的合同适用本办法”；没有规定的留空，不溯及既往。"
    ),
    "policyversion.in_force_by": _(
        "一件事跨越新旧两个版本时，看哪一天决定适用哪个版本。文件没有写的，通常按申领日，并在出处注明。"
    ),
    "policyversion.track_choice": _(
        "文件有几类补贴、同一企业都符合时怎么办：择一、就高，还是相加。只有一类的不必改。"
    ),
    "policyversion.demonstration": _(
        "含有并非政府公布的数值（例如为演示而假定的比例）的，必须勾选；各处都会标注“演示”。"
    ),
    "policyversion.note": _("给读者的一段说明，例如适用上的特别之处。可以留空。"),
    # documents
    "policydocument.document_no": _(
        "例如“例政发〔2025〕8号”，一般在标题下方；没有文号的写文件名称。以下各条的出处从这里选。"
    ),
    "policydocument.title": _("文件全称，不加书名号。"),
    "policydocument.issuer": _("落款的机关，联合发文的写全。"),
    "policydocument.issued_on": _("落款日期（成文日期）。"),
    "policydocument.note": _("例如“申报指南”“实施细则”，说明它与主文件的关系。"),
    # tracks
    "policytrack.name": _(
        "这一类补贴的名称，例如“算力租用费用补贴”。文件分“支持方式（一）（二）”的，每一类填一条。"
    ),
    "policytrack.side": _("这一类补贴给谁。"),
    "policytrack.pay_to": _(
        "钱给谁：企业先付款再报销的选“先用后补”；结算时直接少付、由财政付给服务商的选“抵扣”；不发券、用完直接给钱的选“直接补助”。"
    ),
    "policytrack.basis_kinds": _(
        "按什么算钱，看“按……的 20% 给予补贴”里的“……”：实际发生的费用一般凭发票；“按合同额”选合同金额；平台结算选平台结算明细。"
    ),
    "policytrack.tax_mode": _("按不含税还是含税金额计算。文件没有写的，通常取不含税，并在出处注明。"),
    "policytrack.excluded_components": _(
        "发票或合同里不能计入的费用，看“不包括存储、网络……”一类的话。没有就都不选。"
    ),
    "policytrack.counted_from": _(
        "只有这一天（含）以后使用的部分计入；跨越的按天折算。看“×月×日以后发生的费用”。没有就留空。"
    ),
    "policytrack.counted_to": _(
        "这一天零时起使用的部分不计入，比文件写的最后一天晚一天：文件写“至2025年12月31日”的填 2026-01-01。没有就留空。"
    ),
    "policytrack.day_count": _("按天折算时怎么数天数。文件没有写的，取首尾两日均计。"),
    "policytrack.scale_unit": _(
        "按核定的算力规模（如每 PFLOPS 多少元）而不是按金额补贴时，规模用什么单位；按金额的留空。"
    ),
    "policytrack.scale_precision": _("规模按哪种计算精度认定，例如 FP16；文件没有写或按金额补贴的留空。"),
    "policytrack.tier_mode": _(
        "比例随金额分档时怎么算：“超额累进”是每一段按各自的比例、再相加；“全额适用”是落在哪一档，全部按那一档。不分档的不必改。"
    ),
    "policytrack.tier_measure": _(
        "看哪个金额落在哪一档：这一次的，还是全年累计的。不分档的不必改。按全年累计分档而各档比例又因芯片来源、用途而异的，每种情形各填一组档次，并在“少用的各项”选择各自累计还是合并累计。"
    ),
    "policytrack.tier_base": _(
        "各组比例的条件（芯片来源、用途、主体类别等）不同时，档次按各自的累计基数分，还是按本方向合并的累计基数分。文件没有写的，通常各自累计；写“年度租金合计超过……”的选合并累计。"
    ),
    "policytrack.band_border": _(
        "金额恰好等于一档的起点时算不算这一档：“100 万元以上”“达到 100 万元”含本数；“超过 100 万元”不含本数。只影响“全额适用所在档”。"
    ),
    # classes
    "policyapplicantclass.name": _("例如“初创企业”“中小企业”。只有比例或限额因企业而异时才需要。"),
    "policyapplicantclass.registered_within_months": _(
        "成立不超过多少个月算这一类，例如三年填 36。不看成立时间的留空。"
    ),
    "policyapplicantclass.border": _(
        "“不超过 36 个月”含本数，满 36 个月的当天仍算；“不满 36 个月”不含本数，当天起不算。不看成立时间的不必改。"
    ),
    "policyapplicantclass.sizes": _("哪些规模算这一类，按国家统计局划型标准。不看规模的都不选。"),
    "policyapplicantclass.ownerships": _(
        "哪些所有制算这一类。不看所有制的都不选。三项都不填的，由办件人员逐户认定。"
    ),
    # rates
    "policyrate.rate": _(
        "写作“20%”或“0.2”都可以。文件没有公布比例的留空：版本可以发布，但不能开放申领。切勿自行填写。"
    ),
    "policyrate.unit_amount": _("按规模补贴时，每单位给多少元，例如每 PFLOPS 10,000 元；按比例补贴的留空。"),
    "policyrate.kind": _(
        "文件写“按 20%”选固定比例；写“不超过 20%”而没有人评定的选“按上限执行”；由专家或部门在上限内评定的选“评审确定”。"
    ),
    "policyrate.chip_origins": _("只用于国产或非国产芯片的，选相应的一项；不分的都不选。"),
    "policyrate.purposes": _("只用于某种用途（如训练）的，选相应的；不分的都不选。"),
    "policyrate.components": _("只用于某类费用的，选相应的；不分的都不选。"),
    "policyrate.classes": _(
        "只用于某类企业的，选相应的；不分的都不选。类别先在第三节“申领主体类别”中填写并保存，再在此选择。"
    ),
    "policyrate.band_from": _(
        "这一档从多少元起（含）。“100 万元以下部分”留空；“100 万元至 500 万元部分”填 100万。"
    ),
    "policyrate.band_to": _("这一档到多少元止（不含）。“100 万元至 500 万元部分”填 500万；“以上部分”留空。"),
    "policyrate.completion_from": _("目标完成度达到多少才适用，例如 80%。文件不按完成度分的留空。"),
    "policyscorerate.score_from": _("评分达到多少分起适用这一比例，例如 80。"),
    "policyscorerate.rate": _("达到这一分数的比例，例如 20%；不能高于上面的上限。"),
    # floors and caps
    "policyfloor.name": _("例如“年度最低租用额”。"),
    "policyfloor.measure": _("看什么是否达到：这一次的费用、全年累计的费用，还是算出来的补贴金额。"),
    "policyfloor.amount": _("低于这个数不予支持，例如“年租用算力 50 万元以上的”填 50万。可以写“50万”。"),
    "policyfloor.stages": _("在哪个环节看是否达到；都不选表示只在申领时。"),
    "policyfloor.border": _(
        "“50 万元以上”“达到 50 万元”含本数，恰好 50 万元的予以支持；“超过 50 万元”不含本数，恰好 50 万元的不予支持。"
    ),
    "policycap.name": _("例如“单个企业年度限额”“年度资金总量”。"),
    "policycap.subject": _(
        "限的是谁：一次、一个合同、一个项目、一家企业、一个集团、一批，还是全市的资金总量。"
    ),
    "policycap.amount": _("看“最高不超过 200 万元”一类的话，填 200万。与“限额比例”填一项。"),
    "policycap.share": _("限额写成“不超过合同额的 50%”的填这里；写成金额的留空。"),
    "policycap.period": _("“每年”一般是自然年度；“政策期内累计”选累计；一次性的选不按期间。"),
    "policycap.counts_at": _(
        "额度在发券时用掉、兑付时用掉，还是分别各算一次。文件没有写的选“分别计入”。写明“年度拨付不超过”的选“拨付时计入”："
        "核定多少不受影响，超过的部分留待下一年度拨付。"
    ),
    "policycap.year_by": _(
        "跨年的兑付算哪一年的额度：一般按计入环节之日（拨付时计入的，即报送银行之日）；文件写明按申报年度计的，选“按申请兑付之日”。"
    ),
    "policycap.classes": _("只限某类企业的，选相应的；不分的都不选。类别先在第三节填写并保存。"),
    "policycap.waived_for": _("不受这一限额约束的企业类别；没有例外的都不选。类别先在第三节填写并保存。"),
    "policycap.year_starts": _(
        "“政策年度”从哪一天起算，写作月-日，例如 04-01（也可写“4月1日”）；自然年度不必改。"
    ),
    # price, other money, rounding
    "policypricerule.above_band": _(
        "文件要求“签约价格不高于公允市场价格”的选“不予支持”；没有提到价格的选“不挂钩”。"
    ),
    "policypricerule.if_untestable": _("没有可比价格、无法判定时怎么办。一般转人工审核。"),
    "policyothermoney.mode": _("看“同一项目不得重复享受”“就高不重复”一类的话；文件没有写的选“文件未规定”。"),
    "policyothermoney.level": _("选“不得与同级财政资金重复”时，同级是哪一级。"),
    "policyothermoney.share": _("选“合计不超过合同额的比例”或“叠加至合计比例”时填，例如 50%。"),
    "policyrounding.mode": _("金额尾数怎么处理。文件写“不超过”的，舍去才不会超过；文件没有写的用默认。"),
    "policyrounding.unit": _("算到分，还是算到元。"),
    "policyrounding.when": _("每算一步就舍入，还是最后才舍入。文件没有写的取最后。"),
    "policytreasuryshare.treasury": _("例如“市级财政”“区级财政”。只有一级负担的，本表不填。"),
    "policytreasuryshare.share": _("这一级负担的比例，例如 60%；各级合计 100%。"),
    "policytreasuryshare.takes_rest": _("各级分别算到分后剩下的零头由这一级负担；不勾选时由最后一级负担。"),
    # gates
    "policygate.text": _(
        "照文件原意写一句完整的话，企业会看到它，例如“申领单位在例示市注册”。一个条件一条。"
    ),
    "policygate.kind": _(
        "本机关怎么核对这一条。选定后，下面只需填写与之有关的几项；没有合适的选“人工核验事项”。"
    ),
    "policygate.cure": _("企业不符合时，怎样做就能符合，例如“信用修复完成后可再行申领”。没有办法的留空。"),
    "policygate.effect": _("不符合时整件不予支持、转人工，还是只把那份合同剔除。"),
    "policygate.if_untestable": _("缺少资料、判断不了时怎么办。一般转人工审核；判断不了从不当作符合。"),
    "policygate.regions": _(
        "写行政区划代码的开头几位，或已登记的名称，例如“11”或“北京市”表示北京市全境；几个地方用顿号隔开。"
    ),
    "policygate.industries": _(
        "按 GB/T 4754 写行业代码或门类字母，例如“65”“I65”或“I”（信息传输、软件和信息技术服务业）；用顿号隔开。"
    ),
    "policygate.values": _("哪几种算符合。只显示与条件种类有关的选项。"),
    "policygate.months": _("成立满（不超过）多少个月，例如两年填 24。"),
    "policygate.years": _("多少年，例如“三年内无失信记录”填 3，“连续享受不超过三年”填 3。"),
    "policygate.from_on": _("从这一天（含）起，例如“2025年1月1日以后签订的合同”填 2025-01-01。没有就留空。"),
    "policygate.to_on": _("到这一天为止（不含），比文件写的最后一天晚一天。没有就留空。"),
    "policygate.border": _(
        "“满 24 个月”“不超过 36 个月”含本数，恰满的当天符合；“超过 24 个月”“不满 36 个月”不含本数，当天不符合。只用于按成立时间核对的条件。"
    ),
    "policygate.sides": _(
        "这一条只对支持某些对象的补贴方向有效的，选那些对象，例如“服务商须入库”只用于支持算力供给方的方向；各方向都适用的都不选。"
    ),
    "policygate.for_kinds": _(
        "这一条只对某些主体类型有效的，选那些类型，例如“企业须在本市注册”选企业；对各类主体都有效的都不选。"
    ),
    "policygate.not_for_kinds": _(
        "不受这一条限制的主体类型，例如“高校不受注册地限制”选高等学校；没有例外的都不选。"
    ),
    "policygate.classes": _(
        "这一条只对某些主体类别有效的，选那些类别；各类别都有效的都不选。类别先在第三节填写并保存，再在此选择。"
    ),
    "policygate.waived_for": _(
        "不受这一条限制的主体类别，例如初创企业不要求成立满一年；没有例外的都不选。类别先在第三节填写并保存。"
    ),
    "policygate.question": _("请办件人员回答“是”或“否”的问题，例如“所训练的模型是否属于行业大模型？”"),
    "policygate.batches": _("只认哪几批入库名单，例如“2025年第一批”；不分批次的留空。"),
    "policygate.scale_from": _("服务商算力规模至少多少，例如 100；单位在右边选。"),
    "policygate.scale_unit": _("规模的单位，例如 PFLOPS。"),
    "policygate.scale_precision": _("规模按哪种计算精度，例如 FP16；文件没有写的留空。"),
    "policygate.stages": _(
        "在哪些环节检验；都不选表示申领、兑付、抵扣时都检验。只需申领时核一次的，只选申领。"
    ),
    "policygate.review_reference": _(
        "限定地域、所有制或特定经营者的条件，填公平竞争审查的文号；其他条件留空。"
    ),
    # windows, issue, voucher
    "policywindow.name": _("例如“2025年度集中申报期”。随时可以申报的，本表不填。"),
    "policywindow.opens_at": _("从几点几分起受理（北京时间），例如 2025-03-01 09:00。"),
    "policywindow.closes_at": _(
        "到几点几分为止；“截至4月30日”填 2025-05-01 00:00，“截至4月30日18时”填 2025-04-30 18:00。"
    ),
    "policywindow.repeats": _(
        "每年（每季度、每月）同一时间都受理的，填好第一期的起止时间后在此选择，不必逐期填写，例如第一期 2025-03-01 至 2025-05-01、每年重复；只此一期的不必改。"
    ),
    "policywindow.repeats_until": _("从这一天起不再开始新的一期；随版本施行、没有期限的留空。不重复的不填。"),
    "policywindow.stage": _("这是申领的期限还是兑付的期限。"),
    "policywayofissue.way": _(
        "券怎么来：企业申报后审核发放、即领即享、分批、每年集中申报等。看“申领程序”一章。"
    ),
    "policywayofissue.shortage": _(
        "资金不够时怎么办，看“额满即止”“按比例分配”一类的话；没有写的选“文件未规定”。"
        "“按评分排序”须经评审：“免申即享”的名单没有得分，文件写明评分的，发放方式请选“评审认定”。"
    ),
    "policywayofissue.notice_working_days": _("公示几个工作日，例如 5；文件没有要求公示的留空。"),
    "policyvoucherkind.issues_voucher": _("发放算力券的勾选；直接补助、不发券的取消勾选。"),
    "policyvoucherkind.divisible": _("一张券可以分成几次用的勾选。"),
    "policyvoucherkind.many_uses": _("可以多次兑付的勾选；一次用完的取消勾选。"),
    "policyvoucherkind.validity_months": _(
        "自发放起几个月内有效，例如 12。与“统一失效日”都留空的，按预算年度管理，至发放当年 12 月 31 日止有效。"
    ),
    "policyvoucherkind.reservation_days": _(
        "平台即时抵扣时，从预占到确认最多隔几个工作日，逾期自动释放。文件没有写的留空，为五个工作日。"
    ),
    "policyvoucherkind.valid_to": _("所有的券在同一天失效的，填失效的那一天（当天零时起失效）；否则留空。"),
    # papers and steps
    "policypaper.name": _("照文件的材料清单写，一种一条，例如“算力租用合同”。"),
    "policypaper.stage": _("申领时交，还是兑付时交。"),
    "policypaper.required": _("缺了不能提交的勾选；有则提供的取消勾选。"),
    "policypaper.hint": _("告诉企业怎样准备，例如“加盖公章的 PDF”。可以留空。"),
    "policyreviewstep.name": _("例如“受理”“初审”“专家评审”“核准”。"),
    "policyreviewstep.role": _("由哪种岗位办理。同一件的受理、核准须由不同的人办理。"),
    "policyreviewstep.stage": _("属于申领的审核还是兑付的审核。"),
    "policyreviewstep.working_days": _("几个工作日内办结，例如 5；文件没有写的可以留空。"),
    "policyreviewstep.sets_rate": _("评审人员在这一步确定比例或评分的勾选。只有“评审确定”的比例需要。"),
    "policyreviewstep.amount_from": _(
        "拟给的补贴（不是租用费）达到多少元才需要这一步，例如“500 万元以上的须专家评审”填 500万；都需要的留空。"
    ),
    # citations and examples
    "valuecitation.target": _("哪一条里的数值出处与该条不同。先保存，再从列表中选。"),
    "valuecitation.field": _("该条里的哪一个数值。"),
    "policyexample.title": _("一句话说明这个例子，例如“刚好超过年度限额一分钱”。"),
    "policyexample.facts": _("案情，按本系统的格式。建议用算例表（Excel）填写后上传，不必在此书写。"),
    "policyexample.expected": _("应得的结论和金额，按本系统的格式。建议用算例表（Excel）填写后上传。"),
    "policyexample.working": _("主管部门自己的算法，供核对。可以留空。"),
    "policyexample.code": _("算例的代号，小写字母、数字和下划线，例如 over_cap。"),
    "policyexample.position": _("算例的先后。"),
}


def help_for(model_name: str, field_name: str, own: Any = "") -> Any:
    """The sentence beside a field: of that field, of fields of that name, or the column's own."""
    return HELP.get(f"{model_name}.{field_name}") or COMMON.get(field_name) or own
