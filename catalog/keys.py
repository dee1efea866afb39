"""Citation keys made from what is known of a work, by a pattern such as `{family}{year}{word}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from catalog.facts import Facts, Name
from catalog.text import fold, word_list

PATTERN = "{family}{year}{word}"
STOP_WORDS = frozenset(
    str.split(
        "a an the on of for in to and or with from by is are at as via towards toward using how what why do does can"
    )
)
_TOKENS = {
    "{": re.compile(r"\{(?P<part>[^{}]*)\}|(?P<literal>[^{}]+)|(?P<bad>[{}])"),
    "[": re.compile(r"\[(?P<part>[^\[\]]*)\]|(?P<literal>[^\[\]]+)|(?P<bad>[\[\]])"),
    "+": re.compile(
        r"\s*(?:\+\s*)?(?:(?P<quote>['\"])(?P<literal>[^'\"]*)(?P=quote)|(?P<part>[A-Za-z](?:[^'\"+()]|\([^()]*\))*))|(?P<bad>.)"
    ),
}
_PART = re.compile(
    r"(?P<name>[A-Za-z]+(?:\.(?:auth\.)?(?:etal|ea))?)(?P<number>\d{0,2})(?:\((?P<given>[\w\s,=]*)\))?"
    r"(?P<then>(?:[.:](?:[A-Za-z]+(?:\([^()]*\)|=\S)?|\d{1,2}))*)"
)
_THEN = re.compile(r"(?P<name>[A-Za-z]+|\d{1,2})(?:\((?P<given>[^()]*)\)|=(?P<joint>\S))?")
_GIVEN = re.compile(r"\d{1,2}")
_UNFIT = re.compile(r"[^\w.:/+-]")
_LONGEST = 60  # characters of a key that is made
_AS_IT_IS = frozenset(
    str.split("clean fold ascii nopunct nopunctordash alphanum skipwords nostopwords transliterate default")
)  # what other programs have to say for what is always done here
_CHANGES = {"lower", "upper", "abbr", "acronym", "capitalize", "condense", "substring", "select"} | _AS_IT_IS


class _Part(NamedTuple):
    """What stands in the braces of a pattern: the name, its number (0 for none), how its words are written ("lower",
    "kept", "capital"; of `first` words the capital), and what is done with it then."""

    name: str
    number: int
    shown: str
    first: int
    then: tuple[tuple[str, tuple[int, ...], str], ...]


@lru_cache(maxsize=32)
def parse(pattern: str) -> tuple[_Part | str, ...]:
    """The parts of a pattern and the text between them; raises `ValueError`, which says what is wrong with it.

    `{auth}{year}`; or as Better BibTeX and JabRef have it `[auth:lower]_[year]`, `auth.lower + year + shorttitle(3,3)`.
    """
    form = next((mark for mark in "{[+" if mark in pattern), "+" if _PART.fullmatch(pattern.strip()) else "{")
    parts: list[_Part | str] = []
    for found in _TOKENS[form].finditer(pattern.strip() if form == "+" else pattern):
        if found["bad"]:
            raise ValueError(f"{pattern[:60]!r} has a brace without its other; write parts as in {PATTERN}")
        if found["literal"] is not None:
            if unfit := _UNFIT.search(found["literal"]):
                raise ValueError(f"{unfit.group()!r} in {pattern[:60]!r} fits no key; write parts as in {PATTERN}")
            parts.append(found["literal"])
        else:
            parts.append(_part(found["part"].strip(), form))
    if not any(isinstance(part, _Part) for part in parts):
        raise ValueError(f"{pattern[:60]!r} names no part, so that all keys would be one; write it as in {PATTERN}")
    return tuple(parts)


def _part(text: str, form: str) -> _Part:
    part = _PART.fullmatch(text)
    name = part["name"].lower().replace(".", "") if part else ""
    then = _THEN.findall(part["then"]) if part else []
    if not part or _ALIASES.get(name, name) not in _PARTS:
        raise ValueError(f"'{text[:40]}' is no part of a key; there are {', '.join(_PARTS)}")
    if wrong := next((one for one, *_ in then if not one.isdigit() and one.lower() not in _CHANGES), ""):
        raise ValueError(f"'{wrong}' in '{text[:40]}' changes no part; there are {', '.join(sorted(_CHANGES))}")
    number, first = [*map(int, _GIVEN.findall(part["given"] or "")), 0, 0][:2]
    shown = "capital" if form == "{" and part["name"][0].isupper() else "lower" if form == "{" else "kept"
    shown = "capital" if form != "{" and name in ("title", "camel") else shown
    changes = tuple((one.lower(), tuple(map(int, _GIVEN.findall(given))), joint or given) for one, given, joint in then)
    return _Part(_ALIASES.get(name, name), int(part["number"] or 0) or number, shown, first, changes)


def propose_key(facts: Facts, is_taken: Callable[[str], bool] = lambda _: False, pattern: str = PATTERN) -> str:
    """A free key by the pattern; of a work with neither names nor year the first words of its title. `is_taken` as in
    `free_key`."""
    made = _made(facts, parse(pattern)) if facts.names or facts.year else ""
    made = made or "-".join(map(fold, _telling(facts)[:4]))
    return free_key(made[:_LONGEST].rstrip("-_.:/+") or "untitled", is_taken)


def free_key(stem: str, is_taken: Callable[[str], bool]) -> str:
    """The key itself, or with the letter or number behind it that makes it free. `is_taken` is asked of keys, case
    folded."""
    if not is_taken(stem.casefold()):
        return stem
    for letter in "bcdefghijklmnopqrstuvwxyz":
        if not is_taken(f"{stem}{letter}".casefold()):
            return stem + letter
    number = 2
    while is_taken(f"{stem}-{number}".casefold()):
        number += 1
    return f"{stem}-{number}"


def _made(facts: Facts, parts: tuple[_Part | str, ...]) -> str:
    """The parts one behind the other; what stands behind an empty one is left out with it."""
    key, between, empty = "", "", False
    for part in parts:
        if isinstance(part, str):
            between += "" if empty else part
            continue
        value = _value(facts, part)
        empty = not value
        if value:
            key, between = key + between + value, ""
    return key + ("" if empty else between)


def _value(facts: Facts, part: _Part) -> str:
    words = _PARTS[part.name](facts, part.number)
    if part.shown == "lower":
        words = [word.lower() for word in words]
    capital = len(words) if part.shown == "capital" else part.first
    words = [word[0].upper() + word[1:] for word in words[:capital]] + words[capital:]
    joint = ""
    for name, numbers, said in part.then:
        if name in ("abbr", "acronym"):
            words = [word[0] for word in words]
        elif name == "capitalize":
            words = [word[0].upper() + word[1:] for word in words]
        elif name == "select":
            words = _cut(words, numbers)
        elif name == "condense":
            joint = _UNFIT.sub("", said.strip("'\"")) or "_"
        else:
            words = [text] if (text := _changed(joint.join(words), name, numbers)) else []
    return joint.join(words)


def _changed(text: str, name: str, numbers: tuple[int, ...]) -> str:
    if name.isdigit():
        return text[: int(name)]
    if name == "substring":
        return "".join(_cut(list(text), numbers))
    return text.upper() if name == "upper" else text.lower() if name == "lower" else text


def _cut(items: list[str], numbers: tuple[int, ...]) -> list[str]:
    """So many from one on; the first is 1."""
    start, count = (numbers + (1, len(items))[len(numbers) :])[:2]
    return items[max(start, 1) - 1 :][:count]


def _telling(facts: Facts) -> list[str]:
    words = word_list(facts.heading if facts.title else "")
    return [word for word in words if word.lower() not in STOP_WORDS and not word.isdigit()] or words


def _family(name: Name) -> str:
    return "".join(word_list(name.family or name.literal or name.given))


def _families(facts: Facts, most: int = 0) -> list[str]:
    """The family names; of more than `most`, those and "EtAl"."""
    names = [_family(name) for name in facts.names]
    more = facts.others or (most and len(names) > most)
    return [one for one in (names[:most] if most else names) if one] + (["EtAl"] if more and names else [])


def _alpha(facts: Facts, _number: int) -> list[str]:
    """As BibTeX's style `alpha` does: three letters of one name, else the first letters of up to four."""
    names = [one for one in map(_family, facts.names) if one]
    if len(names) < 2:
        return [name[:3] for name in names]
    return ["".join(name[0].upper() for name in names[: 4 if len(names) < 5 else 3])]


