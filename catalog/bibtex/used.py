"""What entries say for those who keep a library, not for a reference list: tags, a status, notes, files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping

from catalog.bibtex.commands import NO_COMMANDS, Command
from catalog.bibtex.entry import Entry, read, set_field
from catalog.bibtex.latex import decode
from catalog.errors import BadBibtex
from catalog.facts import USED, Address
from catalog.text import fit_tag, tag_slug

_NAMES: Mapping[str, tuple[str, ...]] = {
    "keywords": ("keywords", "keyword", "tags", "mendeley-tags"),
    "groups": ("groups",),
    "readstatus": ("readstatus", "read"),
    "annote": ("annote", "annotation", "review", "comment"),
    "file": ("file", "pdf", "local-url"),
}
_STATUS = {
    "read": "read", "1": "read", "yes": "read", "true": "read", "skimmed": "reading", "reading": "reading",
    "unread": "unread", "0": "unread", "no": "unread", "false": "unread", "toread": "unread",
}  # fmt: skip
_MOST = 100  # tags or files of one entry
_PIECE = re.compile(r"\\.|[{},;]|\s>\s|[^\\{},;>\s]+|.", re.S)
_TYPE = re.compile(r"[\w.+-]+(?:/[\w.+-]+)?", re.A)


def spelt(used: Collection[str]) -> frozenset[str]:
    """The names of the fields that are meant by these of `USED`."""
    return frozenset(name for use in used for name in _NAMES[use])


def tags(
    fields: Mapping[str, str], used: Collection[str] = USED, commands: Mapping[str, Command] = NO_COMMANDS
) -> tuple[str, ...]:
    """The keywords and the groups of an entry as tags, each once; a level of a hierarchy (`a > b`) is one, too."""
    found: dict[str, str] = {}
    for use in ("keywords", "groups"):
        for name in _NAMES[use] if use in used else ():
            for one in parts(fields.get(name, "")):
                if tag := fit_tag(decode(one, commands)):
                    found.setdefault(tag_slug(tag), tag)
    return tuple(found.values())[:_MOST]


def status(fields: Mapping[str, str], used: Collection[str] = USED) -> str:
    """The status that an entry gives, "" where it gives none that is known."""
    if "readstatus" not in used:
        return ""
    said = (re.sub(r"[\s_-]", "", fields.get(name, "")).lower() for name in _NAMES["readstatus"])
    return next((known for one in said if (known := _STATUS.get(one, ""))), "")


def notes(
    fields: Mapping[str, str], used: Collection[str] = USED, commands: Mapping[str, Command] = NO_COMMANDS
) -> tuple[str, ...]:
    """The notes that an entry holds, LaTeX decoded, their paragraphs kept."""
    texts = filter(None, (fields.get(name, "") for name in _NAMES["annote"])) if "annote" in used else ()
    paragraphs = ((decode(part, commands) for part in re.split(r"\n\s*\n", text)) for text in texts)
    return tuple(dict.fromkeys(filter(None, ("\n\n".join(filter(None, one)) for one in paragraphs))))


def files(fields: Mapping[str, str], used: Collection[str] = USED) -> Iterator[Address]:
    """The files that an entry names, by the forms of JabRef, Zotero, Mendeley (`label:path:type;…`) and by path."""
    for name in _NAMES["file"] if "file" in used else ():
        for label, path in list(_paths(fields.get(name, "").strip()))[:_MOST]:
            if path.isprintable() and len(path) <= 1000 and "://" not in path:
                yield Address("file", path, label, "file")


def beyond(
    own: tuple[str, ...], text: str, fields: Mapping[str, str], used: Collection[str]
) -> tuple[tuple[str, ...], str]:  # fmt: skip
    """Of tags and notes that came beside an entry those that it does not say itself."""
    have = {tag_slug(tag) for tag in tags(fields, used)} if own else ()
    for one in notes(fields, used) if text else ():
        text = text.removesuffix(one).rstrip() if text.endswith(one) else text
    return tuple(tag for tag in own if tag_slug(tag) not in have), text


def untagged(bibtex: str, slugs: Collection[str], used: Collection[str]) -> str:
    """An entry without the keywords and groups that are these tags; as it is where it has none of them."""
    with contextlib.suppress(BadBibtex):
        fields = read(bibtex).fields
        for name in spelt({"keywords", "groups"} & {*used}):
            have = list(parts(fields.get(name, "")))
            stay = [one for one in have if tag_slug(fit_tag(decode(one))) not in slugs]
            if len(stay) < len(have):
                bibtex = set_field(bibtex, name, "{" + ", ".join(stay) + "}" if stay else None)
    return bibtex


def followed(mine: str, brought: str, used: Collection[str]) -> str:
    """The entry that is there with these fields as the one that is brought has them; what only one has stays."""
    try:
        source, there = read(brought), read(mine)
        for use in used:
            if not (said := _said(source.fields, use)) or said == _said(there.fields, use):
                continue
            for name in _NAMES[use]:
                if name in source.raw or name in there.raw:
                    mine = set_field(mine, name, source.raw.get(name))
    except BadBibtex:
        return mine
    return mine


def _said(fields: Mapping[str, str], use: str) -> tuple[object, ...]:
    """What an entry says under one of `USED`."""
    return (*tags(fields, {use}), *filter(None, [status(fields, {use})]), *notes(fields, {use}), *files(fields, {use}))


def what_is_used(entry: Entry, used: Collection[str]) -> set[str]:
    """Which of `USED` an entry says something of."""
    return {use for use in used if any(name in entry.fields for name in _NAMES[use]) and _said(entry.fields, use)}


def parts(text: str) -> Iterator[str]:
    """The parts of a list of keywords: at semicolons where there are any, else at commas; braces hold one together."""
    if not text:
        return
    depth, lists = 0, [""]
    mark = ";" if ";" in re.sub(r"\{[^{}]*\}|&#?\w+;|\\.", "", text) else ","
    for piece in _PIECE.findall(text):
        depth += (piece == "{") - (piece == "}")
        if depth <= 0 and piece.strip() in (mark, ">") and piece != ">":
            lists.append("")
        else:
            lists[-1] += piece[1:] if piece in ("\\,", "\\;") else piece
    yield from filter(None, (" ".join(one.split()) for one in lists))


def _paths(text: str) -> Iterator[tuple[str, str]]:
    """Label and path of each file. A text without the colons of such a list is one path."""
    if not text:
        return
    if re.match(r"[A-Za-z]:[\\/]", text) or ":" not in text or re.match(r"(?:https?|ftp|file)://", text):
        yield "", _unescaped(text) if ":" not in text else text
        return
    for one in re.findall(r"(?:\\.|[^\\;])+", text):
        label, *rest = (_unescaped(part) for part in re.split(r"(?<!\\):", one))
        if len(rest) > 1 and _TYPE.fullmatch(rest[-1]):
            rest = rest[:-1]
        path = ":".join(rest) if rest else label
        if path.strip():
            yield (label.strip() if rest else ""), path.strip()


def _unescaped(text: str) -> str:
    return re.sub(r"\\([:;_&%#\\ ])", r"\1", text)
