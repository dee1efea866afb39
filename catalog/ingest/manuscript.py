"""What a manuscript cites, with the files that it takes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import KbError
from catalog.manuscript import NOT_TEXT, TEX, Commands, Include, ending, read

_MOST_BYTES = 50_000_000
_MOST_FILES = 5_000
_TEXT_ENDINGS = {"aux": ("aux",), "rst": ("rst", "txt", "md"), "rest": ("rst", "rest", "txt"), "typ": ("typ",)}


@dataclass(frozen=True, slots=True)
class Cited:
    """What manuscripts cite: `keys` (`*` is all), those that are `unsure`, the `files` that were read, and in a line
    each what was `not_read` or lies outside the manuscript's folder."""

    keys: tuple[str, ...]
    unsure: tuple[str, ...]
    files: tuple[Path, ...]
    not_read: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    base: Path


def cited_in(manuscripts: Iterable[Path]) -> Cited:
    """What manuscripts cite, in LaTeX, Markdown, Typst, reStructuredText or Org, or what LaTeX wrote of it.

    Raises `KbError` where one of them cannot be read as text, or all of them cite nothing.
    """
    named = list(manuscripts)
    texts: dict[Path, tuple[str, Path]] = {}
    told: dict[str, None] = {}
    for manuscript in named:
        _follow(manuscript, texts, told)
    commands: Commands = {}
    for path, (text, _) in texts.items():
        commands = {**commands, **read(text, path.name).commands}
    readings = [read(text, path.name, commands) for path, (text, _) in texts.items()]
    labels = {label for reading in readings for label in reading.labels}
    keys = tuple(dict.fromkeys(key for reading in readings for key in reading.cites if key not in labels))
    unsure = {key for reading in readings for key in reading.unsure} - labels - set(keys)
    if not keys and not unsure:
        notes = "".join(f"\n{note}" for note in told)
        raise KbError(f"{', '.join(map(str, named))}: no citation in it{notes}")
    return Cited(keys, tuple(sorted(unsure)), tuple(texts), tuple(told))


def _follow(manuscript: Path, texts: dict[Path, tuple[str, Path]], told: dict[str, None]) -> None:
    main = manuscript.resolve().parent
    todo = [_File(manuscript.resolve(), main)]
    while todo:
        file = todo.pop()
        if file.path in texts:
            continue
        if len(texts) >= _MOST_FILES:
            raise KbError(f"{manuscript}: it takes in more than {_MOST_FILES} files")
        text = _text(file.path)
        texts[file.path] = (text, file.base)
        shown = _shown(file.path, main)
        inner: list[_File] = []
        for include in read(text, file.path.name).includes:
            place = f"{shown}:{include.line}: {include.written}"
            if not include.name:
                told[f"not read: {place}: a name that only LaTeX can tell"] = None
            elif found := _found(include, file, main):
                inner.append(found)
                if not found.path.is_relative_to(main):
                    told[f"read from outside: {place}"] = None
            elif not include.optional:
                told[f"not read: {place}: no such file"] = None
        todo += reversed(inner)


def _text(path: Path) -> str:
    if ending(path.name) in NOT_TEXT:
        raise KbError(f"{path}: not a text; name the source it was made from, or the .aux or .bcf that LaTeX wrote")
    with path.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES or b"\0" in raw[:4096]:
        raise KbError(f"{path}: not a text")
    return raw.decode("utf-8-sig", "replace")


def _found(include: Include, file: _File, main: Path) -> _File | None:
    """The file that is meant: as TeX looks for it from the main file's folder, all others from their own."""
    if include.folder:
        base = (file.base if include.relative else main) / include.folder
        bases = [base]
    else:
        base = file.base
        bases = [file.path.parent] if include.relative else [file.base, main, file.path.parent]
    for folder in bases:
        for name in _names(include.name, file.path):
            path = folder / name.lstrip("/") if include.relative else folder / name
            if _readable(path):
                return _File(path.resolve(), base)
    return None


def _names(name: str, within: Path) -> list[str]:
    kind = ending(within.name)
    endings = _TEXT_ENDINGS.get(kind, ("tex",) if kind in TEX else (kind,) if kind else ())
    return [*(f"{name}.{end}" for end in endings), name]


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and ending(path.name) not in NOT_TEXT
    except (OSError, ValueError):
        return False


def _shown(path: Path, main: Path) -> str:
    return str(path.relative_to(main)) if path.is_relative_to(main) else str(path)
