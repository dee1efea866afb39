"""Lists as they were last read: the text of each with the key of every entry, in a file of its own in `lists/`.

The text is kept rather than what was read from it: a later version reads both sides alike, and git shows what changed.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urljoin
from zlib import crc32

from catalog.errors import BadFile, Finding
from catalog.export.embedded import Section
from catalog.export.readinglist import as_code
from catalog.facts import Facts
from catalog.files import inside
from catalog.ingest import decode_bytes, read_source
from catalog.ingest.draft import Draft, Source
from catalog.ingest.merge import Change
from catalog.store import LISTS, Store, Version
from catalog.store import Change as FileChange
from catalog.store.beside import lists

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[#?]|//")  # an address, or a place on the same page
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A list as it was last read.

    `path` is where it stands, from the root of the knowledge base; `keys` the paper of each entry, by its `place`;
    `order` the papers in the order in which the list had them when it was last looked at; `readings` what was chosen
    with `--read`; `left` are papers whose entry has gone, each with the digest of its file at that time; `said` are the
    digests of what imports said of its entries, and of what it has newly.
    """

    path: str
    text: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    order: Sequence[str] = ()
    readings: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[tuple[tuple[str, ...], str]] = ()
    said: Sequence[str] = ()
    file: str = ""
    version: Version | None = None

    def change(self, **new: object) -> FileChange | None:
        """What becomes of its file where it is as `new` says; None where that is what stands there."""
        names = "path", "readings", "keys", "order", "left", "said"
        said = {name: new.get(name, getattr(self, name)) for name in names}
        said["sections"] = [[list(path), text] for path, text in new.get("sections", self.sections)]  # type: ignore[attr-defined]  # as declared
        said["text"] = str(new.get("text", self.text)).split("\n")
        text = json.dumps({name: value for name, value in said.items() if value}, ensure_ascii=False, indent=1)
        data = f"{text}\n".encode()
        return None if self.version and self.version.data == data else FileChange(self.file, self.version, data)


def remembered(store: Store) -> list[Remembered]:
    """Every list of a knowledge base that has been read, by the names of their files. Raises `BadFile`."""
    return [loads(file, version) for file, version in lists(store.root)]


