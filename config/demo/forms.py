"""The forms on a page, as a browser would send them: names, values that stand there, where they go."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """One form: its address, and its fields with the values that stand in them. Buttons are left out."""

    action: str = ""
    method: str = "get"
    values: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    ident: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.select = ""
        self.area = ""
        self.text = ""
        self.first_option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = Form(
                action=at.get("action", ""), method=at.get("method", "get").lower(), ident=at.get("id", "")
            )
            self.forms.append(self.form)
        form = self.form
        if form is None or "disabled" in at:
            return
        name = at.get("name", "")
        if tag == "input" and name:
            self._input(form, name, at)
        elif tag == "button" and name:
            form.names.add(name)
        elif tag == "select" and name:
            form.names.add(name)
            self.select, self.first_option = name, None
        elif tag == "option" and self.select:
            if "selected" in at:
                form.values.setdefault(self.select, []).append(at.get("value", ""))
            elif self.first_option is None:
                self.first_option = at.get("value", "")
        elif tag == "textarea" and name:
            form.names.add(name)
            self.area, self.text = name, ""

    def _input(self, form: Form, name: str, at: dict[str, str]) -> None:
        kind = at.get("type", "text")
        form.names.add(name)
        if kind == "file":
            form.files.add(name)
        elif kind in ("checkbox", "radio"):
            if "checked" in at:
                form.values.setdefault(name, []).append(at.get("value", "on"))
        elif kind not in ("submit", "button", "image"):
            form.values.setdefault(name, []).append(at.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self.area:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select" and self.select:
            if (
                self.form is not None
                and self.select not in self.form.values
                and self.first_option is not None
            ):
                self.form.values[self.select] = [self.first_option]
            self.select = ""
        elif tag == "textarea" and self.area:
            if self.form is not None:
                self.form.values[self.area] = [self.text.lstrip("\n")]
            self.area = ""


def forms_on(page: str) -> list[Form]:
    """Every form of the page, in its order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


def form_with(page: str, names: set[str]) -> Form | None:
    """The first form that sends something (POST) and has all these fields."""
    return next((form for form in forms_on(page) if form.method == "post" and names <= form.names), None)
