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
from itertools import groupby
from pathlib import Path

from catalog import personal
from catalog.errors import KbError
from catalog.files import read_bytes

TEMPLATES = frozenset({".html", ".htm", ".xml", ".j2", ".jinja", ".jinja2"})
SUFFIXES = TEMPLATES | {".py", ".pyc", ".pth", ".so", ".yml", ".yaml", ".toml"}
SKIPPED = frozenset(  # what tools make, an environment of Python beside them
    {".git", ".kb", "build", "node_modules", "__pycache__", ".hypothesis", ".ipynb_checkpoints", ".mypy_cache", ".nox",
     ".pytest_cache", ".ruff_cache", ".tox"}
)  # fmt: skip
MOST_FILES = 20_000
_AS_PATH = r"(?m)(?:[:\[,-]\s*|[\"'/])(?:\./)?{}(?:[/\"'\s,\]]|$)"
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
    _refuse_skipped(root)
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
    """In a settled order. What tools make is passed over; a link to a folder is followed by nobody.

    A template may take in any file beside it: of a folder at the top that holds one, every file counts.
    """
    found = 0
    for _, paths in groupby(sorted(_walked(root)), key=lambda path: path.parts[:-1][:1]):
        there = list(paths)
        whole = any(path.suffix.lower() in TEMPLATES for path in there)
        for path in there:
            if (whole or path.suffix.lower() in SUFFIXES) and (root / path).is_file():
                found += 1
                if found > MOST_FILES:
                    remedy = "move what is no part of it elsewhere"
                    raise KbError(f"{root}: more than {MOST_FILES:,} files of code, too many to vouch for; {remedy}")
                yield root / path


def _walked(root: Path) -> Iterator[Path]:
    """Every file below a folder that tools have not made, by its path from there."""
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not _is_of_a_tool(Path(folder, name))]
        if linked := [name for name in sorted(below) if Path(folder, name).is_symlink()]:
            remedy = "nobody can vouch for what it leads to; put the folder in its place"
            raise KbError(f"{Path(folder, linked[0])} is a link to a folder; {remedy}")
        yield from (Path(folder, name).relative_to(root) for name in names)


def _is_of_a_tool(folder: Path) -> bool:
    return folder.name in SKIPPED or (folder / "pyvenv.cfg").is_file()


def _refuse_skipped(root: Path) -> None:
    """What is passed over may change unseen: settings that name it cannot be agreed to."""
    try:
        said = re.sub(r"(?m)^INHERIT:.*$", "", read_bytes(root / "mkdocs.yml").decode("utf-8", "replace"))
    except FileNotFoundError:
        return
    for folder, below, _ in os.walk(root):
        skipped = [
            Path(folder, name).relative_to(root).as_posix() for name in below if _is_of_a_tool(Path(folder, name))
        ]
        below[:] = [name for name in below if not _is_of_a_tool(Path(folder, name))]
        if named := next((name for name in skipped if re.search(_AS_PATH.format(re.escape(name)), said)), None):
            raise KbError(f"mkdocs.yml names {named}/, where tools write; move what it means elsewhere")


def _folder() -> Path | None:
    mine = personal.folder()
    return mine / "trusted" if mine else None


def _name(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()
