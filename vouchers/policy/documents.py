"""Schemes as YAML: how a version travels between installations, and how the shipped ones are written.

A file is the plain document of a Scheme with one convenience: citations are named once under `sources` and referred to as
`cite: seed` or `cite: {source: seed, article: 第三条}`. No YAML number becomes a float, no date is guessed: such scalars
stay text and the rule model reads them. A file is refused whole, each wrong place with its line and column, whether YAML
itself is broken there or only the rule model does not know what it says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from vouchers.policy.plain import Problem, SchemeError
from vouchers.policy.rules import Scheme, parse, render

SHIPPED = Path(__file__).parent / "data"
EXAMPLES = SHIPPED / "examples"
_TEXT_TAGS = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
MOST_CHARACTERS = 2_000_000
"""A scheme with its examples is some tens of thousands of characters long."""
_DEEPEST = 40


class _Loader(yaml.SafeLoader):
    """Safe YAML in which decimals, dates and instants stay text, and a key may stand only once.

    Anchors and nesting without end are refused: a short file could unfold into one that fills the memory.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SchemeError([_at(mark, "不支持锚点与引用（& 与 *），请把内容写在各处")])
        if self.depth >= _DEEPEST:
            raise SchemeError([_at(mark, f"层级超过 {_DEEPEST} 层")])
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag not in _TEXT_TAGS]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode):
            _check_scalar(node)
        try:
            return super().construct_object(node, deep=deep)
        except (SchemeError, yaml.YAMLError):
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
            said = f"“{str(node.value)[:60]}”" if isinstance(node, yaml.ScalarNode) else "这一项"
            kind = node.tag.removeprefix("tag:yaml.org,2002:")
            raise SchemeError([_at(node.start_mark, f"{said}不能读作 {kind}")]) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise SchemeError([_at(key_node.start_mark, "名称应为文字")])
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise SchemeError([_at(key_node.start_mark, f"“{key}”重复出现")])
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_LONGEST_INTEGER = 100


def _check_scalar(node: yaml.ScalarNode) -> None:
    """Refuse what cannot be kept as text, and integers whose reading alone would take long."""
    if node.tag == "tag:yaml.org,2002:int" and len(node.value) > _LONGEST_INTEGER:
        raise SchemeError([_at(node.start_mark, f"整数超过 {_LONGEST_INTEGER} 位")])
    if "\x00" in node.value or any("\ud800" <= character <= "\udfff" for character in node.value):
        raise SchemeError([_at(node.start_mark, "含有不能保存的字符（空字符或不完整的字符）")])


@dataclasses.dataclass(frozen=True)
class Marked:
    """A document's plain values, and at which line and column (from 1) each path of it stands."""

    value: Any
    marks: Mapping[str, tuple[int, int]]

    def place(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with their lines: that of the path itself, or of the nearest thing around it that is there."""
        return [self._placed(problem) for problem in problems]

    def _placed(self, problem: Problem) -> Problem:
        path = problem.path
        while path and path not in self.marks:
            path = path.rpartition(".")[0]
        line, column = self.marks.get(path, (0, 0))
        return problem if problem.line or not line else dataclasses.replace(problem, line=line, column=column)


def _at(mark: Any, message: str) -> Problem:
    return Problem("", message, line=mark.line + 1, column=mark.column + 1)


def read_marked(text: str) -> Marked:
    """YAML text as plain values with the lines. Raises SchemeError with the line and column where it is no YAML."""
    if len(text) > MOST_CHARACTERS:
        raise SchemeError([Problem("文件", f"超过 {MOST_CHARACTERS:,} 个字符")])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Marked(None, {})
        marks: dict[str, tuple[int, int]] = {}
        _walk(node, "", marks)
        return Marked(loader.construct_document(node), marks)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"不是合格的 YAML：{error.problem or error.context}"
        raise SchemeError([_at(mark, said) if mark else Problem("文件", said)]) from None
    except yaml.YAMLError as error:
        raise SchemeError([Problem("文件", f"不是合格的 YAML：{error}")]) from None


def _walk(node: yaml.Node, path: str, marks: dict[str, tuple[int, int]]) -> None:
    """Paths as the rule model names them: a list's rows by their code, else by their place from 1."""
    head = f"{path}." if path else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = f"{head}{key.value}"
            marks[here] = (key.start_mark.line + 1, key.start_mark.column + 1)
            _walk(value, here, marks)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value, start=1):
            here = f"{head}{_code(item) or place}"
            marks[here] = (item.start_mark.line + 1, item.start_mark.column + 1)
            _walk(item, here, marks)


