"""What lies beyond a paper's own file, as the rules about it ask: each question can be asked again, which tells whether
what was found still holds."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast
from urllib.parse import unquote

from catalog.errors import BadBibtex, BadFile, Finding
from catalog.files import MOST_SHOWN, read_bytes
from catalog.search.fold import clean
from catalog.store import Store
from catalog.store.disk import digest, stamp_at
from catalog.store.indexing import mark_of
from catalog.store.readers import GRAIN

if TYPE_CHECKING:
    from catalog.bibtex import Entry
    from catalog.bibtex.shared import Shared

Place = Literal["there", "missing", "outside"]
_LIBRARY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?\Z")
_LONG = 64  # characters: a longer answer is remembered by its digest


class Question(NamedTuple):
    """What was asked, of whom."""

    what: str
    of: str


@dataclass
class World:
    """`is_file` says whether there is a paper file of a name, `key_of` gives the key of a paper under its folded form,
    former keys too, or "", and `entry_of` the text of the entry with a folded key, or "". `gone` are to go.

    `asked` are the questions since it was emptied, `unshared` says why `shared.bib` cannot be read once it was to be.
    """

    store: Store
    today: dt.date
    is_file: Callable[[str], bool]
    key_of: Callable[[str], str]
    entry_of: Callable[[str], str]
    gone: Collection[str] = ()
    asked: set[Question] = field(default_factory=set)
    unshared: list[Finding] = field(default_factory=list)
    _answers: dict[Question, str] = field(default_factory=dict)

    # --- what the rules ask ---

    def place(self, path: Path) -> Place:
        """What stands at a path; what leads out of the knowledge base, also by a symbolic link, is not looked at."""
        if not path.is_relative_to(self.store.root):
            return "outside"
        return cast("Place", self._ask("place", path.relative_to(self.store.root).as_posix()))

    def contents(self, path: Path) -> bytes:
        """The bytes of a file of the knowledge base. Raises `BadFile`, `FileNotFoundError`."""
        self._ask("contents", path.relative_to(self.store.root).as_posix())
        return read_bytes(path, most=MOST_SHOWN)

    def has_paper(self, file: str) -> bool:
        """Whether there is a paper file of this name, readable or not."""
        return bool(self._ask("paper", file))

    def key(self, key: str) -> str:
        """The key of the paper that this is, in whatever case, or was; "" where there is none."""
        return self._ask("key", key.casefold())

    def has_entry(self, key: str) -> bool:
        """Whether there is an entry that others may inherit from under this key, of its `ids` too."""
        return bool(self._ask("entry", key.casefold()))

    def parent(self, key: str) -> Entry | None:
        """The entry that others inherit from under this key; None where there is none that can be read."""
        from catalog.bibtex import read

        text = self._ask("entry", key.casefold())
        try:
            return read(text, self.shared.macros) if text else None
        except BadBibtex:
            return None

    def has_pdf(self, name: str) -> bool:
        """Whether a PDF is in `files/`."""
        return bool(self._ask("pdf", name))

    def installed(self, library: str) -> str:
        """The version of a library that is installed, "" where none is."""
        return self._ask("installed", library)

    def has_come(self, day: dt.date) -> bool:
        """Whether a day is no more to come; one ahead is another time zone. What is past is not remembered."""
        return day <= self._latest or bool(self._ask("day", day.isoformat()))

    @property
    def _latest(self) -> dt.date:
        return self.today + dt.timedelta(days=1)

    def resolve(self, target: str) -> Path:
        """The path that a relative link leads to."""
        plain = re.split(r"[?#]", target, maxsplit=1)[0]
        return Path(os.path.normpath(self.store.folder / unquote(plain)))

    # --- what all entries share ---

    @cached_property
    def shared(self) -> Shared:
        """What `shared.bib` holds for the entries."""
        from catalog.bibtex.shared import NOTHING

        return self.store.sharing() if self.shared_text else NOTHING

    @cached_property
    def shared_text(self) -> str:
        """The text of `shared.bib`; "" where it cannot be read."""
        try:
            return self.store.shared()
        except BadFile as e:
            self.unshared += e.findings
            return ""

    # --- asking again ---

    def remembered(self, question: Question) -> str:
        """The answer in the form in which it is compared with what it was."""
        answer = clean(self._answer(question))
        return answer if len(answer) <= _LONG else digest(answer.encode())

    def _ask(self, what: str, of: str) -> str:
        question = Question(what, clean(of))
        self.asked.add(question)
        return self._answer(question)

    def _answer(self, question: Question) -> str:
        if question not in self._answers:
            self._answers[question] = self._find[question.what](question.of)
        return self._answers[question]

    @cached_property
    def _find(self) -> Mapping[str, Callable[[str], str]]:
        return {
            "place": self._place, "contents": self._contents, "key": self.key_of, "entry": self._entry,
            "paper": lambda file: "yes" if self.is_file(file) else "",
            "pdf": lambda name: "yes" if name in self._pdfs else "",
            "installed": version_of,
            "day": lambda day: "yes" if day <= self._latest.isoformat() else "",
        }  # fmt: skip

    @cached_property
    def _pdfs(self) -> frozenset[str]:
        from catalog import attached

        return frozenset(attached.there(self.store))

    def _place(self, of: str) -> str:
        path = self.store.root / of
        if path.name in self.gone and path.parent == self.store.folder:
            return "missing"
        try:
            inside = path.resolve().is_relative_to(self.store.root.resolve())
            return "there" if inside and path.exists() else "missing" if inside else "outside"
        except (OSError, ValueError, RuntimeError):
            return "missing"

    def _contents(self, of: str) -> str:
        """The stamp of a file, or while that is too young to tell of the next change, its digest."""
        try:
            stamp = stamp_at(self.store.root / of)
            if stamp and stamp[0] >= time.time_ns() - GRAIN:
                return digest(read_bytes(self.store.root / of, most=MOST_SHOWN))
        except (BadFile, OSError, ValueError):
            return ""
        return mark_of(stamp) if stamp else ""

    def _entry(self, folded: str) -> str:
        return self.shared.entries.get(folded) or self.entry_of(folded)


def entry_in(bibtex: str, folded: str) -> str:
    """The text of the entry with a key, case folded, or else with it among its `ids`; "" without one."""
    from catalog.bibtex.describe import entries
    from catalog.bibtex.held import keys_of

    found = ((text, list(map(str.casefold, keys_of(text)))) for text in entries(bibtex))
    held = [(keys.index(folded), text) for text, keys in found if folded in keys]
    return min(held, key=lambda one: one[0])[1] if held else ""


def version_of(library: str) -> str:
    """The version of a library that is installed, "" where none is."""
    import importlib.metadata

    if not _LIBRARY.match(library):
        return ""
    try:
        return importlib.metadata.version(library) or ""
    except (importlib.metadata.PackageNotFoundError, KeyError, ValueError, OSError):
        return ""
