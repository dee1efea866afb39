"""Names of people as BibTeX reads them: `and` between them, then "First von Last", "von Last, First" and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from catalog.bibtex import spoken
from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.latex import decode
from catalog.bibtex.organisations import with_comma
from catalog.facts import Name, is_han

_AND = re.compile(r"[{}]|(?:^|(?<=\s))and(?=\s|$)", re.I)
_COMMA = re.compile(r"[{}]|,")
_SPACE = re.compile(r"[{}]|(?:\\ |\s|(?<!\\)~)+")
_DEPTH = re.compile(r"[{}]")
_PART = re.compile(r'\s*"?\s*(given|family|prefix|suffix|id|useprefix|hash)(-i)?\s*=\s*(.*?)\s*"?\s*', re.I | re.S)
_CONTROL = re.compile(r"\\(?:([A-Za-z]+)|.)\s*", re.S)
_LOWER_LETTERS = frozenset({"i", "j", "o", "l", "aa", "ae", "oe", "ss", "dh", "th", "dj", "ng"})
_INITIALS_FIRST = re.compile(r"\s*(?:[^\W\d_]\.[\s~-]*)+[^\W\d_][\w'’-]+\s*")
_SEVERAL_IN_BRACES = re.compile(r"\{[^{};,]*+,[^{};]*+;\s*[^\W\d_]|\{[^{},]*+,[^{},]{0,100}?\sand\s[^{},]{0,100}+,")
_ET_AL = re.compile(r"\bet\.?\s+al\b|\bu\.\s*a\.|и др\.", re.I)
_DEGREE = re.compile(r"Ph\.?\s?D\.?|Esq\.?")
_HOMONYM = re.compile(r"0\d{3}")  # "Wei Wang 0001", as DBLP tells people of one name apart
_JUNIOR = re.compile(r"[JS]r\.?|I{2,3}|IV", re.I)


class Parts(NamedTuple):
    """One name as BibTeX parts it, in raw LaTeX. A `literal` one is whole in `last`: an organisation, or no name."""

    first: str = ""
    von: str = ""
    last: str = ""
    jr: str = ""
    literal: bool = False
    comma: bool = False


def people(
    value: str, commands: Mapping[str, Command] = NO_COMMANDS, language: str = ""
) -> tuple[tuple[Name, ...], bool]:
    """The names in a field's value, decoded, and whether "and others" ends them. Empty names are left out.

    `language` is the entry's: some write the family name first.
    """
    parts, others = split(value)
    names = (_known(one, language) if not commands else _decoded(one, commands, language) for one in parts)
    return tuple(name for name in names if name.last), others


def split(value: str) -> tuple[list[Parts], bool]:
    """The names in a field's value as BibTeX parts them, and whether "and others" ends them."""
    names = [name for name in map(str.strip, _split(value, _AND)) if name]
    others = len(names) > 1 and names[-1].strip("{} ").lower() == "others"  # papis writes {others}
    return [_parts(name) for name in (names[:-1] if others else names)], others


@lru_cache(maxsize=20_000)  # people write more than one paper
def _known(parts: Parts, language: str) -> Name:
    return _decoded(parts, NO_COMMANDS, language)


def _decoded(parts: Parts, commands: Mapping[str, Command], language: str) -> Name:
    if _HOMONYM.fullmatch(parts.last) and not parts.von and parts.first:
        parts = _first_von_last(_words(parts.first))
    first, von, last, jr = (decode(part, commands) if part else "" for part in parts[:4])
    if parts.literal:
        return Name(literal=last)
    if parts.comma:
        organisation = with_comma(last, first) if first and not von and not jr else ""
        return Name(literal=organisation) if organisation else Name(last, first, von, jr)
    if von.split()[:1] == ["of"]:  # "Teresa of Ávila"
        return Name(literal=f"{first} {von} {last}")
    if not jr and (known := spoken.without_comma(" ".join(filter(None, (first, von, last))), language)):
        return known
    return Name(last, first, von, jr)


def in_braces(name: str) -> str:
    """An organisation's name in the braces that keep BibTeX from turning it round; "" where it has them, and for
    people."""
    parts = _parts(name)
    if parts.literal or not (parts.first or parts.von):
        return ""
    known = _known(parts, "")
    if not known.literal or parts.von.startswith("of") or is_han(known.literal):
        return ""
    return f"{{{name}}}" if decode(name) == known.literal else f"{{{parts.first} {parts.last}}}"


def faults(value: str) -> list[str]:
    """What is wrong with the names in a field's value, each in a sentence."""
    if not _balanced(value):
        return ["braces do not match"]
    names = [name.strip() for name in _split(value, _AND)]
    found = ["a name is empty: two 'and' in a row, or one at the end"] if not all(names) else []
    for name in filter(None, names):
        found += _faults_of(name, alone=len(names) == 1)
    return found


def _faults_of(name: str, alone: bool) -> Iterator[str]:
    shown = name if len(name) <= 60 else name[:60] + "…"
    outside = "".join(_split(name, _DEPTH))
    if _ET_AL.search(outside):
        yield f"'{shown}' writes out 'et al.'; end the list with 'and others'"
    if ";" in outside:
        yield f"'{shown}' holds a ';'; write 'and' between names"
    if re.search(r"\s\\?&\s", outside):
        yield f"'{shown}' holds a '&'; write 'and' between names"
    if _is_extended(name):
        return
    parts = _split(name, _COMMA)
    if len(parts) > 1 and all(map(_INITIALS_FIRST.fullmatch, parts)):
        yield f"'{shown}' has commas between names; write 'and' between them"
    elif len(parts) > 3:
        between = "; write 'and' between names" if alone else ""
        yield f"'{shown}' has {len(parts) - 1} commas, a name has two at most{between}"
    elif len(parts) > 1 and not parts[0].strip():
        yield f"'{shown}' has no family name before the comma"
    elif len(parts) > 1 and not parts[-1].strip():
        yield f"'{shown}' ends in a comma"
    elif len(parts) == 3 and not parts[1].strip():
        yield f"'{shown}' has two commas with nothing between them"
    elif braced := in_braces(name):
        yield f"'{shown}' is an organisation, which BibTeX takes for a person; write {braced}"
    elif any(_SEVERAL_IN_BRACES.search(part) for part in parts):
        yield f"'{shown}' holds several names in one pair of braces; write 'and' between names"


