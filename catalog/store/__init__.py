"""The disk: a folder of paper files, written atomically under one lock, with an index derived from it.

Writers take the lock, recover what a killed one left, read again what they are about to change, and then replace whole
files. A change of several files is written aside first and named in a journal, so that it happens as a whole. Readers
take no lock. Nothing under `.kb/` is worth keeping: deleting it loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from catalog.errors import BadFile, Conflict, KbError, UnknownKey
from catalog.files import inside, read_bytes, read_text
from catalog.notebook import MOST_BYTES
from catalog.store.config import CONFIG, Config, find_root, read_config

if TYPE_CHECKING:
    from catalog.bibtex import Entry
    from catalog.errors import Finding
    from catalog.models import Paper
    from catalog.record import Record
    from catalog.search.index import Index

__all__ = ["CONFIG", "LOCK_SECONDS", "SHARED", "Config", "Store", "find_root", "read_config"]

SHARED = "shared.bib"
LOCK_SECONDS = 60.0
_TEMP = re.compile(r"\.[0-9a-f]{16}\.tmp\Z")


class Store:
    """The files of one knowledge base."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = read_config(root)
        self.folder = root / self.config.papers
        self.private = root / ".kb"
        self._held = 0

    # --- reading ---

    def stamps(self) -> dict[str, tuple[int, int]]:
        """File name -> (mtime in ns, size) of each paper file. A link that leaves the knowledge base is not one."""
        self._recover_if_needed()
        try:
            listing = os.scandir(self.folder)
        except FileNotFoundError:
            return {}
        stamps = {}
        with listing:
            for item in listing:
                name = item.name
                if name.endswith(".md") and name[0] not in "._" and name.upper() != "README.MD" and self._ours(item):
                    stat = item.stat()
                    stamps[name] = (stat.st_mtime_ns, stat.st_size)
        return stamps

    def _ours(self, item: os.DirEntry[str]) -> bool:
        if item.is_symlink() and not inside(Path(item.path), self.root):
            return False
        return item.is_file()

    def file_of(self, key: str) -> str:
        """The file of a key."""
        from catalog.models import apart_name, file_name

        apart = apart_name(key)
        return apart if (self.folder / apart).exists() else file_name(key)

    def new_files(self, keys: Iterable[str]) -> dict[str, str]:
        """File names for new keys; none is that of another file, also where case is ignored."""
        from catalog.models import apart_name, file_name

        taken = set(map(_caseless, self.stamps()))
        files = {}
        for key in keys:
            files[key] = file_name(key) if _caseless(file_name(key)) not in taken else apart_name(key)
            taken.add(_caseless(files[key]))
        return files

    def shown(self, file: str) -> str:
        """The path of a paper file as messages show it."""
        return f"{self.config.papers}/{file}"

    def read_text(self, file: str) -> str:
        """The text of a paper file; raises `BadFile` where it cannot be read, `UnknownKey` where there is none."""
        try:
            return read_text(self.folder / file, self.shown(file), MOST_BYTES)
        except FileNotFoundError:
            raise UnknownKey(f"{self.shown(file)}: no such paper") from None

    def load(self, file: str) -> Paper:
        """The paper of a file; raises `BadFile`."""
        from catalog.paperfile import loads, read_key

        return loads(self.read_text(file), read_key(file), self.shown(file))

    def load_all(self) -> tuple[list[Paper], list[Finding]]:
        """Every paper that can be read, by key, and what is wrong with the others."""
        papers: list[Paper] = []
        findings: list[Finding] = []
        for file in sorted(self.stamps()):
            try:
                papers.append(self.load(file))
            except UnknownKey:  # removed since the folder was listed
                continue
            except BadFile as e:
                findings.extend(e.findings)
        return papers, findings

    def shared(self) -> str:
        """The text of `shared.bib`: the `@string`s, `@preamble`s, `@xdata` and comments of imported .bib files."""
        try:
            return read_text(self.root / SHARED, SHARED).removeprefix("\ufeff").replace("\r\n", "\n")
        except FileNotFoundError:
            return ""

    def hand_written(self) -> dict[str, bytes]:
        """The pages and pictures of the `site/` folder, by path within it."""
        folder = self.root / "site"
        if not folder.is_dir():
            return {}
        found = (p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())
        paths = {p.relative_to(folder).as_posix(): p for p in found}
        return {
            name: read_bytes(p, f"site/{name}")
            for name, p in paths.items()
            if not any(part[0] in "._" for part in name.split("/"))
        }

    def notebook(self, address: str) -> tuple[str, bytes] | None:
        """Path and bytes of the notebook that a paper links to; None where there is none in the knowledge base.

        What lies outside is not looked at, and what is too large to be shown is not read.
        """
        plain = unquote(re.split(r"[?#]", address, maxsplit=1)[0])
        path = Path(os.path.normpath(self.folder / plain))
        try:
            if path.suffix != ".ipynb" or not path.is_relative_to(self.root) or not inside(path, self.root):
                return None
            return path.relative_to(self.root).as_posix(), read_bytes(path, most=MOST_BYTES)
        except (BadFile, FileNotFoundError):
            return None

    def watched(self) -> list[Path]:
        """What the site is made of."""
        return [self.folder, *(self.root / name for name in ("site", "notebooks", CONFIG, SHARED, "mkdocs.yml"))]

    # --- the index ---

    def open_index(self) -> Index:
        """The search index as it was left; `refresh` brings it up to date."""
        from catalog.search.index import Index

        self._make_private()
        return Index(self.private / "index.sqlite")

    def refresh(self, index: Index) -> None:
        """Bring an index up to date with the files: what changed since is read again."""
        on_disk, known = self.stamps(), index.stamps()
        shared_stamp = self._shared_stamp()
        if index.get_meta("shared") != shared_stamp:
            known = dict.fromkeys(known, (0, -1))
        changed = [name for name, stamp in on_disk.items() if known.get(name) != stamp]
        removed = [name for name in known if name not in on_disk]
        if not changed and not removed:
            return
        changed = sorted({*changed, *(n for n in json.loads(index.get_meta("heirs") or "[]") if n in on_disk)})
        rows, marks, unreadable, heirs = self._describe(changed, on_disk)
        index.update(rows, [*removed, *unreadable], marks)
        index.set_meta("shared", shared_stamp)
        index.set_meta("heirs", json.dumps(heirs))

    def _describe(
        self, changed: list[str], on_disk: Mapping[str, tuple[int, int]]
    ) -> tuple[list[tuple[str, int, int, Record]], dict[str, frozenset[tuple[str, str]]], list[str], list[str]]:
        """Rows and marks for the index, the files that cannot be read, and those whose entries inherit from others.

        A file as young as the clock's grain is written with a stamp that never matches: an edit in the same tick would
        go unseen.
        """
        import time

        from catalog.bibtex.describe import describe
        from catalog.bibtex.work import facts
        from catalog.identity import marks_of

        try:
            macros, shared_entries = self.macros()
        except BadFile:  # `kb check` says what is wrong with it; the papers are there all the same
            macros, shared_entries = {}, {}
        parents = _Parents(self, macros, shared_entries)
        rows, unreadable, heirs = [], [], []
        marks = {}
        young = time.time_ns() - 50_000_000
        for file in changed:
            try:
                paper = self.load(file)
            except (BadFile, UnknownKey):
                unreadable.append(file)
                continue
            if re.search(r"\b(?:crossref|xdata)\s*=", paper.bibtex, re.I):
                heirs.append(file)
            mtime, size = on_disk[file]
            rows.append((file, mtime if mtime < young else 0, size, describe(paper, macros, parents)))
            marks[file] = marks_of(facts(paper, macros, parents), paper.bibtex)
        return rows, marks, unreadable, heirs

    def macros(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """The `@string`s that entries may use (with the months), and the text of each shared entry by key."""
        from catalog.bibtex import MONTHS, scan, strings
        from catalog.errors import BadBibtex

        macros: dict[str, str] = dict(MONTHS)
        entries: dict[str, str] = {}
        for block in scan(self.shared()):
            if block.kind == "string":
                with contextlib.suppress(BadBibtex):
                    macros.update(strings(block.text, macros))
            elif block.kind == "entry":
                entries[block.key.casefold()] = block.text
        return macros, entries

    def _shared_stamp(self) -> str:
        try:
            stat = (self.root / SHARED).stat()
        except FileNotFoundError:
            return ""
        return f"{stat.st_mtime_ns}:{stat.st_size}"

    # --- writing ---

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the knowledge base against other writers; waits up to a minute."""
        if self._held:
            yield
            return
        from filelock import FileLock, Timeout

        self._make_private()
        try:
            with FileLock(self.private / "lock", timeout=LOCK_SECONDS):
                self._held += 1
                try:
                    self._recover()
                    yield
                finally:
                    self._held -= 1
        except Timeout:
            raise KbError(f"another kb has been writing to {self.root} for a minute; try again") from None
        except PermissionError as e:
            raise KbError(f"cannot write: {e.filename or self.root}: permission denied") from None

    def change(self, file: str, edit: Callable[[Paper], Paper]) -> tuple[Paper, Paper]:
        """Read a paper under the lock, change it, write it; returns it before and after."""
        from catalog.paperfile import dumps

        with self.lock():
            before = self.load(file)
            after = edit(before)
            self.commit({file: dumps(after)})
        return before, after

    def replace(self, file: str, expected: str, text: str) -> None:
        """Write a text in place of the one that was read; raises `Conflict` if the file has changed since."""
        with self.lock():
            if self.read_text(file) != expected:
                raise Conflict(f"{self.shown(file)} was changed by somebody else meanwhile; nothing was overwritten")
            self.commit({file: text})

    def commit(self, writes: Mapping[str, str | None], shared: str | None = None) -> None:
        """Write these paper files (None removes one), and `shared.bib` where given, as a whole. Holds the lock."""
        with self.lock():
            targets: dict[Path, str | None] = {self.folder / name: text for name, text in writes.items()}
            if shared is not None:
                targets[self.root / SHARED] = shared
            targets = {path: text for path, text in targets.items() if _differs(path, text)}
            if not targets:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            moves = [(_write_aside(path, text) if text is not None else None, path) for path, text in targets.items()]
            _sync_files([temp for temp, _ in moves if temp])
            if len(moves) > 1:
                self._write_journal(moves)
            _apply(moves)
            if len(moves) > 1:
                (self.private / "journal.json").unlink()

    def write_file(self, path: Path, text: str) -> None:
        """Write a file of the knowledge base that is no paper, at once or not at all."""
        with self.lock():
            path.parent.mkdir(parents=True, exist_ok=True)
            temp = _write_aside(path, text)
            _sync_files([temp])
            temp.replace(path)

    def _write_journal(self, moves: list[tuple[Path | None, Path]]) -> None:
        rows = [[temp.name if temp else "", str(path.relative_to(self.root))] for temp, path in moves]
        journal = self.private / "journal.json"
        temp = _write_aside(journal, json.dumps(rows))
        _sync_files([temp])
        temp.replace(journal)
        _sync_folder(self.private)

    def _recover_if_needed(self) -> None:
        if not self._held and (self.private / "journal.json").exists():
            with self.lock():
                pass

    def _recover(self) -> None:
        """Finish what a killed writer had decided on, and drop what it had not."""
        journal = self.private / "journal.json"
        if journal.exists():
            with contextlib.suppress(ValueError, TypeError):
                _apply([self._checked_move(temp, path) for temp, path in json.loads(journal.read_text("utf-8"))])
            journal.unlink()
        for folder in (self.folder, self.root, self.private):
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as listing:
                for name in [item.name for item in listing if item.name[0] == "." and _TEMP.match(item.name)]:
                    (folder / name).unlink(missing_ok=True)

    def _checked_move(self, temp: str, target: str) -> tuple[Path | None, Path]:
        """A move of the journal; one that would touch anything but our own files is refused."""
        path = self.root / target
        ours = path == self.root / SHARED or (path.parent == self.folder and path.suffix == ".md")
        if not ours or "/" in temp or "\\" in temp or ".." in Path(target).parts or (temp and not _TEMP.match(temp)):
            raise ValueError(target)
        return (path.parent / temp if temp else None), path

    def _make_private(self) -> None:
        """`.kb/` holds the lock and what is derived; it ignores itself in git. A link is not followed.

        Raises `KbError` where it is one: a clone could lead it anywhere.
        """
        if self.private.is_symlink():
            raise KbError(f"{self.private} is a link; remove it, as kb writes files of its own there")
        if not self.private.is_dir():
            with contextlib.suppress(OSError):
                self.private.mkdir(exist_ok=True)
                (self.private / ".gitignore").write_text("*\n")


class _Parents:
    """Entries that others inherit from, looked up when one asks."""

    def __init__(self, store: Store, macros: Mapping[str, str], shared: Mapping[str, str]) -> None:
        self.store, self.macros, self.shared = store, macros, shared
        self.files: dict[str, str] | None = None

    def __call__(self, key: str) -> Entry | None:
        from catalog.bibtex import read
        from catalog.bibtex.describe import read_first
        from catalog.errors import BadBibtex
        from catalog.paperfile import read_key

        if text := self.shared.get(key.casefold()):
            try:
                return read(text, self.macros)
            except BadBibtex:
                return None
        if self.files is None:
            self.files = {read_key(file).casefold(): file for file in self.store.stamps()}
        file = self.files.get(key.casefold())
        try:
            return read_first(self.store.load(file), self.macros) if file else None
        except BadFile:
            return None


def _caseless(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _differs(path: Path, text: str | None) -> bool:
    try:
        return text is None or read_bytes(path) != text.encode()
    except FileNotFoundError:
        return text is not None


def _write_aside(path: Path, text: str) -> Path:
    """The text in a file of its own beside the one it is for."""
    temp = path.with_name(f".{os.urandom(8).hex()}.tmp")
    with temp.open("xb") as stream:
        stream.write(text.encode())
    with contextlib.suppress(FileNotFoundError):
        temp.chmod(path.stat().st_mode & 0o7777)
    return temp


def _sync_files(paths: Sequence[Path]) -> None:
    """Wait until these files are on the disk; for many, Linux waits for everything at once, which is far quicker."""
    if len(paths) > 100 and sys.platform == "linux":
        os.sync()
        return
    for path in paths:
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _apply(moves: list[tuple[Path | None, Path]]) -> None:
    for temp, path in moves:
        if temp is None:
            path.unlink(missing_ok=True)
        elif temp.exists():
            temp.replace(path)
    for folder in {path.parent for _, path in moves}:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a file system without folder sync, such as Windows'
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
