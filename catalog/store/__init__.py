"""The disk: a folder of paper files with an index derived from it, changed through one gate.

Readers take no lock. Under `.kb/` lie the index, which may be deleted at any time, the history of all changes, and the
drafts of what was typed and not yet taken.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from catalog.errors import BadFile, Finding, UnknownKey
from catalog.filenames import is_paper
from catalog.files import decoded, inside, stays_within
from catalog.implemented import Implemented
from catalog.store.beside import LISTS, REPORTS, SHARED, is_kept
from catalog.store.change import Change, Known
from catalog.store.config import CONFIG, Config, find_root, read_config
from catalog.store.disk import Stamp, Version, folded, names_in, read_version, write_own, write_whole
from catalog.store.gate import TRIES, Gate
from catalog.store.readers import Mine, Readers
from catalog.store.written import Written

if TYPE_CHECKING:
    from catalog.bibtex.shared import Shared
    from catalog.models import Paper
    from catalog.readers import Reader
    from catalog.search.index import Index

__all__ = [
    "CONFIG",
    "LISTS",
    "REPORTS",
    "SHARED",
    "Change",
    "Config",
    "Store",
    "Version",
    "find_root",
    "read_config",
    "write_whole",
]

INDEX = "index.sqlite"
_FEW = 50  # new papers, of which none lists the folder
NEWS = "news.json"


class Store:
    """The files of one knowledge base."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = read_config(root)
        self.config = self.settings.config
        self.folder = root / self.config.papers
        self.private = root / ".kb"
        self.implemented = Implemented(root)
        self.written = Written()
        self.readers = Readers(root, self.private)
        for folder in (self.folder, self.readers.folder):
            stays_within(folder, root)
        self.gate = Gate(root, self.private, partial(is_kept, papers=self.config.papers), self._reads_back)
        if self.config.autocommit:
            self.gate.after = self._commit_to_git

    # --- reading ---

    def files(self) -> dict[str, Stamp]:
        """File name -> stamp of each paper file. A link that leaves the knowledge base is not one.

        No change of several files is seen half done.
        """
        return self.gate.steady(self._files)

    def names(self) -> set[str]:
        """The names of the paper files, of which none is looked at: what only looks like one is among them."""
        return set(filter(is_paper, names_in(self.folder)))

    def _files(self) -> dict[str, Stamp]:
        found = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as listing:
            for item in listing:
                if is_paper(name := item.name):
                    try:
                        is_link = item.is_symlink()
                        about = item.stat() if is_link else item.stat(follow_symlinks=False)
                    except OSError:  # gone again, or a link that leads to itself
                        continue
                    if S_ISREG(about.st_mode) and not (is_link and not inside(self.folder / name, self.root)):
                        found[name] = about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_size
        return found

    def file_of(self, key: str) -> str:
        """The file of a key."""
        from catalog.filenames import apart_name, file_name

        apart = apart_name(key)
        return apart if (self.folder / apart).exists() else file_name(key)

    def new_files(
        self, keys: Iterable[str], index: Index, leaving: Iterable[str] = (), taken: set[str] | None = None
    ) -> dict[str, str]:
        """File names for new keys; none is that of another file but of keys that leave, also where case is ignored.

        Few are looked up in the index: that no other file has such a name, the gate looks at again. Where they come in
        parts, `taken` keeps the names that are, folded.
        """
        from catalog.filenames import apart_name, file_name
        from catalog.store.indexing import unreadable

        keys, there = list(keys), names_in(self.folder)
        if taken is None and len(keys) <= _FEW and all(map(str.isascii, keys)):
            own = (self.file_of(key) for new in keys for key in index.with_fact("key", new.casefold()))
            there = chain(
                own, unreadable(index), filter(lambda name: os.path.lexists(self.folder / name), map(file_name, keys))
            )
        taken = set() if taken is None else taken
        if not taken:
            taken |= set(map(folded, there)) - {folded(self.file_of(key)) for key in leaving}
        files = {}
        for key in keys:
            files[key] = file_name(key) if folded(file_name(key)) not in taken else apart_name(key)
            taken.add(folded(files[key]))
        return files

    def shown(self, file: str) -> str:
        """The path of a paper file below the root, as messages show it and changes name it."""
        return f"{self.config.papers}/{file}"

    def read(self, file: str) -> Version:
        """A paper file as it stands; raises `UnknownKey` where there is none, `BadFile` where it cannot be opened."""
        version = read_version(self.folder / file, self.shown(file))
        if version is None:
            raise UnknownKey(f"{self.shown(file)}: no such paper")
        return version

    def text_of(self, file: str, version: Version) -> str:
        """The text of a paper file that was read; raises `BadFile` where it is no UTF-8."""
        return decoded(version.data, self.shown(file))

    def read_text(self, file: str) -> str:
        """The text of a paper file; raises `BadFile`, `UnknownKey`."""
        return self.text_of(file, self.read(file))

    def load(self, file: str) -> Paper:
        """The paper of a file; raises `BadFile`, `UnknownKey`."""
        return self.load_version(file)[1]

    def load_version(self, file: str) -> tuple[Version, Paper]:
        """What was read of a file, and the paper it holds, with how far I am; raises `BadFile`, `UnknownKey`."""
        return self.load_as(file, self.readers.mine())

    def load_as(self, file: str, mine: Mine | None, version: Version | None = None) -> tuple[Version, Paper]:
        """As `load_version`, for who has asked already what I say of all papers, or read the file."""
        from catalog.paperfile import loads, read_key

        version = version or self.read(file)
        paper = loads(self.text_of(file, version), read_key(file), self.shown(file), apart=mine is not None)
        return (replace(version, mine=mine.version), mine.over(paper)) if mine else (version, paper)

    def own(self, version: Version, paper: Paper) -> tuple[Version, Paper]:
        """A paper that was made of what was read, and that, with how far I am where there are several readers."""
        mine = self.readers.mine()
        return (replace(version, mine=mine.version), mine.over(paper)) if mine else (version, paper)

    def typed(self, text: str, key: str, file: str, version: Version) -> tuple[Version, Paper]:
        """As `own`, of a file's text that somebody wrote; what it says of reading is theirs. Raises `BadFile`."""
        from catalog.models import READING
        from catalog.paperfile import loads

        path = self.shown(file)
        paper = loads(text, key, path)
        if not self.readers.names():
            return version, paper
        shared = loads(text, key, path, apart=True)
        said = {name: getattr(paper, name) for name in READING if name in shared.extras}
        said |= {"read": paper.read} if "status" in said else {}  # the day goes with the status
        version, mine = self.own(version, shared)
        extras = {name: line for name, line in shared.extras.items() if name not in READING}
        return version, mine.evolve(extras=extras, **said) if said else mine

    def load_all(self) -> tuple[list[Paper], list[Finding]]:
        """Every paper that can be read, by key, and what is wrong with the others."""
        loaded, findings = self.load_versions()
        return [paper for _, paper in loaded.values()], findings

    def load_versions(self) -> tuple[dict[str, tuple[Version, Paper]], list[Finding]]:
        """Each file that can be read with its paper, by name, and what is wrong with the others.

        Where one goes away while they are read, what took its place is read too.
        """
        loaded: dict[str, tuple[Version, Paper]] = {}
        findings: dict[str, tuple[Finding, ...]] = {}
        mine = self.readers.mine()
        for _ in range(TRIES):
            names = self.files()
            gone = [file for file in loaded if file not in names]
            for file in gone:
                del loaded[file]
            vanished = False
            for file in names:
                if file in loaded or file in findings:
                    continue
                try:
                    loaded[file] = self.load_as(file, mine)
                except BadFile as e:
                    findings[file] = e.findings
                except UnknownKey:
                    vanished = True
            if not vanished:
                break
        return dict(sorted(loaded.items())), [one for file in sorted(findings) for one in findings[file]]

    def shared(self) -> str:
        """The text of `shared.bib`: the `@string`s, `@preamble`s, `@xdata` and comments of imported .bib files."""
        return self.shared_version()[1]

    def shared_version(self) -> tuple[Version | None, str]:
        """What was read of `shared.bib`, None where there is none, and its text."""
        stays_within(self.root / SHARED, self.root)
        version = read_version(self.root / SHARED, SHARED)
        text = decoded(version.data, SHARED) if version else ""
        return version, text.removeprefix("\ufeff").replace("\r\n", "\n")

    # --- the index ---

    def open_index(self) -> Index:
        """The search index as it was left; `refresh` brings it up to date."""
        from catalog.search.index import Index

        self.gate.make_private()
        return Index(self.private / INDEX)

    def refresh(self, index: Index, whole: bool = False) -> list[Finding]:
        """Bring an index up to date with the files; returns what is wrong with those that cannot be read."""
        from catalog.store.indexing import refresh

        return refresh(self, index, whole)

    def renewed(self, index: Index, keys: Iterable[str]) -> bool:
        """Look at the files of these papers; whether some had changed and were read again."""
        from catalog.store.indexing import renewed

        return renewed(self, index, keys)

    def sharing(self) -> Shared:
        """What `shared.bib` holds for the entries: macros, commands, and entries that others inherit from."""
        from catalog.bibtex.shared import Shared

        return Shared.of(self.shared(), self.config.used_fields)

    # --- writing ---

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the knowledge base against other writers; waits up to a minute."""
        return self.gate.lock()

    def paper_change(
        self, file: str, before: Version | None, paper: Paper, was: Paper | None = None, known: Known | None = None
    ) -> Change:  # fmt: skip
        """The change that lets a file say what a paper says, whatever was read of it before: what it `was`."""
        from catalog.paperfile import dumps

        if not paper.apart and self.readers.names():
            paper = paper.model_copy(update={"apart": True})
        return Change(self.shown(file), before, dumps(paper).encode("utf-8", "surrogatepass"), paper, was, known)

    def change(self, file: str, edit: Callable[[Paper], Paper], what: str = "change") -> tuple[Paper, Paper]:
        """Read a paper, change it, write it; where somebody changed it meanwhile, change that. Before and after."""

        def attempt() -> tuple[Paper, Paper]:
            version, before = self.load_version(file)
            after = edit(before)
            self.commit([self.paper_change(file, version, after, before)], what)
            return before, after

        return self.gate.retried(attempt)

    def commit(self, changes: Iterable[Change], what: str | Callable[[], str], since: int | None = None) -> int:
        """Make these changes as a whole, as `Gate.commit` says; how far I am with a paper goes into my own file.

        Those of an iterator are not held, where there are no readers; what `what` says is asked when all are taken.
        """
        from catalog.store.indexing import folder_mark, noted, shared_mark

        if self.settings.unsure:
            raise BadFile(*self.settings.wrong)
        self.written = Written(self.private)
        if held := isinstance(changes, Sequence) or bool(self.readers.names()):
            changes = list(changes)
            changes += self._mine_too(changes)
        with self.gate.ready(changes) as moves, self.lock():
            before = folder_mark(self)
            number = self.gate.swap(moves, what, since)
            self.written.mark = shared_mark(self)
            papers = all(move.file.endswith(".md") for move in moves)
            if held and number and (self.private / INDEX).exists() and papers:
                noted(self, changes, before)
        return number

    def _mine_too(self, changes: Sequence[Change]) -> Iterator[Change]:
        papers = [(change.meant, change.before) for change in changes if change.meant]
        for path, before, data, reader in self.readers.turned(papers):
            yield Change(path, before, data, reader=reader)

    def _reads_back(self, file: str, data: bytes, meant: Paper | Reader, known: Known | None) -> bool:
        from catalog.models import Paper
        from catalog.paperfile import loads, read_key, same

        if not isinstance(meant, Paper):
            return self.readers.reads_back(file, data, meant)
        name = file.rpartition("/")[2]
        self.written.keep(name, data, known)
        return same(loads(decoded(data, file), read_key(name), file, apart=meant.apart), meant)

    def _commit_to_git(self, what: str, files: Sequence[str]) -> None:
        from catalog.store.commits import git_commit

        if why := git_commit(self.root, what, files):
            self.gate.notices.append(why)

    def write_file(self, path: Path, text: str | bytes) -> None:
        """Write a file of the knowledge base that is no paper, as `write_own` says."""
        with self.lock():
            write_own(self.root, path, text.encode() if isinstance(text, str) else text)