def loads(file: str, version: Version) -> Remembered:
    """Read one file of `lists/`. Raises `BadFile`."""
    remedy = "delete it, or take it from git; the next sync then reads the list as if for the first time"
    try:
        data = json.loads(version.data.decode())
        keys, readings, left = (_table(data.get(name, {})) for name in ("keys", "readings", "left"))
        return Remembered(
            path=str(data["path"]), text="\n".join(map(str, data["text"])), keys=keys,
            order=tuple(map(str, data.get("order", ()))), readings={name: int(n) for name, n in readings.items()},
            left=left, sections=tuple((tuple(map(str, path)), str(text)) for path, text in data.get("sections", ())),
            said=tuple(map(str, data.get("said", ()))), file=file, version=version,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadFile(Finding("list", "this is no list that was read", remedy, file, 1)) from None


def _table(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return {str(name): str(one) for name, one in value.items()}


def place_of(store: Store, path: str) -> str:
    """Where a list stands, from the root of the knowledge base, or its address."""
    if "://" in path:
        return path
    try:
        return PurePosixPath(os.path.relpath(Path(path).absolute(), store.root).replace(os.sep, "/")).as_posix()
    except ValueError:  # another drive
        return Path(path).absolute().as_posix()


def memory_of(store: Store, path: str, known: Iterable[Remembered]) -> Remembered:
    """What is remembered of a list; nothing but where it will be, where it was never read."""
    known, place = list(known), place_of(store, path)
    if there := next((one for one in known if one.path == place), None):
        return there
    taken = {one.file.casefold() for one in known}
    name = _STRANGE.sub("-", PurePosixPath(place).stem).strip("-")[:80] or "list"
    names = (f"{LISTS}/{name}{'' if n == 1 else f'-{n}'}.json" for n in range(1, len(taken) + 2))
    return Remembered(place, file=next(file for file in names if file.casefold() not in taken))


def places(drafts: Sequence[Draft]) -> list[str]:
    """A name for each entry of a list: its line, and its number among several of one line."""
    seen: dict[int, int] = {}
    out = []
    for draft in drafts:
        number = seen[draft.line] = seen.get(draft.line, 0) + 1
        out.append(f"{draft.line}" if number == 1 else f"{draft.line}.{number}")
    return out


def by_place(drafts: Sequence[Draft]) -> dict[str, Draft]:
    """The entries of a list by their places."""
    return dict(zip(places(drafts), drafts, strict=True))


def keys_of(drafts: Sequence[Draft], changes: Iterable[Change]) -> dict[str, str]:
    """The paper that each entry has become, by its place."""
    of: dict[int, list[str]] = {}
    for change in changes:
        of.setdefault(change.line, []).append("" if change.action == "rejected" else change.key)
    found = {}
    for place, draft in by_place(drafts).items():
        keys = of.get(draft.line, [])
        key = keys.pop(0) if keys else ""
        if key:
            found[place] = key
    return found


def notes(
    store: Store,
    read: Iterable[tuple[tuple[str, bytes], Source, Sequence[Change]]],
    wanted: Mapping[str, int],
) -> Iterator[FileChange]:
    """What becomes of the files of lists that were imported.

    Of one that is there only the order changes, since `kb sync` has yet to see what else did.
    """
    known = remembered(store)
    for (path, data), source, changes in read:
        if not source.is_list or not source.drafts or path == "<stdin>":
            continue
        memory = memory_of(store, path, known)
        known = [one for one in known if one.path != memory.path] + [memory]
        keys = keys_of(source.drafts, changes)
        order = list(dict.fromkeys(keys[place] for place in places(source.drafts) if place in keys))
        new = {"order": order, "readings": {**memory.readings, **wanted}, "sections": source.sections}
        new |= {} if memory.version else {"text": decode_bytes(data)[0], "keys": keys}
        said = [_mark(change.key, text) for change in changes for text in change.differences]
        if memory.version and decode_bytes(data)[0] != memory.text:
            said += map(_digest, source.findings)
        new["said"] = list(dict.fromkeys([*memory.said, *said]))
        if change := memory.change(**new):
            yield change


def sections_of(store: Store, papers: Iterable[Facts]) -> list[Section]:
    """The sections of the lists with their introductions and papers, in order; a paper in none stands under a tag."""
    found: dict[tuple[str, ...], Section] = {}
    placed: set[str] = set()
    for memory in remembered(store):
        source = read_list(store, replace(memory, version=None), memory.path, memory.text.encode(), {})
        title = next((d.section[0] for d in source.drafts if d.section), "")
        title = title if all(d.section[:1] == (title,) for d in source.drafts) else ""
        intros = dict(source.sections)
        for place, draft in by_place(source.drafts).items():
            path = draft.section[1:] if title else draft.section
            for depth in range(1, len(path) + 1):  # the headings above it, too, for their introductions
                whole = (title, *path[:depth]) if title else path[:depth]
                found.setdefault(path[:depth], Section(path[:depth], intros.get(whole, ""), []))
            here = found.setdefault(path, Section(path, "", []))
            if (key := memory.keys.get(place, "")) and key not in here.keys:
                found[path] = here._replace(keys=[*here.keys, key])
                placed.add(key)
    for facts in papers:
        if facts.key not in placed:
            path = facts.tags[:1]
            here = found.setdefault(path, Section(path, "", []))
            found[path] = here._replace(keys=[*here.keys, facts.key])
    return list(found.values())


def in_list_order(store: Store, keys: Sequence[str]) -> list[int]:
    """The numbers of these papers, those first that stand in lists, in their order; the others stay as they are."""
    place = order_of(store)
    return sorted(range(len(keys)), key=lambda n: (place.get(keys[n], len(place)), n))


def order_of(store: Store) -> dict[str, int]:
    """The place of each paper that stands in a list, over all lists."""
    keys = (key for one in remembered(store) for key in one.order)
    return {key: n for n, key in enumerate(dict.fromkeys(keys))}


def read_list(store: Store, memory: Remembered, path: str, data: bytes, readings: Mapping[str, int]) -> Source:
    """A list read as was chosen for it, without what was said when it was last read."""
    source = _placed(store, memory.path, read_source(path, data, {**memory.readings, **readings}))
    if not memory.version:
        return source
    text = decode_bytes(data)[0]
    same = text == memory.text
    before = source if same else _placed(store, memory.path, read_source(path, memory.text.encode(), memory.readings))
    told = Counter((one.code, one.message) for one in before.findings)
    new = []
    for one in source.findings:
        if one.code == "no-papers":  # as long as it gives nothing
            new.append(one)
        elif told[one.code, one.message] > 0:
            told[one.code, one.message] -= 1
        elif _digest(one) not in memory.said:
            new.append(one)
    return replace(source, findings=tuple(new))


def _placed(store: Store, place: str, source: Source) -> Source:
    """The papers of a list, with its links to files beside it as paths from a paper, and none to what is not there."""
    if not source.is_list:
        return source
    drafts, lost = [], []
    for draft in source.drafts:
        links, notes = [], [draft.notes] if draft.notes else []
        for link in draft.links:
            if _ELSEWHERE.match(link.url):
                links.append(link)
            elif url := _from_papers(store, place, link.url):
                links.append(link.model_copy(update={"url": url}))
            else:
                lost.append((link.url, draft))
                notes.append(as_code(f"[{link.label or link.name}]({link.url})"))
        changed = len(links) < len(draft.links) or tuple(links) != draft.links
        drafts.append(replace(draft, links=tuple(links), notes="\n\n".join(notes)) if changed else draft)
    source = replace(source, drafts=tuple(drafts))
    if not lost:
        return source
    (url, first), more = lost[0], f", and {len(lost) - 1} more such links" if len(lost) > 1 else ""
    message = f"{url[:80]!r} leads to no file beside the list; kept in the notes as text{more}"
    finding = Finding("refused-link", message, "", first.path, first.line, kind="kept")
    return replace(source, findings=(*source.findings, finding))


def _from_papers(store: Store, place: str, url: str) -> str:
    if "://" in place:
        return urljoin(place, url)
    path, mark, rest = re.match(r"([^#?]*)([#?]?)(.*)", url, re.S).groups()  # type: ignore[union-attr]  # it always matches
    name = unquote(path)
    beside = Path(os.path.normpath(store.root / place)).parent / name
    try:
        if (store.folder / name).exists():
            return url
        if not inside(beside, store.root) or not beside.exists():
            return ""
    except (OSError, ValueError):  # no file can have that name
        return ""
    return quote(Path(os.path.relpath(beside, store.folder)).as_posix()) + mark + rest


def untold(memory: Remembered, changes: Sequence[Change]) -> list[Change]:
    """The changes without the differences that an import of this list told before."""
    new = [tuple(text for text in one.differences if _mark(one.key, text) not in memory.said) for one in changes]
    return [replace(one, differences=said) for one, said in zip(changes, new, strict=True)]


def _digest(finding: Finding) -> str:
    return _mark(finding.code, finding.message)


def _mark(*said: str) -> str:
    return f"{crc32(' '.join(said).encode()):08x}"
