"""What the office does in the demonstration, at the desk's own pages: by as many people as the rules ask for."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping

from config.demo.browser import Person, Reply, StepFailed, words

_CHECKS = re.compile(r'action="(/desk/checks/[^"]+)"')
_LETTER = re.compile(r'<textarea id="reject-reason"[^>]*>(.*?)</textarea>', re.DOTALL)


class Office:
    """The staff, signed in as needed."""

    def __init__(self, sign_in: Callable[[str], Person]) -> None:
        self.sign_in = sign_in
        self.told_apart = False  # whether the maker of a batch was seen to be refused its approval

    def answer_checks(self, account: str, case: str) -> int:
        """Every open check of the case gets its answer from this person; answers how many."""
        person = self.sign_in(account)
        page = person.look(case)
        addresses = list(dict.fromkeys(_CHECKS.findall(page)))
        for address in addresses:
            answer = {"result": "passed", "sentence": "已核对所附材料原件，相符。"}
            person.post(address, answer, page=page, follow=address == addresses[-1])
        return len(addresses)

    def decide(self, account: str, case: str, verb: str, *, refused: bool = False, **data: str) -> Reply:
        """One verb on a case or a batch."""
        person = self.sign_in(account)
        page = person.look(case)
        return person.post(f"{case}{verb}/", data, page=page, refused=refused)

    def approve_application(self, number: str, *, opinion: Mapping[str, str] | None = None) -> str:
        """Accepted, recommended and approved by three people, then noticed; answers the page. ``opinion``: the experts' words."""
        case = f"/desk/applications/{number}/"
        self.decide("handler", case, "accept")
        self.answer_checks("handler", case)
        reviewer = "handler2" if opinion is None else "expert"
        self.decide(reviewer, case, "recommend", refused=False, **(opinion or {}))
        self.decide("approver", case, "approve")
        return self.decide("approver", case, "publish_notice").text

    def reject(self, number: str) -> str:
        """With the sentence that the page proposes from the findings; answers it."""
        case = f"/desk/applications/{number}/"
        found = _LETTER.search(self.sign_in("handler").get(case))
        if found is None or not words(found.group(1)):
            raise StepFailed(f"{number}：页面没有给出不予支持的理由")
        sentence = words(found.group(1))
        self.decide("handler", case, "reject", reason=sentence)
        return sentence

    def approve_claim(self, number: str) -> None:
        """Verified by one, approved by another."""
        case = f"/desk/claims/{number}/"
        self.answer_checks("handler", case)
        self.decide("handler", case, "verify")
        self.decide("approver", case, "approve")

    def pay(self, program: str, claims: list[str], paid_on: str) -> tuple[str, bytes]:
        """All payables of the program: a batch made by one, approved by another, exported, confirmed by the bank's file.

        Answers the batch's number and the list as Excel.
        """
        maker = self.sign_in("finance")
        page = maker.get(f"/desk/payments/?program={program}")
        payments = re.findall(r'name="chosen" value="(P-[^"]+)" data-amount="([\d.]+)"', page)
        if not payments or any(claim not in page for claim in claims):
            raise StepFailed(f"{program}：应付款项中缺少 {claims}")
        made = maker.post(
            "/desk/payments/batches/",
            {"program": program, "chosen": [number for number, _amount in payments]},
            page=page,
        )
        batch = made.path
        self.decide("finance", batch, "propose")
        if not self.told_apart:
            self.decide("finance", batch, "approve", refused=True)
            self.told_apart = True
        self.decide("finance2", batch, "approve")
        self.decide("finance2", batch, "export")
        content = self.sign_in("finance2").download(f"{batch}list.xlsx")
        sent = self.sign_in("finance2").download(f"{batch}list.csv").decode("utf-8-sig")
        answer = io.StringIO()
        writer = csv.writer(answer)
        writer.writerow(("instruction_no", "result", "amount", "bank_reference", "reason", "paid_on"))
        for position, row in enumerate(csv.DictReader(io.StringIO(sent)), start=1):
            number, amount = row["instruction_no"], row["amount"]
            if number == "TOTAL":
                writer.writerow((number, len(payments), amount, "", "", ""))
            else:
                writer.writerow((number, "confirmed", amount, f"BANK{number}{position:06d}", "", paid_on))
        page = self.sign_in("finance2").look(batch)
        self.sign_in("finance2").post(
            f"{batch}settle/",
            {},
            files={"file": ("return.csv", answer.getvalue().encode(), "text/csv")},
            page=page,
        )
        return batch.rstrip("/").rsplit("/", 1)[-1], content
