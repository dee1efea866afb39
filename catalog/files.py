"""Reading files that others left: regular files of a sensible size, and whatever is wrong with one is a finding.

A pipe would be waited on for ever, a device has no end, a link may lead to itself: none of them is opened for long.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any

from catalog.errors import BadFile, Finding, KbError

MOST_BYTES = 100_000_000
MOST_SHOWN = 20_000_000  # of a file that is shown: a paper, a notebook
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
_SAID = {
    errno.EACCES: ("you may not read it", "chmod u+r, or ask its owner"),
    errno.ELOOP: ("a link that leads to itself", "remove it"),
    errno.EISDIR: ("a folder, not a file", "move it elsewhere"),
}


@cache
def own_code() -> str:
    """What changes whenever the code of this package does."""
    about = hashlib.sha256(sys.version.encode())
    for folder, _, names in sorted(os.walk(Path(__file__).parent)):
        for name in sorted(name for name in names if name.endswith(".py")):
            there = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 - pathlib takes three times as long
            about.update(f"{name} {there.st_mtime_ns} {there.st_size}".encode())
    return about.hexdigest()


def read_bytes(path: Path, shown: str = "", most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file, `shown` as messages name it. Raises as `read_stamped`."""
    return read_stamped(path, shown, most)[1]


def read_stamped(path: Path, shown: str = "", most: int = MOST_BYTES) -> tuple[os.stat_result, bytes]:
    """What the system says of a regular file, and its bytes.

    Raises `FileNotFoundError` where there is none, and `BadFile` where it is none that can be read: a pipe, a device, a
    folder, one that is not permitted, or one of more than `most` bytes.
    """
    shown = shown or str(path)
    try:
        handle = os.open(path, _FLAGS)
        try:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise _bad("not a regular file", "move it elsewhere", shown)
            if about.st_size > most:
                raise _bad(f"{about.st_size:,} bytes; at most {most:,} are read", "make it smaller", shown)
            data = os.read(handle, about.st_size + 1)  # a stream would make room for the most each time
            while len(data) < about.st_size and (more := os.read(handle, about.st_size - len(data))):
                data += more
            return about, data[:most]
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise
    except OSError as e:
        message, remedy = _SAID.get(e.errno or 0, (f"cannot be read: {e.strerror or e}", "look at the disk"))
        raise _bad(message, remedy, shown) from None
    except ValueError:  # a NUL in its name
        raise _bad("not the name of a file", "correct it", shown) from None


def read_text(path: Path, shown: str = "", most: int = MOST_BYTES) -> str:
    """The text of a regular file as it stands, line ends and all. Raises as `read_bytes`, also where it is no UTF-8."""
    return decoded(read_bytes(path, shown, most), shown or str(path))


def decoded(data: bytes, shown: str, remedy: str = "save the file as UTF-8") -> str:
    """The text of what was read of a file. Raises `BadFile` where it is no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise BadFile(Finding("encoding", "not UTF-8", remedy, shown, line)) from None


def is_pdf(data: bytes) -> bool:
    """Whether bytes begin as a PDF does, perhaps behind something that a server put before it."""
    return b"%PDF" in data[:1024]


def parse_json(body: bytes, shown: str = "", remedy: str = "correct it") -> Any:
    """The value of a JSON text, whatever its depth and numbers; half a surrogate pair in it becomes a question mark.

    Raises `BadFile` where it is none.
    """
    try:
        value = json.loads(body)
        if _HALVES.search(body):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as e:
        why = "nested too deeply" if isinstance(e, RecursionError) else "not a record of a run: not JSON"
        raise BadFile(Finding("run", why, remedy, shown)) from None
    return value


def inside(path: Path, root: Path) -> bool:
    """Whether a path, links followed, lies within a folder; a link that leads to itself does not."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def stays_within(path: Path, root: Path) -> None:
    """Raise `KbError` where a path below a folder is, or goes through, a link that leads out of it, or nowhere."""
    below = (one for one in (path, *path.parents) if one.is_relative_to(root))
    for link in (one for one in below if one.is_symlink()):
        there = os.path.exists(link)  # noqa: PTH110 - a link to itself raises with pathlib
        if not there or not inside(link, root):
            why = "leads out of the knowledge base" if there else "leads nowhere"
            shown, to = link.relative_to(root).as_posix(), link.readlink()
            raise KbError(f"{shown} is a link to {to} that {why}; put what it stands for in its place")


def _bad(message: str, remedy: str, shown: str) -> BadFile:
    return BadFile(Finding("unreadable", message, remedy, shown))
