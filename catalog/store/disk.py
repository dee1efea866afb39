"""Files as they stand on the disk: what was read and when, and texts written so that a power cut leaves old or new."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import platform
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import Conflict, KbError
from catalog.files import MOST_SHOWN, read_stamped, stays_within

Stamp = tuple[int, int, int, int]
_SERIAL = itertools.count()  # of the files that this process writes aside, of which there may be a million at a time
_TEMP = re.compile(r"\.(?P<host>[0-9a-f]{4})(?P<process>[0-9a-f]{6})[0-9a-f]{6}\.tmp\Z")
_HOST = hashlib.sha256(platform.node().encode("utf-8", "replace")).hexdigest()[:4]
_LONG = 24 * 3600  # s: after that nobody is writing any more
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES}


@dataclass(frozen=True, slots=True)
class Version:
    """What was read of a file: its bytes, and the stamp (mtime, ctime, inode, size) that it had just before.

    `mine` is what was read with it of my own file, where there are several readers.
    """

    stamp: Stamp
    data: bytes
    mine: Version | None = None

    @property
    def digest(self) -> str:
        """The hash of the bytes."""
        return digest(self.data)


def digest(data: bytes) -> str:
    """The name of some bytes: their SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def stamp_of(found: os.stat_result) -> Stamp:
    """What changes whenever a file is written, renamed or put in the place of another."""
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def stamp_at(path: Path | str) -> Stamp | None:
    """The stamp of what is at a path, links followed; None where nothing is."""
    try:
        return stamp_of(os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_version(path: Path, shown: str = "") -> Version | None:
    """The regular file at a path; None where there is none. Raises `BadFile` where it is none that can be read."""
    try:
        about, data = read_stamped(path, shown or path.name, MOST_SHOWN)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Version(stamp_of(about), data)


def folded(name: str) -> str:
    """What two names share that are one file where case or Unicode form do not count."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def names_in(folder: Path) -> Iterator[str]:
    """Everything that lies in a folder."""
    with contextlib.suppress(FileNotFoundError):
        yield from os.listdir(folder)  # names alone, several times as quick


def write_aside(path: Path | str, data: bytes | Iterable[bytes], beside: Path) -> str:
    """Write the bytes into a file of their own, with the mode of the one they are for; in `beside`, or where that is
    another disk next to it."""
    folder = os.path.dirname(path)
    with contextlib.suppress(OSError):
        if os.stat(beside).st_dev == os.stat(folder).st_dev:
            folder = str(beside)
    while True:  # until no other has the name: one that an earlier process of this number left, once in a long while
        temp = f"{folder}/.{_HOST}{os.getpid() & 0xFFFFFF:06x}{next(_SERIAL) & 0xFFFFFF:06x}.tmp"
        with contextlib.suppress(FileExistsError):
            stream = open(temp, "xb")  # noqa: SIM115 - it is closed below, or was never opened
            break
    try:
        with stream:
            stream.writelines([data] if isinstance(data, bytes) else data)
    except BaseException:
        drop(temp)
        raise
    if os.path.exists(path):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # some shares know no modes
            os.chmod(temp, os.stat(path).st_mode & 0o7777)
    return temp


def shown(path: Path) -> str:
    """What a person knows a file by: its name, or its folder's where it is one that was written aside."""
    return path.parent.name if _TEMP.match(path.name) else path.name


def drop(path: Path | str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def sweep(folder: Path) -> None:
    """Remove what killed writers wrote aside; what a living one has there stays."""
    for name in list(names_in(folder)):
        if name[0] == "." and (found := _TEMP.match(name)) and not _is_at_work(folder / name, found):
            (folder / name).unlink(missing_ok=True)


def _is_at_work(temp: Path, found: re.Match[str]) -> bool:
    """Whether the process that wrote it may still need it; where that cannot be asked, its age tells."""
    if found["host"] == _HOST and os.name != "nt":
        try:
            os.kill(int(found["process"], 16), 0)
        except ProcessLookupError:
            return False
        except OSError:  # it is another user's
            return True
        return True
    with contextlib.suppress(OSError):
        return time.time() - temp.stat().st_mtime < _LONG
    return False


def put(temp: str, path: str, expected: Stamp | None) -> None:
    """Move a written text to its place, if what it replaces is still what was read; raises `Conflict` otherwise.

    Where there was nothing, nothing that appeared meanwhile is replaced.
    """
    if expected is None:
        try:
            os.link(temp, path)
        except FileExistsError:
            raise Conflict(f"{os.path.basename(path)} has appeared meanwhile; nothing was overwritten") from None
        except OSError as e:
            if e.errno not in _NO_HARD_LINKS or os.path.lexists(path):
                raise
            os.replace(temp, path)
        else:
            with contextlib.suppress(OSError):  # it stands in its place; the other name of it goes with the next sweep
                os.unlink(temp)
        return
    _unmoved(path, expected)
    os.replace(temp, path)


def take_away(path: str, expected: Stamp | None) -> None:
    """Remove a file that is still what was read; raises `Conflict` otherwise."""
    if expected is not None:
        _unmoved(path, expected)
    drop(path)


def _unmoved(path: str, expected: Stamp) -> None:
    if stamp_at(path) != expected:
        raise Conflict(f"{os.path.basename(path)} was changed by somebody else meanwhile; nothing was overwritten")


def sync_files(paths: Sequence[str]) -> None:
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


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    with contextlib.suppress(OSError):  # a file system without folder sync, such as Windows'
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_own(root: Path, path: Path, data: bytes) -> None:
    """Write a file of a knowledge base that is no paper, at once or not at all, never through a link.

    Raises `KbError` where it is one, or a pipe or folder, or its folder leads out.
    """
    stays_within(path.parent, root)
    if path.is_symlink():
        raise KbError(f"{path.relative_to(root).as_posix()} is a link; remove it, kb makes a file of its own")
    if path.exists() and not path.is_file():
        raise KbError(f"{path.relative_to(root).as_posix()} is no file; remove it, kb makes one")
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
        sync_folder(path.parent.parent)
    private = root / ".kb"  # where what a killed writer leaves is swept
    write_whole(path, data, private if private.is_dir() and not private.is_symlink() else path.parent)


def write_whole(path: Path, data: bytes | Iterable[bytes], beside: Path | None = None) -> None:
    """Write a file outside the papers, such as an export, at once or not at all; a link is written through. What comes
    in parts is never whole in memory. It is written in `beside` first, or next to its place."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(path.parent))
    temp = None
    try:
        if target.exists() and not target.is_file():  # a terminal, a pipe, /dev/stdout
            with target.open("wb") as stream:
                stream.writelines([data] if isinstance(data, bytes) else data)
            return
        sweep(beside or target.parent)
        temp = write_aside(target, data, beside or target.parent)
        sync_files([temp])
        os.replace(temp, target)
        sync_folder(target.parent)
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(path)) from None
    finally:
        if temp:
            drop(temp)