def _split(text: str, separator: re.Pattern[str]) -> list[str]:
    """The text between the separators that stand outside all braces; braces are separators of `_DEPTH` only."""
    if "{" not in text and "}" not in text:
        return separator.split(text)
    parts, start, depth = [], 0, 0
    for found in separator.finditer(text):
        piece = found.group()
        if piece == "{":
            if not depth and separator is _DEPTH:
                parts.append(text[start : found.start()])
            depth += 1
        elif piece == "}":
            depth = max(0, depth - 1)
            start = found.end() if separator is _DEPTH and not depth else start
        elif not depth:
            parts.append(text[start : found.start()])
            start = found.end()
    return parts if separator is _DEPTH and depth else [*parts, text[start:]]


def _balanced(text: str) -> bool:
    depth = 0
    for brace in _DEPTH.findall(text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return not depth


@lru_cache(maxsize=20_000)
def _parts(text: str) -> Parts:
    if _whole_group(text):
        return Parts(last=text, literal=True)
    if _is_extended(text):
        return _extended(text)
    parts = [part.strip() for part in _split(text, _COMMA)]
    if len(parts) > 3 or (len(parts) > 1 and not parts[0]):
        return Parts(last=text, literal=True)
    words = _words(parts[0])
    if not words:
        return Parts(last=text, literal=True)
    if len(parts) == 1:
        if len(words) > 2 and _JUNIOR.fullmatch(words[-1]):
            return _first_von_last(words[:-1])._replace(jr=words[-1], comma=True)
        return _first_von_last(words)
    if len(parts) == 2 and len(words) > 1 and _DEGREE.fullmatch(parts[1]):
        return _first_von_last(words)._replace(jr=parts[1], comma=True)
    if len(parts) > 1 and _JUNIOR.fullmatch(parts[-1]):  # where one writes it, and BibTeX takes it for a given name
        if len(parts) == 2 and len(words) > 1:
            return _first_von_last(words)._replace(jr=parts[1], comma=True)
        parts[1:] = parts[:0:-1]
    jr = " ".join(_words(parts[1])) if len(parts) == 3 else ""
    if len(parts) == 2 and len(words) > 1 and _JUNIOR.fullmatch(words[-1]):  # "Davis Jr., Sammy"
        jr = words.pop()
    von, last = _von_last(words)
    return Parts(" ".join(_words(parts[-1])), von, last, jr, comma=True)


def _whole_group(text: str) -> bool:
    """Whether one pair of braces holds all of the text; `{\\"O}` is a letter, not a group."""
    if not text.startswith("{") or not text.endswith("}") or text.startswith("{\\"):
        return False
    depth = 0
    for brace in _DEPTH.finditer(text):
        depth += 1 if brace.group() == "{" else -1
        if not depth:
            return brace.end() == len(text)
    return False


def _is_extended(text: str) -> bool:
    return "=" in text and all(map(_PART.fullmatch, _split(text, _COMMA)))


def _extended(text: str) -> Parts:
    """A name in biblatex's form, `given=Sofia, family=Berg, prefix=van der`."""
    found = {}
    for part in _split(text, _COMMA):
        if (match := _PART.fullmatch(part)) and not match[2]:
            found[match[1].lower()] = match[3][1:-1] if _whole_group(match[3]) else match[3]
    if not found.get("family"):
        return Parts(last=found.get("given", text), literal="given" not in found, comma=True)
    first, von, jr = (found.get(name, "") for name in ("given", "prefix", "suffix"))
    return Parts(first, von, found["family"], jr, comma=True)


def _words(text: str) -> list[str]:
    return [word for word in _split(text, _SPACE) if word]


def _first_von_last(words: list[str]) -> Parts:
    lower = [i for i, word in enumerate(words[:-1]) if _is_von(word)]
    if not lower:
        return Parts(first=" ".join(words[:-1]), last=" ".join(words[-1:]))
    start, stop = lower[0], lower[-1] + 1
    return Parts(" ".join(words[:start]), " ".join(words[start:stop]), " ".join(words[stop:]))


def _von_last(words: list[str]) -> tuple[str, str]:
    stop = max((i + 1 for i, word in enumerate(words[:-1]) if _is_von(word)), default=0)
    return " ".join(words[:stop]), " ".join(words[stop:])


def _is_von(word: str) -> bool:
    r"""Whether the first letter outside braces is a small one; `{\'e}` counts as its letter."""
    at = depth = 0
    while at < len(word):
        char = word[at]
        if char == "{" and not depth and word.startswith("\\", at + 1):
            return _special_is_lower(word, at + 1)
        depth += (char == "{") - (char == "}")
        if not depth and char.isalpha():
            return char.islower()
        at += 1
    return False


def _special_is_lower(word: str, at: int) -> bool:
    control = _CONTROL.match(word, at)
    if control and control[1] in _LOWER_LETTERS:
        return True
    if control and control[1] and control[1].lower() in _LOWER_LETTERS:
        return False
    letter = next((c for c in word[control.end() if control else at :] if c.isalpha() or c == "}"), "")
    return letter.islower()
