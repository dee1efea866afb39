"""One BibTeX entry: what it says, and changes to it that leave every other byte alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import NoReturn

from catalog.bibtex.syntax import CLOSER, HEADER, FieldSpan, GrammarError, Shape, Source, read_block, read_fields, skip
from catalog.bibtex.syntax import value_atoms as _value_atoms
from catalog.errors import BadBibtex

MONTHS: Mapping[str, str] = MappingProxyType(
    {
        "jan": "January",
        "feb": "February",
        "mar": "March",
        "apr": "April",
        "may": "May",
        "jun": "June",
        "jul": "July",
        "aug": "August",
        "sep": "September",
        "oct": "October",
        "nov": "November",
        "dec": "December",
    }
)
NOT_ENTRIES = frozenset({"comment", "preamble", "string"})
_SEPARATOR = re.compile(r"[ \t]*(?:\n[ \t]*)?,[ \t]*(?:\n[ \t]*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one BibTeX entry says. Names are in lower case; of a field that stands twice the first counts.

    `fields` holds the values with macros resolved, `#` applied and the outer delimiters gone, LaTeX and white space
    untouched; `raw` holds them as written. `undefined` names the macros that are not defined: they stand for
    themselves in `fields`.
    """

    type: str
    key: str
    fields: Mapping[str, str]
    raw: Mapping[str, str]
    undefined: tuple[str, ...] = ()


def read(text: str, macros: Mapping[str, str] = MONTHS) -> Entry:
    """The one entry that a text holds; raises BadBibtex where it holds none, a damaged one, or something beside it."""
    shape = _shape(text)
    fields: dict[str, str] = {}
    raw: dict[str, str] = {}
    undefined: list[str] = []
    for span in shape.fields:
        if span.name not in fields:
            fields[span.name] = _resolve(text, span, macros, undefined)
            raw[span.name] = text[span.value : span.stop]
    return Entry(shape.type, shape.key, fields, raw, tuple(dict.fromkeys(undefined)))


def strings(text: str, macros: Mapping[str, str]) -> dict[str, str]:
    """The macros that a `@string{name = value}` block defines, names in lower case; raises BadBibtex."""
    at = skip(text, 0)
    header = HEADER.match(text, at)
    if not header or header["type"].lower() != "string":
        raise BadBibtex("no @string here; it looks like @string{name = {value}}")
    try:
        spans, close = read_fields(Source(text), header.end(), CLOSER[header["open"]], first=True)
    except GrammarError as fault:
        _refuse(text, fault.at, fault.message)
    _nothing_after(text, close + 1)
    defined: dict[str, str] = {}
    for span in spans:
        defined[span.name] = _resolve(text, span, {**macros, **defined}, [])
    return defined


def entry_key(text: str) -> str:
    """The key of an entry; "" where it has none, or cannot be read."""
    try:
        return read(text).key
    except BadBibtex:
        return ""


def set_key(text: str, key: str) -> str:
    """The entry with another key, every other byte the same; raises BadBibtex."""
    if not key.strip() or re.search(r"[{},\n]", key):
        raise BadBibtex(f"{key!r} is not a citation key: no braces, commas or line breaks")
    shape = _shape(text)
    changed = text[: shape.key_start] + key + text[shape.key_stop :]
    if _shape(changed).key != key.strip():
        raise BadBibtex(f"{key!r} is not a citation key that BibTeX can read; use letters, digits and : - _ . /")
    return changed


def set_field(text: str, name: str, value_source: str | None) -> str:
    """The entry with one field replaced, appended in the style of the others, or (None) removed.

    Every other byte stays. `value_source` is BibTeX source such as `{2020}`; raises BadBibtex where it is no value.
    """
    shape = _shape(text)
    found = [i for i, span in enumerate(shape.fields) if span.name == name.lower()]
    if value_source is None:
        for index in reversed(found):
            text = _without(text, shape, index)
        return text
    _check_field(name, value_source)
    if not found:
        return _with(text, shape, name, value_source)
    span = shape.fields[found[0]]
    return text[: span.value] + value_source + text[span.stop :]