def _et_al(facts: Facts, _number: int) -> list[str]:
    return _families(facts, 1 if len(facts.names) > 2 else 2)


def _initials(facts: Facts, _number: int) -> list[str]:
    return (
        ["".join(word[0] for word in word_list(facts.names[0].given))] if facts.names and facts.names[0].given else []
    )


def _first_page(facts: Facts, _number: int) -> list[str]:
    return re.findall(r"\w+", facts.detail("pages"))[:1]


def _date(part: int) -> Callable[[Facts, int], list[str]]:
    return lambda facts, _: facts.date.partition("/")[0].lstrip("-").split("-")[part : part + 1]


_PARTS: Mapping[str, Callable[[Facts, int], list[str]]] = MappingProxyType({
    "family": lambda facts, n: [one[: n or None] for one in map(_family, facts.names[:1]) if one],
    "auth": lambda facts, n: [one[: n or None] for one in map(_family, facts.names[:1]) if one],
    "authors": _families,
    "authetal": _et_al,
    "authorsalpha": _alpha,
    "lastauth": lambda facts, _: [one for one in map(_family, facts.names[-1:]) if one],
    "initials": _initials,
    "year": lambda facts, _: [str(abs(facts.year))] if facts.year else [],
    "shortyear": lambda facts, _: [f"{abs(facts.year) % 100:02}"] if facts.year else [],
    "origyear": lambda facts, _: facts.detail("origdate").split("-")[:1],
    "month": _date(1),
    "day": _date(2),
    "word": lambda facts, n: _telling(facts)[max(n, 1) - 1 : max(n, 1)],
    "veryshorttitle": lambda facts, n: _telling(facts)[: n or 1],
    "shorttitle": lambda facts, n: _telling(facts)[: n or 3],
    "title": lambda facts, n: _telling(facts)[: n or None],
    "journal": lambda facts, _: [word for word in word_list(facts.venue) if word.lower() not in STOP_WORDS],
    "volume": lambda facts, _: word_list(facts.detail("volume")),
    "firstpage": _first_page,
    "lastpage": lambda facts, _: re.findall(r"\w+", facts.detail("pages"))[-1:],
    "keyword": lambda facts, n: word_list(facts.tags[max(n, 1) - 1]) if len(facts.tags) >= max(n, 1) else [],
    "type": lambda facts, _: word_list(facts.kind),
    "arxiv": lambda facts, _: [facts.arxiv.replace("/", "")] if facts.arxiv else [],
})  # fmt: skip
_ALIASES = {
    "authorlast": "lastauth", "authorslast": "lastauth", "authforeini": "initials", "authorini": "initials",
    "authauthea": "authetal", "authea": "authetal", "author": "auth", "fulltitle": "title", "camel": "title",
    "entrytype": "type", "keywords": "keyword", "date": "year", "journaltitle": "journal", "pubyear": "year",
}  # fmt: skip
