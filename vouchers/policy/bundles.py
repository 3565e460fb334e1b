"""A scheme with its worked examples in one YAML file: how a version moves between installations.

Also how a scheme is taken over for another program: the rules stay, the program's code and region become the other's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vouchers.policy.documents import Marked, read_marked, scheme_of, write_scheme
from vouchers.policy.examples import Example, examples_of, plain_example
from vouchers.policy.facts import Facts
from vouchers.policy.plain import Problem, SchemeError
from vouchers.policy.rules import Scheme


@dataclass(frozen=True)
class Bundle:
    """What a file held. `marked` knows its lines, for what is found wrong later."""

    scheme: Scheme
    examples: tuple[Example, ...]
    marked: Marked


def read_bundle(text: str) -> Bundle:
    """A file's scheme and examples. Raises SchemeError with every wrong place of both, each with its line."""
    marked = read_marked(text)
    problems: list[Problem] = []
    scheme, examples = None, []
    try:
        scheme = scheme_of(marked)
    except SchemeError as error:
        problems += error.problems
    try:
        examples = examples_of(marked, required=False)
    except SchemeError as error:
        problems += error.problems
    if problems or scheme is None:
        raise SchemeError(problems)
    return Bundle(scheme, tuple(examples), marked)


def write_bundle(scheme: Scheme, examples: Sequence[Example]) -> str:
    """The scheme as YAML with its examples beneath."""
    return write_scheme(scheme, more={"examples": [plain_example(example) for example in examples]})


def for_program(bundle: Bundle, program: str, region: str) -> Bundle:
    """The same rules for another program; what examples say was used of its caps goes with it."""
    old, new = f"{bundle.scheme.program}:", f"{program}:"

    def moved(facts: Facts) -> Facts:
        caps = {
            f"{new}{key.removeprefix(old)}" if key.startswith(old) else key: value
            for key, value in facts.used.caps.items()
        }
        return replace(facts, used=replace(facts.used, caps=caps))

    return Bundle(
        replace(bundle.scheme, program=program, region=region),
        tuple(replace(example, facts=moved(example.facts)) for example in bundle.examples),
        bundle.marked,
    )
