"""What this process wrote last, so that it is neither parsed nor worked out again."""

from __future__ import annotations

import pickle
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.store.change import Known

_AT_HAND = 10_000  # papers in memory; what is known of one takes five times the room of its text
Kept = tuple[bytes, "Known | None"]


class Written:
    """The texts of papers, and what is known of them, by file; very many lie in a file without a name in `folder`.

    `mark` is the one that what all papers share had when they were written: what is known holds as long as it has.
    """

    def __init__(self, folder: Path | None = None, mark: str = "") -> None:
        self.folder, self.mark = folder, mark
        self._held: dict[str, Kept] = {}
        self._places: dict[str, int] = {}
        self._stream: IO[bytes] | None = None

    def keep(self, file: str, text: bytes, known: Known | None) -> None:
        if len(self._held) < _AT_HAND and file not in self._places:
            self._held[file] = text, known
            return
        if self._stream is None:
            from tempfile import TemporaryFile

            self._stream = TemporaryFile(dir=self.folder)  # noqa: SIM115 - it is gone with this object
            weakref.finalize(self, self._stream.close)
        self._held.pop(file, None)
        self._places[file] = self._stream.seek(0, 2)
        pickle.dump((text, known), self._stream, pickle.HIGHEST_PROTOCOL)

    def get(self, file: str) -> Kept | None:
        """The text of a file that was written, and what is known of it."""
        if self._stream is None or file not in self._places:
            return self._held.get(file)
        self._stream.seek(self._places[file])
        kept: Kept = pickle.load(self._stream)  # noqa: S301 - only this process has written there
        return kept

    def known(self, file: str, text: bytes, mark: str) -> Known | None:
        """What is known of the paper of a file, as long as that has this text, and what all share this mark."""
        was, known = self.get(file) or (b"", None) if mark == self.mark else (b"", None)
        return known if was == text else None
