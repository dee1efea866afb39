"""Whether the user has agreed to what comes with a knowledge base and may run code or speak in their name.

A clone's `mkdocs.yml` may name hooks, templates and Python objects, which run when the site is built. It is obeyed once
`kb trust` was said; that is remembered outside of the clone, for the folder and for every file that could take part, as
it was then. Whatever of that changes, the user is asked again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from catalog import personal
from catalog.errors import KbError
from catalog.files import read_bytes

SUFFIXES = frozenset(
    {".py", ".pyc", ".pth", ".so", ".yml", ".yaml", ".toml", ".html", ".htm", ".xml", ".j2", ".jinja", ".jinja2"}
)
SKIPPED = frozenset({"build", "node_modules", "__pycache__"})
MOST_FILES = 20_000
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", re.A)


def is_trusted(root: Path) -> bool:
    """Whether what is in the folder now has been agreed to."""
    folder = _folder()
    if not folder or not any(folder.glob(f"{_name(root)}.*")):  # nothing was ever agreed to: nothing to compute
        return False
    return (folder / f"{_name(root)}.{fingerprint(root)}").is_file()


def trust(root: Path) -> int:
    """Agree to what is in the folder now; returns how many files that is. Raises `KbError` where it cannot be kept."""
    folder = _folder()
    if not folder:
        raise KbError("there is no place to remember it: this user has no home; set XDG_STATE_HOME")
    distrust(root)
    try:
        personal.write_new(folder / f"{_name(root)}.{fingerprint(root)}", f"{root}\n")
    except OSError as e:
        raise KbError(f"cannot remember it in {folder}: {e.strerror or e}") from None
    return sum(1 for _ in _files(root))


def distrust(root: Path) -> bool:
    """Take back what was agreed to; returns whether there was anything."""
    folder = _folder()
    known = list(folder.glob(f"{_name(root)}.*")) if folder else []
    for one in known:
        one.unlink(missing_ok=True)
    return bool(known)


def contact(root: Path, said: str) -> str:
    """Whom a host that is asked may write to: what kb.toml says; "" where that is a git identity and not agreed to.

    A clone could otherwise tell any host whose links it holds who its reader is.
    """
    if said != "git":
        return said
    return _git_address(root) if is_trusted(root) else ""


def _git_address(root: Path) -> str:
    import subprocess

    try:
        done = subprocess.run(
            ["git", "config", "--get", "user.email"],  # noqa: S607 - the user's own git
            cwd=root, capture_output=True, text=True, errors="replace", timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    address = done.stdout.strip()
    return address if _MAIL.fullmatch(address) else ""


def fingerprint(root: Path) -> str:
    """A hash of every file of the folder that could take part: code, templates and settings."""
    total = hashlib.sha256()
    for path in _files(root):
        total.update(os.fsencode(path.relative_to(root)) + b"\0")
        total.update(hashlib.sha256(read_bytes(path)).digest())
    return total.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    """In a settled order. Papers and folders of tools are passed over; a link to a folder is followed by nobody."""
    found = 0
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name not in SKIPPED and not name.startswith("."))
        if linked := [name for name in below if Path(folder, name).is_symlink()]:
            raise KbError(f"{Path(folder, linked[0])} is a link to a folder; nobody can vouch for what it leads to")
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and Path(folder, name).is_file():
                found += 1
                if found > MOST_FILES:
                    raise KbError(f"{root} has more than {MOST_FILES:,} files of code; nobody can vouch for so many")
                yield Path(folder, name)


def _folder() -> Path | None:
    mine = personal.folder()
    return mine / "trusted" if mine else None


def _name(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()
