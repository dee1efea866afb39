"""What stands in a knowledge base beside its papers: which files kb writes, and pages, notebooks and lists."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from catalog.errors import BadFile, KbError
from catalog.filenames import is_paper
from catalog.files import MOST_SHOWN, inside, read_bytes, stays_within
from catalog.readers import FOLDER as READERS
from catalog.store.config import CONFIG, read_config
from catalog.store.disk import Version, read_version, write_whole

if TYPE_CHECKING:
    from catalog.store import Store

SHARED = "shared.bib"
ATTRIBUTES = ".gitattributes"
LISTS = "lists"  # the folder of the lists as they were last read
REPORTS = "reports"


def is_kept(file: str, papers: str) -> bool:
    """Whether a path below the root is one that kb changes through the gate, and so keeps in the history."""
    path = Path(file)
    return file in (SHARED, ATTRIBUTES) or (path.parent, path.suffix) in _kinds(papers)


@cache
def _kinds(papers: str) -> frozenset[tuple[Path, str]]:
    return frozenset(
        {(Path(papers), ".md"), (Path(LISTS), ".json"), (Path(REPORTS), ".toml"), (Path(READERS), ".toml")}
    )


def write_out(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write what was made for elsewhere, as `write_whole`; raises `KbError` where a knowledge base has its own file, or
    a link that leads out of it."""
    named = path.absolute()
    if there := _root_of(named):
        stays_within(named, there)
    target = Path(os.path.realpath(path))
    root = _root_of(target)
    if root and _is_own(target.relative_to(root), read_config(root).config.papers):
        raise KbError(f"{path} is the knowledge base's own file; name another")
    write_whole(target, data)


def _root_of(path: Path) -> Path | None:
    return next((folder for folder in path.parents if (folder / CONFIG).is_file()), None)


def _is_own(file: Path, papers: str) -> bool:
    """Whether a path below a root is that of a paper, a reader, a list that was read, or what all of them share."""
    if file.parent == Path(papers):
        return is_paper(file.name)
    return file.as_posix() in (CONFIG, SHARED) or file.parts[0] in (READERS, LISTS, ".kb")


def lists(root: Path) -> Sequence[tuple[str, Version]]:
    """What is remembered of lists: each file, from the root, and what was read of it."""
    folder = root / LISTS
    stays_within(folder, root)
    names = sorted(path.name for path in folder.glob("*.json")) if folder.is_dir() else []
    read = ((f"{LISTS}/{name}", read_version(folder / name, f"{LISTS}/{name}")) for name in names)
    return [(file, version) for file, version in read if version]


def hand_written(root: Path) -> dict[str, bytes]:
    """The pages and pictures of the `site/` folder, by path within it."""
    folder = root / "site"
    stays_within(folder, root)
    if not folder.is_dir():
        return {}
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    paths = {path.relative_to(folder).as_posix(): path for path in found}
    return {
        name: read_bytes(path, f"site/{name}")
        for name, path in paths.items()
        if not any(part[0] in "._" for part in name.split("/"))
    }


def notebook(store: Store, address: str) -> tuple[str, bytes] | None:
    """Path and bytes of the notebook that a paper links to; None where there is none in the knowledge base.

    What lies outside is not looked at, and what is too large to be shown is not read.
    """
    path = notebook_at(store, address)
    try:
        return (path.relative_to(store.root).as_posix(), read_bytes(path, most=MOST_SHOWN)) if path else None
    except (BadFile, FileNotFoundError):
        return None


def notebook_at(store: Store, address: str) -> Path | None:
    """Where the notebook that a paper links to stands, or would; None where that is no place within."""
    plain = unquote(re.split(r"[?#]", address, maxsplit=1)[0])
    path = Path(os.path.normpath(store.folder / plain))
    within = path.suffix == ".ipynb" and path.is_relative_to(store.root) and inside(path, store.root)
    return path if within else None
