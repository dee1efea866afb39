"""The one gate for every write: read back, compared with what was read, written down, swapped as a whole.

Who wants to write computes without the lock and hands over what was read and what shall stand there. The texts are read
back and go to the disk beside; only then the lock is taken. Under it the gate looks whether each file still is what was
read, the change goes into the history, and the files are swapped. Killed in between, the next command finishes what has
begun, where it still stands.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from catalog.errors import BadFile, Conflict, KbError
from catalog.files import MOST_SHOWN, stays_within
from catalog.progress import each
from catalog.store import disk
from catalog.store.change import Change, Known, Move
from catalog.store.disk import Stamp, Version, folded
from catalog.store.history import History, Kept, Past, kept

if TYPE_CHECKING:
    from catalog.models import Paper
    from catalog.readers import Reader

T = TypeVar("T")
LOCK_SECONDS = 60.0
TRIES = 5
_GLANCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # seconds that a reader gives a writer to end its swap


@dataclass(slots=True)
class Gate:
    """The way in which files of one knowledge base change. `notices` is what a person should hear of."""

    root: Path
    private: Path
    owns: Callable[[str], bool]
    reads_back: Callable[[str, bytes, Paper | Reader, Known | None], bool]
    notices: list[str] = field(default_factory=list)
    after: Callable[[str, Sequence[str]], None] | None = None
    _held: int = 0

    # --- the lock ---

    @contextlib.contextmanager
    def lock(self, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the knowledge base against other writers; waits up to a minute."""
        if self._held:
            yield
            return
        from filelock import FileLock, Timeout

        self._expect_files("lock", "swapping", "swapped")
        place = self.private / "lock"
        lock = FileLock(place, timeout=seconds, poll_interval=0.02)
        try:
            if place.is_symlink():  # it came with a clone
                place.unlink()
            lock.acquire()
        except Timeout:
            raise Busy(f"another kb has been writing to {self.root} for a minute; try again") from None
        except PermissionError as e:
            raise KbError(f"cannot write: {e.filename or self.root}: permission denied") from None
        try:
            self._held += 1
            self._recover()
            yield
        finally:
            self._held -= 1
            lock.release()

    def make_private(self) -> None:
        """`.kb/` holds the lock, the history and what is derived; it ignores itself in git."""
        if self.private.is_symlink():
            raise KbError(f"{self.private} is a link; remove it, kb makes a folder of its own")
        with contextlib.suppress(OSError):
            self.private.mkdir(exist_ok=True)
            if not os.path.lexists(ignore := self.private / ".gitignore"):
                ignore.write_text("*\n")

    def _expect_files(self, *names: str) -> None:
        """Make `.kb/`; raise `KbError` where something else has its place, or that of one of our files there."""
        self.make_private()
        if not self.private.is_dir() and os.path.lexists(self.private):
            raise KbError(f"{self.private} is no folder; remove it, kb makes one of its own")
        if wrong := next((path for name in names if (path := self.private / name).is_dir()), None):
            raise KbError(f"{wrong} is a folder; remove it, kb makes a file of its own")

    # --- reading while others write ---

    def steady(self, look: Callable[[], T]) -> T:
        """What is seen when no change of several files is half done; what is seen then where one takes long."""
        seen = None
        for seconds in (*_GLANCES, 0.0):
            before = self._swaps()
            seen = look()
            if self._held or (before == self._swaps() and before[0] is None):
                return seen
            if not self._finish_for_others():
                time.sleep(seconds)
        assert seen is not None
        return seen

    def _swaps(self) -> tuple[Stamp | None, Stamp | None]:
        marker = self.private / "swapping"  # what else has that name came with a clone
        return disk.stamp_at(marker) if marker.is_file() else None, disk.stamp_at(self.private / "swapped")

    def _finish_for_others(self) -> bool:
        """Finish what a killed writer left; False where one is alive, or nothing may be written."""
        try:
            with self.lock(seconds=0):
                return True
        except (KbError, OSError):
            return False

    # --- changing ---

    def latest(self) -> int:
        """The number of the last change, to tell later whether there has been another."""
        if not (self.private / "history.sqlite").exists():
            return 0
        with self.history() as history:
            return history.latest()

    def history(self) -> History:
        """The history of this knowledge base."""
        self._expect_files("history.sqlite")
        history = History(self.private / "history.sqlite")
        if history.notice:
            self.notices.append(history.notice)
        return history

    def retried(self, attempt: Callable[[], T]) -> T:
        """Compute and commit; where something moved on meanwhile, again on what is there now, under the lock."""
        try:
            return attempt()
        except Conflict:
            with self.lock():
                for _ in range(TRIES - 1):
                    with contextlib.suppress(Conflict):
                        return attempt()
                return attempt()

    def commit(self, changes: Iterable[Change], what: str, since: int | None = None, turn: str = "do") -> int:
        """Make these changes as a whole; returns the number of the change in the history, 0 where nothing differs.

        `what` says it in the log. With `since`, another change than that number in between is a conflict too. Raises
        `Conflict` where a file is not what was read, `KbError` where a text would not read back.
        """
        with self.ready(changes) as moves, self.lock():
            return self.swap(moves, what, since, turn)

    @contextlib.contextmanager
    def ready(self, changes: Iterable[Change]) -> Iterator[Sequence[Move]]:
        """All that can be done before the lock is taken: texts are read back, and written aside. For `swap`.

        They are taken one after the other and none is held; of two of one file the later one counts. Raises as
        `commit`. What was written aside is gone afterwards.
        """
        moves: dict[str, Move] = {}
        folders: set[str] = set()
        with self._cleared(moves):
            for change in each(changes, "writing"):
                if earlier := moves.pop(change.file, None):
                    disk.drop(earlier.temp)
                if change.after == _data(change.before):
                    continue
                self._read_back(change)
                path = self._target(change.file, removed=change.after is None)
                if (folder := os.path.dirname(path)) not in folders:
                    self._make_folder(change.file, Path(folder))
                    folders.add(folder)
                move = moves[change.file] = Move(change.file, path, change.before)
                if change.after is not None:
                    move.digest = disk.digest(change.after)
                    move.temp = disk.write_aside(path, change.after, self.private)
            disk.sync_files([move.temp for move in moves.values() if move.temp])
            yield list(moves.values())

    def _make_folder(self, file: str, folder: Path) -> None:
        stays_within((self.root / file).parent, self.root)
        self._expect_files()
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            disk.sync_folder(folder.parent)

    def swap(
        self, moves: Sequence[Move], what: str | Callable[[], str], since: int | None = None, turn: str = "do"
    ) -> int:
        """Put what is ready in its place, under the lock; the rest as `commit`."""
        if not moves:
            return 0
        if since is not None and since != self.latest():
            raise Conflict("another kb changed something meanwhile")
        what = what if isinstance(what, str) else what()
        self._compare(moves)
        with self.history() as history:
            number = history.begin(what, map(_kept, moves), turn)
            with self._announced(many=len(moves) > 1):
                self._carry_out(moves, history, number)
                for folder in {os.path.dirname(move.path) for move in moves}:
                    disk.sync_folder(Path(folder))
            history.done(number)
        if self.after:
            self.after(what, [move.file for move in moves])
        return number

    def _read_back(self, change: Change) -> None:
        if change.after and len(change.after) > MOST_SHOWN:
            raise KbError(f"{change.file} would have {len(change.after):,} bytes; at most {MOST_SHOWN:,} are read")
        meant = change.meant or change.reader
        if meant is None or change.after is None:
            return
        try:
            same = self.reads_back(change.file, change.after, meant, change.known)
        except BadFile as e:
            raise KbError(f"{change.file}: what was to be written could not be read again ({e}); it stays") from None
        if not same:
            raise KbError(f"{change.file}: what was to be written would read differently; it stays as it is")

    def _compare(self, moves: Sequence[Move]) -> None:
        """Look whether each file still is what was read, and what is to be new is not there in any case or form."""
        gone = {move.file for move in moves if not move.digest}
        new = {folded(os.path.basename(move.path)) for move in moves if move.before is None}
        there: dict[str, dict[str, str]] = {}
        for move in moves:
            now = disk.stamp_at(move.path)
            if move.before is None and move.digest:
                folder, name = os.path.split(move.path)
                if folder not in there:
                    names = list(disk.names_in(Path(folder)))
                    same = new.intersection(map(folded, names))
                    there[folder] = {folded(name): name for name in names if folded(name) in same} if same else {}
                other = there[folder].get(folded(name))
                if other and move.file.removesuffix(name) + other not in gone:
                    raise Conflict(f"{move.file} is there already, as {other}; nothing was overwritten")
            elif move.before is not None and now != move.before.stamp:
                version = disk.read_version(Path(move.path))
                if version is None or version.data != move.before.data:
                    raise Conflict(f"{move.file} was changed by somebody else meanwhile; nothing was overwritten")
                now = version.stamp
            move.stamp = now

    def _target(self, file: str, removed: bool) -> str:
        """Where the file of a change stands: a link within the knowledge base is written through."""
        if not self.owns(file):
            raise KbError(f"{file} is no file that kb writes")
        path = f"{self.root}/{file}"
        if not os.path.islink(path):
            return path
        target = os.path.realpath(path)
        if removed or not Path(target).is_relative_to(os.path.realpath(self.root)):
            raise KbError(f"{file} is a link to {Path(path).readlink()}; change or remove the file itself")
        return target

    @contextlib.contextmanager
    def _cleared(self, moves: Mapping[str, Move]) -> Iterator[None]:
        """Nothing written aside stays; an error of the system says which file it was about."""
        try:
            yield
        except OSError as e:
            first = next(iter(moves), str(self.root))
            place = Path(e.filename2 or e.filename or first)
            raise KbError(f"cannot write {first}: {e.strerror or e} ({disk.shown(place)})") from None
        finally:
            for move in moves.values():
                if move.temp:
                    with contextlib.suppress(OSError):
                        disk.drop(move.temp)

    def _carry_out(self, moves: Sequence[Move], history: History, number: int) -> None:
        """New texts first, removals last: what is renamed is never in neither place."""
        applied: list[Move] = []
        try:
            for move in each(sorted(moves, key=lambda move: not move.digest), "moving in"):
                if move.digest:
                    disk.put(move.temp, move.path, move.stamp)
                    move.temp = ""
                else:
                    disk.take_away(move.path, move.stamp)
                applied.append(move)
        except (Conflict, OSError) as error:
            try:
                for move in reversed(applied):
                    self._put_back(move)
                history.drop(number)
            except (OSError, KbError):
                raise KbError(f"the change is begun, but not finished ({error}); the next kb finishes it") from None
            raise

    def _put_back(self, move: Move) -> None:
        version = disk.read_version(Path(move.path))
        there = version.digest if version else ""
        if there == move.digest:  # else it was edited within the moment since, and is its new owner's
            self._set(move.path, _data(move.before), version)

    def _set(self, path: str, data: bytes | None, there: Version | None) -> None:
        stamp = there.stamp if there else None
        if data is None:
            disk.take_away(path, stamp)
        else:
            temp = disk.write_aside(path, data, self.private)
            disk.sync_files([temp])
            disk.put(temp, path, stamp)

    @contextlib.contextmanager
    def _announced(self, many: bool) -> Iterator[None]:
        """While several files are swapped, readers can see that it is so."""
        if many:
            marker = self.private / "swapping"
            marker.unlink(missing_ok=True)  # a link that came with a clone
            marker.touch()
            disk.sync_folder(self.private)
        yield
        if many:
            marker.replace(self.private / "swapped")

    # --- after a kill ---

    def _recover(self) -> None:
        """Finish what a killed writer had begun, drop what it had not; what was changed since stays, and is named."""
        disk.sweep(self.private)
        if not (self.private / "history.sqlite").exists():
            return
        with self.history() as history:
            for past in history.pending():
                self._finish(past, history)
        marker = self.private / "swapping"
        if marker.exists():
            marker.replace(self.private / "swapped")

    def _finish(self, past: Past, history: History) -> None:
        now: dict[str, Version | None] = {}
        moved = []
        targets: dict[str, str] = {}
        for path, _, after in past.files:
            try:
                targets[path] = self._target(path, removed=not after)
                now[path] = disk.read_version(Path(targets[path]))
            except (KbError, OSError):
                moved.append(path)
        states = {path: version.digest if version else "" for path, version in now.items()}
        begun = [t for t in past.files if t.path in states and states[t.path] == t.after]
        if not begun:
            history.drop(past.number)
            return
        for path, before, after in past.files:
            try:
                if path in moved or states[path] not in (before, after):
                    raise Conflict(path)
                if states[path] == before != after:
                    self._set(targets[path], history.text(after), now[path])
            except (KbError, OSError):
                moved.append(path)
        history.done(past.number, without=moved)
        for path in dict.fromkeys(moved):
            self.notices.append(
                f"{path} was changed since `kb {past.what}` was cut short, and stays; `kb log` shows that change"
            )


class Busy(KbError):
    """Another process holds the knowledge base."""


def _data(version: Version | None) -> bytes | None:
    return version.data if version else None


def _kept(move: Move) -> tuple[str, Kept, Kept]:
    """A move as the history has it: the text aside is read again, so that those of very many are not all held."""
    return move.file, kept(_data(move.before)), kept(Path(move.temp).read_bytes() if move.temp else None)
