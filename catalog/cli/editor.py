"""The editor: whatever a person writes there is on the disk before anything else is tried with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.cli import out
from catalog.errors import BadFile, KbError, UnknownKey
from catalog.files import decoded

if TYPE_CHECKING:
    from catalog.library import Library
    from catalog.store import Version
    from catalog.store.drafts import Draft

_PLUS = frozenset(
    {"vi", "vim", "nvim", "gvim", "nano", "pico", "emacs", "emacsclient", "kak", "joe", "mg", "micro", "ne"}
)
_USUAL = ("sensible-editor", "vim", "nano", "vi")


@contextlib.contextmanager
def composing(
    library: Library, kind: str, file: str, template: str = "", taken: Callable[[], bool] = lambda: True
) -> Iterator[Callable[[], str]]:
    """Gives a function that lets the user write a text; it is kept as a draft until the block has ended well, and the
    text was `taken`."""
    from catalog.store.drafts import begin

    made: list[Draft] = []

    def compose() -> str:
        library.store.gate.make_private()
        draft = begin(library.store.private, kind, file, template.encode())
        made.append(draft)
        _open(draft.path)
        text = _text(draft)
        if text.strip() == template.strip():
            draft.drop()
            raise KbError("nothing was written; nothing was changed")
        return text

    try:
        yield compose
    except BaseException as error:
        for draft in made:
            _keep(draft, template.encode(), error)
        raise
    for draft in made:
        draft.drop() if taken() else out.echo(_told(draft), err=True)


def edit(library: Library, key: str) -> None:
    """Let the user edit the file of a paper, readable or not, and take what comes back."""
    from catalog.store.drafts import begin

    file, before = library.file(key), library.version(key)
    line = next((finding.line for finding in library.unreadable().get(file, ())), 0)
    if line:
        out.findings(library.unreadable()[file], err=True)
    library.store.gate.make_private()
    draft = begin(library.store.private, "edit", file, before.data, before.digest)
    _take(library, library.resolve(key), before, draft, line)


def recover(library: Library, key: str = "") -> None:
    """Go on with the last text that was written and not taken, of one paper or of any."""
    from catalog.store.drafts import drafts

    found = drafts(library.store.private)
    if key:
        found = [draft for draft in found if draft.file == f"{key}.md" or _home(library, draft) == library.file(key)]
    if not found:
        raise KbError("no text was left behind" + (f" for {key}" if key else ""))
    for other in found[:-1]:
        out.note(f"there is also {_shown(other.path)}")
    draft = found[-1]
    if draft.kind != "edit":
        remedy = f"kb note {draft.file.removesuffix('.md')} - <" if draft.kind == "note" else "kb add"
        raise KbError(f"that text is for `kb {draft.kind}`; `{remedy} {_shown(draft.path)}` takes it")
    file = _home(library, draft)
    if not file:
        there, text = _shown(library.store.folder / draft.file), _shown(draft.path)
        raise KbError(
            f"{there} is gone; `mv {text} {there}` puts it back as you wrote it, `kb import {text}` adds what you "
            "wrote to the paper of that work"
        )
    name = file.removesuffix(".md")
    before = library.version(name)
    if not before.digest.startswith(draft.base):
        out.note(f"{name} has changed since that text was written; `kb log {name} -p` shows how")
    _take(library, library.resolve(name), before, draft)


def _home(library: Library, draft: Draft) -> str:
    """The file of the paper that a text is for, also under another name that somebody gave it; "" where it is gone."""
    with contextlib.suppress(UnknownKey):
        return library.file(draft.file.removesuffix(".md"))
    for file in library.store.files():
        with contextlib.suppress(KbError):
            if library.store.read(file).digest.startswith(draft.base):
                return file
    return ""


def _take(library: Library, key: str, before: Version, draft: Draft, line: int = 0) -> None:
    try:
        while not _taken(library, key, before, draft, line):
            pass
    except BaseException as error:
        _keep(draft, before.data, error)
        raise
    draft.drop()


def _taken(library: Library, key: str, before: Version, draft: Draft, line: int) -> bool:
    _open(draft.path, line)
    if draft.read() in (before.data, b""):
        click.echo("nothing changed")
        return True
    try:
        paper = library.edit(key, _text(draft), before)
    except BadFile as e:
        out.echo(str(e), err=True)
        if sys.stdin.isatty() and click.confirm("go back to the editor?", default=True):
            return False
        raise KbError("it is not taken") from None
    out.echo(f"changed {paper.key}")
    return True


def _text(draft: Draft) -> str:
    text = decoded(draft.read(), draft.file, "save the text as UTF-8")
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _keep(draft: Draft, start: bytes, error: BaseException) -> None:
    """Say where the text is that was not taken; where none was written there is nothing to keep."""
    if draft.read() in (start, b""):
        draft.drop()
        return
    if isinstance(error, KbError):
        raise KbError(f"{error}\n{_told(draft)}") from None
    out.echo(_told(draft), err=True)


def _told(draft: Draft) -> str:
    return f"`kb edit --recover` goes on with what you wrote\nnothing was changed; your text is in {_shown(draft.path)}"


def _shown(path: Path) -> str:
    """A path as the user may type it from where they are."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _open(path: Path, line: int = 0) -> None:
    """Run the user's editor on a file, at a line where it takes one."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or next(filter(shutil.which, _USUAL), None)
    command = named and f"{named} +{line}" if line and Path((named or "").split(" ")[0]).name in _PLUS else named
    click.edit(filename=str(path), editor=command)
