"""One .bib out of many papers: each entry as its paper holds it, in an order that BibTeX and biber can read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from catalog.bibtex import Entry, decode, read, set_key
from catalog.bibtex.describe import describe, entries
from catalog.bibtex.names import people
from catalog.bibtex.normal import Wanted, normalize
from catalog.bibtex.syntax import Source, read_block, skip
from catalog.errors import BadBibtex, Finding
from catalog.export.generated import generated
from catalog.export.shared import SHARED, Shared, needed, read_shared
from catalog.facts import Facts
from catalog.filenames import file_name

if TYPE_CHECKING:
    from catalog.models import Paper

_REFERENCES = ("crossref", "xref", "xdata", "entryset", "related")
_AT_ONCE = 500  # entries that are written as one text
_GRANULAR = re.compile(r"\bxdata\s*[=:]\s*([^\s{},\"]+)", re.I)


@dataclass(frozen=True, slots=True)
class Bib:
    """A merged .bib: its entries and what they share, one by one.

    `left_out` says which entries are not in it and why, `missing` which wanted keys nobody has. `guessed` are wanted
    keys with the key that they were taken for, as only the case differs; `clashing` are keys that BibTeX takes for one,
    for the same reason, and biber does not. `twice` are fields (key, name) that a normalized entry says twice,
    differently.
    """

    blocks: tuple[str, ...]
    left_out: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    guessed: tuple[tuple[str, str], ...] = ()
    clashing: tuple[tuple[str, ...], ...] = ()
    twice: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.parts())

    def parts(self) -> Iterator[str]:
        """All of it, some hundred entries at a time: of very many, the whole would fill the memory."""
        for start in range(0, len(self.blocks), _AT_ONCE):
            some = "\n\n".join(self.blocks[start : start + _AT_ONCE])
            yield some + ("\n\n" if start + _AT_ONCE < len(self.blocks) else "\n")


class Held(Protocol):
    """What is needed of a paper; its file or its facts do."""

    @property
    def key(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def bibtex(self) -> str: ...


class _Item(NamedTuple):
    """One entry under the key it is written with: its own key, its type, what it refers to, and its file."""

    key: str
    own: str
    type: str
    refers: tuple[str, ...]
    crossref: str
    text: str
    path: str

    @property
    def fields(self) -> Mapping[str, str]:
        """Its fields; they are not kept, as of a hundred thousand entries they would fill the memory."""
        return read(self.text).fields


class _Names(dict[str, _Item]):
    """Entries by name; `folded` has those whose name differs from all others in more than its case."""

    def __init__(self) -> None:
        self.folded: dict[str, _Item | None] = {}

    def give(self, name: str, item: _Item) -> None:
        """Let an entry answer to a name that is free."""
        self.setdefault(name, item)
        if self.folded.setdefault(name.casefold(), item) is not item:
            self.folded[name.casefold()] = None


@dataclass(slots=True)
class _Pool:
    """Every readable entry by its key, and by the other names it answers to.

    An alias stands for a copy under that name; an id (biblatex's `ids`) for the entry as it is. What is left out
    goes with the names it would have been wanted by.
    """

    items: _Names = field(default_factory=_Names)
    aliases: _Names = field(default_factory=_Names)
    ids: _Names = field(default_factory=_Names)
    left_out: list[tuple[Finding, tuple[str, ...]]] = field(default_factory=list)
    guessed: dict[str, str] = field(default_factory=dict)

    def add(self, item: _Item, ids: Iterable[str]) -> None:
        """Take the entry in, unless its key is taken."""
        if there := self.items.get(item.key):
            message = f"{item.key} is also the key of an entry in {there.path}, which is exported instead"
            self.leave_out(message, "give one of them another key with `kb rename`", item.path, (item.key,))
            return
        self.items.give(item.key, item)
        for name in ids:
            self.ids.give(name, item)

    def leave_out(self, message: str, remedy: str, path: str, names: tuple[str, ...]) -> None:
        """Note that an entry is not exported."""
        self.left_out.append((Finding("export-left-out", message, remedy, path, 0, names[0], "rejected"), names))

    def find(self, name: str) -> _Item | None:
        """The entry that answers to a name, under that name; None where there is none."""
        if item := self.items.get(name) or self.aliases.get(name):
            return _under(item, name)
        if item := self.ids.get(name):
            return item
        folded = name.casefold()
        if item := self.items.folded.get(folded) or self.aliases.folded.get(folded):
            self.guessed[name] = item.key
            return _under(item, name)
        return self.ids.folded.get(folded)


def _under(item: _Item, name: str) -> _Item | None:
    if name == item.key:
        return item
    try:
        return item._replace(key=name, text=set_key(item.text, name))
    except BadBibtex:
        return None


def merge(
    papers: Iterable[Held],
    shared: str,
    only: Collection[str] | None = None,
    normal: Wanted | None = None,
    whole: bool = True,
    others: Iterable[Held] = (),
    sort: str = "key",
) -> Bib:
    """The entries of the papers as one .bib, sorted, after the `@string`s and `@preamble`s of `shared`.

    `only` names the keys that are wanted, `*` for all; a paper answers to its aliases too, and to its key in another
    case where no other has that. Of a
    selection, that is with `only` or without `whole`, `shared` gives what its entries use, and no comments. `others`
    are papers that go in only where a selected entry inherits from them. With `normal` the entries are written
    in that style, otherwise byte for byte as they are held. `sort` is one of `SORTS`, the other way round behind a "-".
    """
    common = read_shared(shared)
    pool = _Pool(left_out=[(fault, ()) for fault in common.faults])
    own, inherited = _add_papers(pool, papers), _add_shared(pool, common.entries)
    left_out = _relevant(pool, only)
    _add_papers(pool, others)
    whole = whole and only is None
    every = own if only is None or "*" in only else []
    chosen, missing = _choose(pool, [*every, *(inherited if whole else ()), *(key for key in only or () if key != "*")])
    guessed = tuple((name, key) for name, key in pool.guessed.items() if name in (only or ()))
    ordered = _ordered(chosen, sort)
    twice = tuple((item.key, name) for item in ordered for name in _twice(item.text)) if normal else ()
    return Bib(_blocks(ordered, common, normal, whole), left_out, missing, guessed, _clashing(chosen), twice)


def _blocks(ordered: Sequence[_Item], common: Shared, normal: Wanted | None, whole: bool) -> tuple[str, ...]:
    texts = [item.text for item in ordered]
    definitions = common.definitions if whole else needed(common, texts)
    entries = [normalize(text, common.macros, normal) for text in texts] if normal else texts
    return (*(definition.text for definition in definitions), *entries, *(common.comments if whole else ()))


def inherits(paper: Held) -> bool:
    """Whether an entry of the paper may need another one."""
    return _mentions(paper.bibtex)


def _mentions(text: str) -> bool:
    """Whether a text may refer to other entries."""
    text = text.lower()
    return any(name in text for name in _REFERENCES)


def _add_papers(pool: _Pool, papers: Iterable[Held]) -> list[str]:
    """Take in every entry of the papers; of two with one key, that of the paper whose key it is. Gives their keys."""
    found = [
        (paper, list(_items(paper, pool)))
        for paper in sorted(papers, key=lambda paper: (paper.key.casefold(), paper.key))
    ]
    items = [(item.key != paper.key, item, ids) for paper, items in found for item, ids in items]
    for _, item, ids in sorted(items, key=lambda one: one[0]):
        pool.add(item, ids)
    for paper, own in found:
        for name in (paper.key, *paper.aliases) if own else ():
            if pool.items.get(name) is not own[0][0]:  # it answers to that already
                pool.aliases.give(name, own[0][0])
    return [item.key for _, item, _ in items]


def _add_shared(pool: _Pool, texts: Iterable[str]) -> list[str]:
    items = [found for text in texts if (found := _item(text, SHARED, (SHARED,), pool))]
    for item, ids in items:
        pool.add(item, ids)
    return [item.key for item, _ in items]


def _items(paper: Held, pool: _Pool) -> Iterator[tuple[_Item, tuple[str, ...]]]:
    path = f"papers/{file_name(paper.key)}"
    names = (paper.key, *paper.aliases)
    texts = entries(paper.bibtex) or _made(paper)
    if not texts:
        pool.leave_out("neither BibTeX nor a title", f"add one with `kb edit {paper.key}`", path, names)
    for text in texts:
        if item := _item(text.strip("\n"), path, names, pool):
            yield item


def _made(paper: Held) -> list[str]:
    facts = paper if isinstance(paper, Facts) else describe(cast("Paper", paper))
    return [generated(facts)] if facts.title else []


def _item(text: str, path: str, names: tuple[str, ...], pool: _Pool) -> tuple[_Item, tuple[str, ...]] | None:
    """An entry with the other names that it gives itself; None where it cannot be exported."""
    try:
        entry = read(text)
    except BadBibtex as error:
        pool.leave_out(f"its BibTeX cannot be read: {error}", "`kb check` says where", path, names)
        return None
    if not entry.key or re.search(r"\s", entry.key):
        fault = f"the key {entry.key!r} holds a blank" if entry.key else "its BibTeX has no key"
        pool.leave_out(fault, "give it one that LaTeX can cite", path, names)
        return None
    ids = tuple(filter(None, map(str.strip, entry.fields.get("ids", "").split(","))))
    crossref = entry.fields.get("crossref", "").strip()
    key = next((name for name in names if name == entry.key), entry.key)  # one string of each is enough
    return _Item(key, key, intern(entry.type), tuple(_references(entry, text)), crossref, text, path), ids


def _choose(pool: _Pool, names: Iterable[str]) -> tuple[dict[str, _Item], tuple[str, ...]]:
    """The entries that names stand for, with all they inherit from, and the names that stand for none."""
    chosen: dict[str, _Item] = {}
    spelled: dict[tuple[str, str, str], str] = {}
    missing: dict[str, str] = {}
    todo: list[str] = []
    for name in names:
        if item := pool.find(name):
            todo += _take(item, chosen, spelled)
        else:
            missing.setdefault(name.casefold(), name)
    while todo:
        if item := pool.find(todo.pop()):
            todo += _take(item, chosen, spelled)
    return chosen, tuple(missing.values())


def _take(item: _Item, chosen: dict[str, _Item], spelled: dict[tuple[str, str, str], str]) -> list[str]:
    """Choose the entry, in one spelling of its key, its own before any other; gives what it refers to, if it is new."""
    there = chosen.get(item.own)
    if there and (there.own, there.path) == (item.own, item.path) and item.key.casefold() == item.own.casefold():
        return []
    same = (item.key.casefold(), item.own, item.path)
    other = spelled.get(same, "")
    if item.key == item.own:
        chosen.pop(other, None)
    elif other:
        return []
    else:
        spelled[same] = item.key
    chosen[item.key] = item
    return [] if other else list(item.refers)


def _references(entry: Entry, text: str) -> Iterator[str]:
    if not _mentions(text):
        return
    for name in _REFERENCES:
        yield from filter(None, map(str.strip, entry.fields.get(name, "").split(",")))
    for reference in _GRANULAR.findall(text):
        yield from (reference.rsplit("-", 1)[0], reference.rsplit("-", 2)[0])


def _clashing(chosen: Collection[str]) -> tuple[tuple[str, ...], ...]:
    if len(set(map(str.casefold, chosen))) == len(chosen):
        return ()
    first: dict[str, str] = {}
    clashing: dict[str, set[str]] = {}
    for key in chosen:
        folded = key.casefold()
        if (there := first.setdefault(folded, key)) != key:
            clashing.setdefault(folded, {there}).add(key)
    return tuple(tuple(sorted(keys)) for keys in clashing.values())


def _ordered(chosen: Mapping[str, _Item], sort: str) -> list[_Item]:
    """`@xdata` first, then as wanted, but what others name in `crossref` after them: BibTeX asks for that."""
    parents = {key: item.crossref for key, item in chosen.items() if item.crossref}
    folded = {key.casefold(): key for key in chosen} if parents else {}
    above = {key: p if p in chosen else folded.get(p.casefold(), "") for key, p in parents.items()}
    height = _heights(dict.fromkeys(filter(None, above.values()), "") | above)
    by = SORTS[sort.removeprefix("-")]
    order = sorted(chosen, key=lambda key: (key.casefold(), key))
    order.sort(key=lambda key: by(chosen[key]), reverse=sort.startswith("-"))
    order.sort(key=lambda key: (chosen[key].type != "xdata", height.get(key, 0)))
    return [chosen[key] for key in order]


def _said(*names: str) -> Callable[[_Item], str]:
    """The first of some fields that an entry has, as read."""
    return lambda item: decode(next(filter(None, map(item.fields.get, names)), "")).casefold()


def _first_author(item: _Item) -> str:
    fields = item.fields
    names, _ = people(fields.get("author") or fields.get("editor") or "")
    return names[0].sort.casefold() if names else ""


SORTS: Mapping[str, Callable[[_Item], str]] = {
    "key": lambda item: item.key.casefold(),
    "year": _said("year", "date"),
    "author": _first_author,
    "title": _said("title"),
    "type": lambda item: item.type.casefold(),
}


def _twice(text: str) -> Iterator[str]:
    said: dict[str, str] = {}
    for span in read_block(Source(text), skip(text, 0)).fields:
        value = text[span.value : span.stop]
        if said.setdefault(span.name, value) != value:
            yield span.name


def _heights(parent: Mapping[str, str]) -> dict[str, int]:
    """How many generations stand below each key; in a circle nobody is above."""
    height = dict.fromkeys(parent, 0)
    waiting = Counter(above for above in parent.values() if above in parent)
    ready = [key for key in parent if key not in waiting]
    while ready:
        key = ready.pop()
        above = parent[key]
        if above in waiting:
            height[above] = max(height[above], height[key] + 1)
            waiting[above] -= 1
            if not waiting[above]:
                ready.append(above)
    return height


def _relevant(pool: _Pool, only: Collection[str] | None) -> tuple[Finding, ...]:
    """What is left out, of all or of what a manuscript wants."""
    wanted = None if only is None or "*" in only else {key.casefold() for key in only}
    return tuple(
        finding
        for finding, names in pool.left_out
        if wanted is None or not names or any(name.casefold() in wanted for name in names)
    )
