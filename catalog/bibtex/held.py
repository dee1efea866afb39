"""Changes to entries where they stand: what is between them, and every other byte, stays."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Collection, Mapping

from catalog.bibtex.entry import read, set_field
from catalog.bibtex.scan import scan
from catalog.bibtex.syntax import CLOSER, HEADER, GrammarError, Source, read_block, read_fields, skip, value_atoms
from catalog.errors import BadBibtex

REFERENCES = ("crossref", "xref", "xdata", "related", "entryset")
_IDS = re.compile(r"\bids\s*=")
_KEY = re.compile(r"[^,{}()]*")


def keys_of(text: str) -> list[str]:
    """The keys under which an entry is found: its own, and biblatex's `ids`; "" where it has none."""
    header = HEADER.search(text)
    key = _KEY.match(text, header.end()) if header else None
    keys = [key.group().strip() if key else ""]
    if "ids" in (low := text.lower()) and _IDS.search(low):
        with contextlib.suppress(BadBibtex):
            keys += map(str.strip, read(text).fields.get("ids", "").split(","))
    return keys


def digest(text: str) -> str:
    """What entries have in common that differ in their key and in white space only."""
    header = HEADER.match(text)
    key = _KEY.match(text, header.end()) if header else None
    rest = text[: header.end()] + text[key.end() :] if header and key else text
    return hashlib.blake2b(" ".join(rest.split()).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def edited(bibtex: str, edit: Callable[[str], str]) -> str:
    """The text with each of its entries as `edit` gives it."""
    at = 0
    for block in scan(bibtex):
        at = bibtex.index(block.raw, at)
        new = edit(block.text) if block.kind in ("entry", "broken") else block.text
        if new != block.text:
            bibtex = bibtex[:at] + new + bibtex[at + len(block.raw) :]
            at += len(new)
        else:
            at += len(block.raw)
    return bibtex


def without(bibtex: str, texts: Collection[str]) -> str:
    """The text without these entries."""
    for text in texts:
        before, _, after = bibtex.partition(text)
        bibtex = f"{before.rstrip()}\n\n{after.lstrip()}".strip("\n")
    return bibtex


def refers(text: str) -> bool:
    """Whether an entry may refer to others."""
    low = text.lower()
    return any(name in low for name in REFERENCES)


def with_references(text: str, keys: Mapping[str, str], is_other: Callable[[str], bool] = lambda _: False) -> str:
    """An entry that refers to others under their new keys; `keys` are the old ones.

    BibTeX finds a parent in any case, so a key that `is_other` does not know matches in any case.
    """
    if not keys or not refers(text):
        return text
    try:
        entry = read(text)
    except BadBibtex:
        return text
    said = [name for name in REFERENCES if name in entry.fields]
    folded = {old.casefold(): new for old, new in keys.items()} if said else {}

    def new_key(key: str) -> str:
        return keys.get(key) or (key if is_other(key) else folded.get(key.casefold(), key))

    for name in said:
        there = [key.strip() for key in entry.fields[name].split(",")]
        if (new := list(map(new_key, there))) != there:
            text = set_field(text, name, "{" + ",".join(new) + "}")
    return text


def with_macros(text: str, names: Mapping[str, str]) -> str:
    """An entry, `@string` or `@preamble` that calls macros by their new names; `names` are the old ones, lower case."""
    if not names:
        return text
    try:
        spans = _macros(text)
    except GrammarError:
        return text
    for start, stop in sorted(spans, reverse=True):
        if new := names.get(text[start:stop].lower()):
            text = text[:start] + new + text[stop:]
    return text


def _macros(text: str) -> tuple[tuple[int, int], ...]:
    """Where macros stand: used in values, or defined."""
    source, at = Source(text), skip(text, 0)
    header = HEADER.match(text, at)
    kind = header["type"].lower() if header else ""
    if header and kind == "preamble":
        return value_atoms(source, header.end())
    if header and kind == "string":
        fields, _ = read_fields(source, header.end(), CLOSER[header["open"]], first=True)
        defined = [(field.start, field.start + len(field.name)) for field in fields]
    else:
        fields, defined = read_block(source, at).fields, []
    return (*defined, *(atom for field in fields for atom in field.atoms))
