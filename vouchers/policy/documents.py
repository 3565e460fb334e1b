"""Schemes as YAML: how a version travels between installations, and how the shipped ones are written.

A file is the plain document of a Scheme with one convenience: citations are named once under `sources` and referred to as
`cite: seed` or `cite: {source: seed, article: 第三条}`. No YAML number becomes a float, no date is guessed: such scalars
stay text and the rule model reads them. A file is refused whole, with its line where YAML itself is broken.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from vouchers.policy.plain import Problem, SchemeError
from vouchers.policy.rules import Scheme, parse, render

SHIPPED = Path(__file__).parent / "data"
EXAMPLES = SHIPPED / "examples"
_TEXT_TAGS = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which decimals, dates and instants stay text, and a key may stand only once."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag not in _TEXT_TAGS]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise SchemeError([Problem(f"第 {line} 行", f"“{key}”重复出现")])
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_plain(text: str) -> Any:
    """YAML text as plain values. Raises SchemeError with the line."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"第 {mark.line + 1} 行第 {mark.column + 1} 列" if mark else "文件"
        raise SchemeError([Problem(place, f"不是合格的 YAML：{error.problem or error.context}")]) from None
    except yaml.YAMLError as error:
        raise SchemeError([Problem("文件", f"不是合格的 YAML：{error}")]) from None


def read_scheme(text: str) -> Scheme:
    """A scheme's YAML as a Scheme. Raises SchemeError with every wrong place."""
    document = read_plain(text)
    if not isinstance(document, dict):
        raise SchemeError([Problem("文件", "应为一组“名称：值”")])
    problems: list[Problem] = []
    sources = document.pop("sources", None) or {}
    expanded = _expand(document, sources, "", problems)
    if problems:
        raise SchemeError(problems)
    return parse(expanded)


def _expand(value: Any, sources: Mapping[str, Any], path: str, problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_expand(item, sources, f"{path}[{place}]", problems) for place, item in enumerate(value, 1)]
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


def _citation(value: Any, sources: Mapping[str, Any], path: str, problems: list[Problem]) -> Any:
    name = value if isinstance(value, str) else value.get("source") if isinstance(value, dict) else None
    if name is None:
        return value
    if name not in sources:
        problems.append(Problem(path, f"没有名为“{name}”的出处", tuple(sources)))
        return {"document_no": ""}
    own = {key: item for key, item in value.items() if key != "source"} if isinstance(value, dict) else {}
    return {**sources[name], **own}


def write_scheme(scheme: Scheme) -> str:
    """The scheme as YAML, its citations named once: `read_scheme(write_scheme(s)) == s`."""
    sources: dict[str, dict[str, Any]] = {}
    body = _collect(render(scheme), sources)
    return yaml.safe_dump({"sources": sources, **body}, allow_unicode=True, sort_keys=False, width=120)


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
