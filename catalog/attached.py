"""The PDFs of papers: in `files/`, named by their bytes, and linked as `file: ../files/NAME.pdf`. git ignores them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

from catalog.errors import KbError
from catalog.files import inside, is_pdf, stays_within
from catalog.models import Link
from catalog.store import Store

FOLDER = "files"
KIND = "file"
MOST_BYTES = 200_000_000
_IGNORE = "# PDFs stay out of git; remove this file if they shall be in it\n*\n"


def keep(store: Store, data: bytes) -> str:
    """Put a PDF into `files/`, unless it is there; gives its name. Raises `KbError` for what is no PDF."""
    refuse_others(data)
    folder = store.root / FOLDER
    stays_within(folder, store.root)
    if not folder.exists():
        store.write_file(folder / ".gitignore", _IGNORE)
    name = name_for(data)
    if not (folder / name).is_file():
        store.write_file(folder / name, data)
    return name


def refuse_others(data: bytes) -> None:
    """Raise `KbError` for what is no PDF."""
    if not is_pdf(data):
        raise KbError("this is no PDF: it does not begin with %PDF")


def name_for(data: bytes) -> str:
    """The name under which a PDF is kept."""
    return f"{hashlib.sha256(data).hexdigest()[:16]}.pdf"


def link(store: Store, name: str) -> Link:
    """The link of a paper to a file."""
    path = os.path.relpath(store.root / FOLDER / name, store.folder).replace(os.sep, "/")
    return Link(name=KIND, url=quote(path, safe="/._-"))


def names(store: Store, links: Iterable[Link]) -> list[str]:
    """The files in `files/` that links lead to, whether they are there or not."""
    return [name for one in links if one.name == KIND and (name := name_of(store.root, store.folder, one.url))]


def name_of(root: Path, papers: Path, url: str) -> str:
    """The file in `files/` that an address beside the papers leads to, or ""."""
    if "://" in url:
        return ""
    path = Path(os.path.normpath(papers / unquote(re.split(r"[?#]", url, maxsplit=1)[0])))
    return path.name if path.parent == root / FOLDER else ""


def there(store: Store) -> list[str]:
    """The PDFs in `files/`."""
    folder = store.root / FOLDER
    if not folder.is_dir() or not inside(folder, store.root):
        return []
    pdfs = (one for one in folder.iterdir() if one.suffix.lower() == ".pdf" and one.is_file())
    return sorted(one.name for one in pdfs if not one.is_symlink() or inside(one, store.root))