def _code(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "code" and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return ""


def read_plain(text: str) -> Any:
    """YAML text as plain values. Raises SchemeError with the line."""
    return read_marked(text).value


def read_scheme(text: str) -> Scheme:
    """A scheme's YAML as a Scheme; examples that travel with it are left aside. Raises SchemeError with every wrong place."""
    return scheme_of(read_marked(text))


def scheme_of(marked: Marked) -> Scheme:
    """The scheme of a document that was read. Raises SchemeError with every wrong place and its line."""
    if not isinstance(marked.value, dict):
        raise SchemeError([Problem("文件", "应为一组“名称：值”")])
    document = {key: value for key, value in marked.value.items() if key not in ("sources", "examples")}
    sources = marked.value.get("sources") or {}
    problems: list[Problem] = []
    if not isinstance(sources, dict):
        problems.append(Problem("sources", "应为一组“名称：出处”"))
        sources = {}
    expanded = _expand(document, sources, "", problems)
    try:
        scheme = parse(expanded)
    except SchemeError as error:
        raise SchemeError(marked.place([*problems, *error.problems])) from None
    if problems:
        raise SchemeError(marked.place(problems))
    return scheme


def _expand(value: Any, sources: Mapping[str, Any], path: str, problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [
            _expand(item, sources, f"{path}.{_row_name(item, place)}", problems)
            for place, item in enumerate(value, 1)
        ]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, item in value.items():
        here = f"{path}.{key}" if path else str(key)
        if key == "cite":
            out[key] = _citation(item, sources, here, problems)
        elif key == "cites" and isinstance(item, dict):
            out[key] = {
                name: _citation(one, sources, f"{here}.{name}", problems) for name, one in item.items()
            }
        else:
            out[key] = _expand(item, sources, here, problems)
    return out


def _row_name(item: Any, place: int) -> str:
    return str(item["code"]) if isinstance(item, dict) and item.get("code") else str(place)


def _citation(value: Any, sources: Mapping[str, Any], path: str, problems: list[Problem]) -> Any:
    name = value if isinstance(value, str) else value.get("source") if isinstance(value, dict) else None
    if name is None:
        return value
    if not isinstance(name, str) or not isinstance(sources.get(name), dict):
        problems.append(Problem(path, f"没有名为“{name}”的出处", tuple(str(one) for one in sources)))
        return {"document_no": ""}
    own = {key: item for key, item in value.items() if key != "source"} if isinstance(value, dict) else {}
    return {**sources[name], **own}


class _Dumper(yaml.SafeDumper):
    """Writes everything out where it stands: what this system writes, it also reads."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_scheme(scheme: Scheme, *, more: Mapping[str, Any] | None = None) -> str:
    """The scheme as YAML, its citations named once: `read_scheme(write_scheme(s)) == s`. `more` is written after it."""
    sources: dict[str, dict[str, Any]] = {}
    body = _collect(render(scheme), sources)
    document = {"sources": sources, **body, **(more or {})}
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _collect(value: Any, sources: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_collect(item, sources) for item in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, item in value.items():
        if key == "cite":
            out[key] = _name(item, sources)
        elif key == "cites":
            out[key] = {name: _name(one, sources) for name, one in item.items()}
        else:
            out[key] = _collect(item, sources)
    return out


def _name(citation: dict[str, Any], sources: dict[str, dict[str, Any]]) -> str:
    for name, known in sources.items():
        if known == citation:
            return name
    name = f"source_{len(sources) + 1}"
    sources[name] = citation
    return name


def shipped_files() -> list[Path]:
    """The schemes that come with the system, by file name."""
    return sorted(SHIPPED.glob("*.yaml"))


def shipped_scheme(name: str) -> Scheme:
    """A shipped scheme by its file's stem, such as `BDA-SLQ-v1`. Raises FileNotFoundError."""
    return read_scheme((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))
