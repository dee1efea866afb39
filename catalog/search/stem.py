"""Words of one stem: "adapters" and "adaptation", "quantised" and "quantizing".

The rules stand in `language.json`, which the site's script reads too. They are those of Porter, "An algorithm for
suffix stripping" (1980), with British spellings and irregular plurals before them; where Porter keeps "model" and
"modell" apart, they are one here.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

_SHORTEST = 4  # a word of fewer letters is its own stem


class _Language(NamedTuple):
    irregular: dict[str, str]
    stopwords: frozenset[str]
    steps: list[dict[str, list[tuple[str, str, re.Pattern[str]]]]]  # by last letter: suffix, what for it, condition


@cache
def said_of_language() -> dict[str, Any]:
    """What is known of the language of queries, as the site has it too."""
    said: dict[str, Any] = json.loads(files("catalog.search").joinpath("language.json").read_text("utf-8"))
    return said


@cache
def _language() -> _Language:
    rules = said_of_language()
    conditions = {name: re.compile(pattern) for name, pattern in rules["conditions"].items()} | {"": re.compile("")}
    steps: list[dict[str, list[tuple[str, str, re.Pattern[str]]]]] = []
    for step in rules["steps"]:
        steps.append({})
        for suffix, new, name in step:
            steps[-1].setdefault(suffix[-1], []).append((suffix, new, conditions[name]))
    return _Language(rules["irregular"], frozenset(rules["stopwords"]), steps)


def is_stopword(token: str) -> bool:
    """Whether an English question holds this word whatever it asks for: "how", "with", "paper"."""
    return token in _language().stopwords


def stem(token: str) -> str:
    """What the forms of an English word share; other tokens, and those with digits, are their own stem."""
    language = _language()
    if len(token) < _SHORTEST or not (token.isascii() and token.isalpha()):
        return token
    if irregular := language.irregular.get(token):
        return irregular
    for step in language.steps:
        for suffix, new, condition in step.get(token[-1], ()):
            if token.endswith(suffix) and condition.search(rest := token[: -len(suffix)]):
                token = rest[:-1] if new == "-" else rest + new
                break
    return token


def family_prefix(token: str) -> str:
    """What each word of the token's stem begins with, as far as the rules can change it."""
    root = stem(token)
    shared = 0
    while shared < min(len(root), len(token)) and root[shared] == token[shared]:
        shared += 1
    return token[: max(min(3, len(token)), min(shared, len(root) - 2, 6))]
