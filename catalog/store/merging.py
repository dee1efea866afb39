"""Merging in git: paper files are merged as papers, where git's own way would see lines."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from catalog.errors import BadFile, KbError
from catalog.facts import UNREAD
from catalog.filenames import file_name
from catalog.files import read_text
from catalog.readers import FOLDER
from catalog.store.beside import ATTRIBUTES
from catalog.store.change import Change
from catalog.store.commits import git, said_by
from catalog.store.config import CONFIG
from catalog.store.disk import read_version, write_whole
from catalog.store.readers import reading_of

if TYPE_CHECKING:
    from catalog.models import Paper
    from catalog.readers import Reader
    from catalog.store import Store

DRIVER = "kb merge-driver %O %A %B %P"


def merge_files(base: Path, ours: Path, theirs: Path, name: str) -> tuple[str, ...]:
    """Merge three files into `ours`, as git asks a driver to; returns the fields that two people said differently.

    `name` is the path that they are about. Where one of them is no paper, git's own merge of lines is made, whose
    conflicts are named "lines".
    """
    from catalog.paperfile import loads, read_key
    from catalog.rename import under
    from catalog.threeway import merge

    texts = [_text(path) for path in (base, ours, theirs)]
    if None in texts:  # what cannot be read says something all the same
        return _lines(base, ours, theirs)
    try:
        if PurePosixPath(name).suffix == ".toml":
            return _merge_readers(base, ours, theirs, name, texts)
        key = read_key(Path(name).name)
        was, mine, other = (loads(text, key, name) if text and text.strip() else None for text in texts)
        if mine is None or other is None:
            return _lines(base, ours, theirs)
        former = {*mine.aliases, *other.aliases}  # one of the two may have been renamed
        mine, other = (under(paper, key, former) for paper in (mine, other))
        merged = merge(was and under(was, key, former), mine, other)
        if not all("status" in loads(text or "", key, name, apart=True).extras for text in texts[1:]):
            merged = merged._replace(ours=_apart(merged.ours), theirs=_apart(merged.theirs))
    except KbError:
        return _lines(base, ours, theirs)
    write_whole(ours, merged.text.encode())
    return merged.fields


def _apart(paper: Paper) -> Paper:
    """A paper of which one side says no status, as there are readers: without one where it is the default."""
    return paper.model_copy(update={"apart": reading_of(paper) == UNREAD})


def _merge_readers(base: Path, ours: Path, theirs: Path, name: str, texts: list[str | None]) -> tuple[str, ...]:
    """Merge three forms of a reader's file; where git's merge of the lines says the same, that is taken."""
    from catalog.readers import edited, loads, with_comments
    from catalog.threeway import marked, merge_readers, rekeyed

    was, mine, other = (loads(text or "", PurePosixPath(name).stem, name) for text in texts)
    merged, their, clashes = merge_readers(*rekeyed((was, mine, other), _former_keys(name, other)))
    before = ours.read_bytes()
    if not _lines(base, ours, theirs) and loads(_text(ours) or "", merged.name, name) == merged:
        return ()
    text = with_comments(edited(before.decode(), mine, merged), texts[2] or "", texts[0] or "")
    write_whole(ours, (marked(text, edited(text, merged, their)) if clashes else text).encode())
    return clashes


def _former_keys(name: str, other: Reader) -> Mapping[str, str]:
    """The keys that papers have now by those that they had, as the work tree knows them, and as the other side does of
    the papers that only it has; a reader's file stands there under a name from the top, where git runs a driver."""
    from catalog.store import Store

    root = Path(name).absolute().parent.parent
    if not (root / CONFIG).is_file():
        return {}
    store = Store(root)
    with contextlib.suppress(KbError), store.open_index() as index:
        store.refresh(index)
        known = dict(index.marked("key"))
        new = [key for key in dict.fromkeys((*other.papers, *other.queue)) if key not in known]
        return {former: key for former, key in (known | _renamed_there(store, new)).items() if former != key}
    return {}


def _renamed_there(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """Of papers that are not here: their keys by former ones, as the commit has them that git is taking in. git names
    it in a merge, and where a rebase stands; where it does not, nothing is known of them."""
    from catalog.paperfile import loads

    found: dict[str, str] = {}
    with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError, KbError):
        heads = [name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")]
        done = store.root / git(store.root, "rev-parse", "--git-path", "rebase-merge/done").strip()
        heads += read_text(done).split("\n")[-2].split()[1:2] if done.is_file() else []
        for head, key in itertools.product(heads, keys):
            with contextlib.suppress(subprocess.CalledProcessError, KbError):
                path = store.shown(file_name(key))
                paper = loads(git(store.root, "show", f"{head}:./{path}"), key, path)
                found |= dict.fromkeys(paper.aliases, key)
    return found


def register(root: Path) -> None:
    """Tell the git of this clone how papers are merged; raises `KbError` where there is none."""
    try:
        for name, value in (("name", "papers, by what they say"), ("driver", DRIVER)):
            git(root, "config", f"merge.kb.{name}", value)
    except FileNotFoundError:
        raise KbError("git is not installed") from None
    except subprocess.CalledProcessError as e:
        raise KbError(f"{root}: git says '{said_by(e)}'; `git init` makes a repository of it") from None


def attributes(root: Path, papers: str, readers: bool = False) -> Change | None:
    """The change by which `.gitattributes` says which files are merged so, those of readers too where there are, or
    will be, some; None where it says that already."""
    said = [f"{papers}/*.md merge=kb\n", *([f"{FOLDER}/*.toml merge=kb\n"] * (readers or (root / FOLDER).is_dir()))]
    before = read_version(root / ATTRIBUTES, ATTRIBUTES)
    there = before.data if before else b""
    wanted = b"".join(line.encode() for line in said if line.encode() not in there)
    ended = there if not there or there.endswith(b"\n") else there + b"\n"
    return Change(ATTRIBUTES, before, ended + wanted) if wanted else None


def _text(path: Path) -> str | None:
    try:
        return read_text(path)
    except (FileNotFoundError, BadFile):
        return None


def _lines(base: Path, ours: Path, theirs: Path) -> tuple[str, ...]:
    """git's own merge of lines."""
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["git", "merge-file", *labels, str(ours), str(base), str(theirs)],  # noqa: S607 - the user's own git
        capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode < 0 or done.returncode > 127:
        raise KbError(f"git could not merge it: {done.stderr.strip() or done.returncode}")
    return ("lines",) if done.returncode else ()
