"""The readers of a knowledge base: their files, which of them I am, and what becomes of a paper when I change it.

Where there is a file in `readers/`, how far one is with a paper stands there and no longer in the paper's own file. Who
I am is no fact of the collection: `KB_ME` says it, or `.kb/me`, which stays in this clone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import BadFile, Conflict, Finding, KbError
from catalog.facts import UNREAD, Facts, Reading
from catalog.files import decoded, inside, read_bytes
from catalog.readers import FOLDER, Reader, dumps, edited, loads, name_of
from catalog.store.disk import Stamp, Version, names_in, read_version, stamp_at

if TYPE_CHECKING:
    from catalog.models import Paper

SUFFIX = ".toml"
GRAIN = 50_000_000  # ns: a file that young may change again without another stamp


class Mine(NamedTuple):
    """What I say: my name, "" where I have not said who I am; my file as it was read, None where I have none."""

    reader: Reader
    version: Version | None = None

    @property
    def name(self) -> str:
        """Who I am."""
        return self.reader.name

    def over(self, paper: Paper) -> Paper:
        """A paper of a shared file with how far I am."""
        said = self.reader.of(paper.key, paper.aliases)
        days = {name: dt.date.fromisoformat(day) if (day := getattr(said, name)) else None for name in ("read", "due")}
        from catalog.models import Status

        return paper.model_copy(update={"status": Status(said.status), "rating": said.rating, "apart": True, **days})


class Readers:
    """The files of readers, read again where they changed."""

    def __init__(self, root: Path, private: Path) -> None:
        self.root, self.folder = root, root / FOLDER
        self.private = private
        self._read: dict[str, tuple[Stamp, Version, Reader | BadFile]] = {}

    def names(self) -> list[str]:
        """Everyone who has a file, whether it can be read or not."""
        return sorted(name.removesuffix(SUFFIX) for name in names_in(self.folder) if _is_reader(name))

    def me(self) -> str:
        """Who I am; "" where that is not said, or nobody of the readers."""
        name = self.named()
        return name if name in self.names() else ""

    def named(self) -> str:
        """Who I said that I am, reader or not. Raises `KbError` where `KB_ME` cannot be a name."""
        if (said := os.environ.get("KB_ME", "")).strip():
            return name_of(said)
        if not self.private.is_symlink():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, KbError):
                return name_of(read_bytes(self.private / "me", most=1000).decode("utf-8", "replace"))
        return ""

    def path(self, name: str) -> str:
        """The file of a reader, below the root."""
        return f"{FOLDER}/{name}{SUFFIX}"

    def load(self, name: str) -> tuple[Version, Reader]:
        """What was read of a reader's file, and what it says; raises `BadFile`, and `KbError` where there is none."""
        path = self.root / self.path(name)
        stamp = stamp_at(path)
        known = self._read.get(name)
        if known is None or known[0] != stamp:
            version = self.read(name)
            known = self._read[name] = (version.stamp, version, self._parsed(name, version))
        if isinstance(known[2], BadFile):
            raise known[2]
        return known[1], known[2]

    def read(self, name: str) -> Version:
        """A reader's file as it stands; raises as `load`, but says nothing of what is in it."""
        path = self.root / self.path(name)
        if not inside(path, self.root):
            why = "a link out of the knowledge base"
            raise BadFile(Finding("unreadable", why, "copy the file here", self.path(name)))
        if not (version := read_version(path, self.path(name))):
            raise KbError(f"there is no reader {name}; `kb me {name}` makes one")
        return version

    def _parsed(self, name: str, version: Version) -> Reader | BadFile:
        try:
            return loads(decoded(version.data, self.path(name)), name, self.path(name))
        except BadFile as e:
            return e

    def all(self) -> tuple[list[Reader], list[Finding]]:
        """Every reader whose file can be read, and what is wrong with the others."""
        found, wrong = [], list[Finding]()
        for name in self.names():
            try:
                found.append(self.load(name)[1])
            except BadFile as e:
                wrong += e.findings
            except KbError:  # gone since
                continue
        return found, wrong

    def mine(self) -> Mine | None:
        """What I say; None in a collection without readers. One who is nobody, or cannot be read, says nothing."""
        names = self.names()
        if not names:
            return None
        name = self.named()
        if name not in names:
            return Mine(Reader(""))
        try:
            version, reader = self.load(name)
        except BadFile:
            return Mine(Reader(name))
        return Mine(reader, version)

    # --- for the index ---

    def at_rest(self) -> bool:
        """Whether no file was written so lately that the next change of it might leave the same stamp."""
        stamps = (stamp_at(self.root / self.path(name)) for name in self.names())
        return all(time.time_ns() - stamp[0] > GRAIN for stamp in stamps if stamp)

    def mark(self) -> str:
        """What changes when a reader says something else, or I am another; "" where there are none."""
        names = self.names()
        stamps = [f"{name}{stamp_at(self.root / self.path(name))}" for name in names]
        return hashlib.sha256("\n".join([self.me(), *stamps]).encode()).hexdigest()[:16] if names else ""

    def digests(self) -> dict[str, str]:
        """Of each key that a reader says anything of: a hash of all that is said, and of who I am."""
        readers, me = self.all()[0], self.me()
        keys = {key for reader in readers for key in (*reader.papers, *reader.queue)}
        said: dict[str, str] = {}
        for key in keys:
            text = repr([(reader.name, reader.name == me, reader.of(key)) for reader in readers])
            said[key] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return said

    def told(self, facts: Facts, readers: Sequence[Reader], me: str) -> Facts:
        """The facts of a paper with what each reader says of it."""
        said = [(reader.name, reader.of(facts.key, facts.aliases)) for reader in readers]
        place = next((one.place for name, one in said if name == me), 0)
        return replace(
            facts,
            reading=facts.reading._replace(place=place),
            readers=tuple((name, one) for name, one in said if one != UNREAD),
        )

    # --- writing ---

    def turned(self, papers: Iterable[tuple[Paper, Version | None]]) -> Iterator[tuple[str, Version, bytes, Reader]]:
        """My file as it has to be for these papers, of which each comes with what was read of it: path, what was read,
        the bytes, and what they say; nothing where it stays. Raises `Conflict`, and `KbError` where I am nobody."""
        mine = self.mine()
        if mine is None:
            return
        said, queue = dict(mine.reader.papers), list(mine.reader.queue)
        for paper, before in papers:
            if before is not None and before.mine != mine.version:
                raise Conflict(f"{self.path(mine.name)} was changed by another kb meanwhile")
            new = reading_of(paper)
            if mine.reader.of(paper.key, paper.aliases)._replace(place=0) == new:
                continue
            for key in (paper.key, *paper.aliases):
                said.pop(key, None)
            if new != UNREAD:
                said[paper.key] = new
            if new.status == "read":
                queue = [key for key in queue if key not in (paper.key, *paper.aliases)]
        after = replace(mine.reader, papers=said, queue=tuple(queue))
        if after != mine.reader:
            yield self.rewritten(mine, after)

    def rewritten(self, mine: Mine, after: Reader) -> tuple[str, Version, bytes, Reader]:
        """My file with another content; raises `KbError` where I have none that can be written."""
        if not mine.name:
            others = ", ".join(self.names()[:5])
            raise KbError(f"who are you? `kb me NAME` says it; here read {others}")
        path = self.path(mine.name)
        if mine.version is None:
            self.load(mine.name)  # raises what is wrong with it
            raise Conflict(f"{path} was changed by another kb meanwhile")
        return path, mine.version, edited(mine.version.data.decode(), mine.reader, after).encode(), after

    def reads_back(self, file: str, data: bytes, meant: Reader) -> bool:
        """Whether the bytes of a reader's file say what is meant."""
        return loads(data.decode("utf-8"), meant.name, file) == meant

    def remember(self, name: str) -> None:
        """Remember in this clone who I am; "" forgets it. Raises `KbError`."""
        from catalog.store.disk import write_whole

        path = self.private / "me"
        try:
            if path.is_symlink() or not name or not path.is_file():  # a pipe would be waited on for ever
                path.unlink(missing_ok=True)
            if name:
                write_whole(path, f"{name}\n".encode())
        except OSError as e:
            raise KbError(f"cannot remember who you are in {path}: {e.strerror}; KB_ME={name} says it too") from None


def new_text(name: str, papers: dict[str, Reading]) -> tuple[bytes, Reader]:
    """The file of a new reader, and what it says."""
    reader = Reader(name, {key: one for key, one in papers.items() if one != UNREAD})
    return dumps(reader).encode(), reader


def reading_of(paper: Paper) -> Reading:
    """How far the paper's reader is, as it stands in the paper."""
    read, due = (day.isoformat() if day else "" for day in (paper.read, paper.due))
    return Reading(str(paper.status), "", read, due, paper.rating)


def _is_reader(name: str) -> bool:
    if not name.endswith(SUFFIX) or name[0] in "._":
        return False
    with contextlib.suppress(KbError):
        return name_of(name.removesuffix(SUFFIX)) == name.removesuffix(SUFFIX)
    return False
