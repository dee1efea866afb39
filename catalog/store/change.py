"""What shall become of a file, as it is handed to the gate and as the gate makes it ready."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.store.disk import Stamp, Version

if TYPE_CHECKING:
    from catalog.facts import Facts
    from catalog.models import Paper
    from catalog.readers import Reader


class Known(NamedTuple):
    """What is known of a paper, and under what the index finds it again."""

    facts: Facts
    marks: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of a file: its path below the root, what was read of it (None: nothing was there), and its new
    bytes (None removes it). `meant` is the paper that the new bytes have to read back as, `was` the one that was read,
    `known` what is known of `meant` where that has been worked out, and depends on no other paper;
    `reader` is what the bytes of a reader's file have to read back as."""

    file: str
    before: Version | None
    after: bytes | None
    meant: Paper | None = None
    was: Paper | None = None
    known: Known | None = None
    reader: Reader | None = None

    def only(self, fields: Collection[str]) -> bool:
        """Whether nothing is said differently but some of these fields of the paper."""
        if self.was is None or self.meant is None:
            return False
        names = type(self.meant).model_fields
        return all(name in fields or getattr(self.was, name) == getattr(self.meant, name) for name in names)


@dataclass(slots=True)
class Move:
    """A change that is ready, without its texts: the file, where it stands, what was read of it, and the digest of what
    it shall be ("": it goes); where that was written aside; and, once it was compared, the stamp that the file has."""

    file: str
    path: str
    before: Version | None
    digest: str = ""
    temp: str = ""
    stamp: Stamp | None = None
