"""Groups that a program keeps in a comment of its .bib, with the keys of their entries: as tags of those entries."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from xml.parsers.expat import ExpatError

from catalog.bibtex import read
from catalog.bibtex.used import parts
from catalog.errors import BadBibtex
from catalog.ingest.draft import Draft, Source
from catalog.text import fit_tag

_JABREF = re.compile(r"jabref-(?:meta:\s*)?(?:grouping|groupstree|groupsversion[^{}]*?groupstree)\s*:(.*)", re.S | re.I)
_BIBDESK = re.compile(r"BibDesk Static Groups\s*\{(.*</plist>)", re.S)
_LINE = re.compile(r"(\d+)\s+(\w+):(.*)", re.S)
_INCLUDING = "2"  # JabRef's word for a group that has the entries of the groups below it


class _Group(NamedTuple):
    """One group: how deep it stands, its name, whether it has what the groups below have, and who is in it."""

    depth: int
    name: str
    including: bool
    keys: frozenset[str] = frozenset()
    field: str = ""
    words: str = ""


def with_groups(source: Source) -> Source:
    """The source with the groups of its comments as tags of its entries."""
    groups = [group for text in source.shared if "roup" in text for group in (*_jabref(text), *_bibdesk(text))]
    if not any(group.keys or group.words for group in groups):
        return source
    return replace(source, drafts=tuple(replace(draft, tags=_tags(draft, groups)) for draft in source.drafts))


def _tags(draft: Draft, groups: list[_Group]) -> tuple[str, ...]:
    found: list[str] = list(draft.tags)
    above: list[_Group] = []
    for group in groups:
        above = [one for one in above if one.depth < group.depth]
        if _has(group, draft):
            found += [one.name for one in above if one.including]
            found += [group.name] if group.field != "groups" else []  # the entry itself says that one
        above.append(group)
    return tuple(dict.fromkeys(filter(None, map(fit_tag, found))))


def _has(group: _Group, draft: Draft) -> bool:
    if draft.key in group.keys:
        return True
    if not group.words or group.field not in draft.bibtex.lower():
        return False
    try:
        value = read(draft.bibtex).fields.get(group.field, "")
    except BadBibtex:
        return False
    if group.field in ("keywords", "groups"):
        return group.words.casefold() in (part.casefold() for part in parts(value))
    return re.search(rf"\b{re.escape(group.words)}\b", value, re.I) is not None


def _jabref(text: str) -> Iterator[_Group]:
    r"""`1 ExplicitGroup:Name\;0\;key1\;key2\;;`, `1 KeywordGroup:Name\;0\;keywords\;word\;0\;0\;;` …, a piece each."""
    found = _JABREF.search(text)
    for piece in re.split(r"(?<!\\);", "".join(found[1].split("\n")) if found else ""):
        if not (line := _LINE.match(piece.strip())):
            continue
        depth, kind, rest = line.groups()
        name, how, *more = [re.sub(r"\\+([:;\\])", r"\1", part) for part in re.split(r"(?<!\\)\\;", rest)] + ["", ""]
        including = how.strip() == _INCLUDING
        if kind == "ExplicitGroup":
            yield _Group(int(depth[:3]), name, including, frozenset(filter(None, map(str.strip, more))))
        elif kind == "KeywordGroup" and len(more) > 3 and more[3].strip() == "0":
            yield _Group(int(depth[:3]), name, including, field=more[0].strip().lower(), words=more[1].strip())
        elif kind == "StaticGroup":
            yield _Group(int(depth[:3]), name, including, field="groups", words=name)
        else:
            yield _Group(int(depth[:3]), name if kind != "AllEntriesGroup" else "", including)


def _bibdesk(text: str) -> Iterator[_Group]:
    """BibDesk's static groups: a property list with a name and the keys, parted by commas, of each."""
    found = _BIBDESK.search(text)
    try:
        groups = plistlib.loads(found[1].strip().encode()) if found else []
    except (ValueError, ExpatError, RecursionError, OverflowError, plistlib.InvalidFileException):
        return
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, dict):
            name, keys = str(group.get("group name", "")), str(group.get("keys", ""))
            yield _Group(1, name, False, frozenset(filter(None, map(str.strip, keys.split(",")))))