@lru_cache(maxsize=64)  # one entry is read several times on its way in
def _shape(text: str) -> Shape:
    try:
        shape = read_block(Source(text), skip(text, 0))
    except GrammarError as fault:
        _refuse(text, fault.at, fault.message)
    if shape.type in NOT_ENTRIES:
        _refuse(text, shape.start, f"@{shape.type} is not an entry")
    _nothing_after(text, shape.end)
    return shape


def _nothing_after(text: str, end: int) -> None:
    if (rest := skip(text, end)) < len(text):
        _refuse(text, rest, f"text after the end of the entry: {text[rest : rest + 30]!r}")


def _refuse(text: str, at: int, message: str) -> NoReturn:
    raise BadBibtex(message, text.count("\n", 0, at) + 1)


def _resolve(text: str, span: FieldSpan, macros: Mapping[str, str], undefined: list[str]) -> str:
    if len(span.atoms) == 1 and text[span.value] in '{"':
        return text[span.value + 1 : span.stop - 1]
    parts = []
    for start, stop in span.atoms:
        atom = text[start:stop]
        if atom[0] in '{"':
            parts.append(atom[1:-1])
        elif atom[0].isdecimal():
            parts.append(atom)
        else:
            if atom.lower() not in macros:
                undefined.append(atom)
            parts.append(macros.get(atom.lower(), atom))
    return "".join(parts)


def _check_field(name: str, value_source: str) -> None:
    spans: list[FieldSpan] = []
    try:
        spans, close = read_fields(Source(f"{name}={value_source}}}"), 0, "}", first=True)
        whole = close == len(name) + 1 + len(value_source)
        _value_atoms(Source(value_source), 0)
    except GrammarError as fault:
        raise BadBibtex(f"{name} = {value_source[:60]}: {fault.message}") from None
    if not whole or len(spans) != 1 or spans[0].stop != len(name) + 1 + len(value_source):
        raise BadBibtex(f"{name} = {value_source[:60]} is not one field; write the value in braces")


def _without(text: str, shape: Shape, index: int) -> str:
    span = shape.fields[index]
    before = shape.fields[index - 1].stop if index else shape.key_stop
    if "%" not in text[before : span.start]:
        return text[:before] + text[span.stop :]
    after = skip(text, span.stop)
    stop = after + 1 if text.startswith(",", after) and not text[span.stop : after].strip() else span.stop
    return text[: span.start] + text[stop:]


def _with(text: str, shape: Shape, name: str, value_source: str) -> str:
    if not shape.fields:
        return text[: shape.key_stop] + f",\n  {name} = {value_source}" + _tail_of_bare_key(text, shape)
    last = shape.fields[-1]
    before = shape.fields[-2].stop if len(shape.fields) > 1 else shape.key_stop
    separator = text[before : last.start]
    if not _SEPARATOR.fullmatch(separator):
        separator = ",\n" + re.split(r"\n", separator)[-1] if "\n" in separator else ", "
    field = _styled_name(text, shape, name) + value_source
    return text[: last.stop] + separator + field + text[last.stop :]


def _tail_of_bare_key(text: str, shape: Shape) -> str:
    rest = text[shape.key_stop :]
    return rest if "\n" in text[shape.key_stop : shape.close] else "\n" + rest.lstrip(" \t")


def _styled_name(text: str, shape: Shape, name: str) -> str:
    """The name and its `=`, in the case, the spacing and the alignment that the fields there have."""
    heads = [text[span.start : span.value] for span in shape.fields]
    if all(head.split("=")[0].isupper() for head in heads):
        name = name.upper()
    before, _, after = heads[-1].partition("=")
    columns = {head.index("=") for head in heads}
    if len(columns) == 1 and len({len(span.name) for span in shape.fields}) > 1:
        return name.ljust(columns.pop()) + "=" + after
    padding = before[len(before.rstrip()) :]
    return name + (padding if padding in ("", " ", "\t") else " ") + "=" + after
