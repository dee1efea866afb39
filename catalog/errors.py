"""What can go wrong, as one tree of errors and one shape for a finding about a file.

`cli` is the only place that turns an error into a message and an exit status.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import ValidationError

Kind = Literal["error", "repaired", "kept", "rejected", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a file: where it is, what it is, and what to do about it.

    `kind` says what became of it: "error" (left as it is), "repaired" (mended, `message` says how), "kept" (not
    understood, kept verbatim), "rejected" (not taken), "note" (nothing to do). `line` counts from 1; 0 is the file.
    """

    code: str
    message: str
    remedy: str = ""
    path: str = ""
    line: int = 0
    key: str = ""
    kind: Kind = "error"

    def at(self, path: str, line_offset: int = 0) -> Finding:
        """The same finding in a file that holds the text it was found in, `line_offset` lines down."""
        return replace(self, path=path, line=self.line + line_offset)

    @property
    def where(self) -> str:
        """`file:line`, or the part of it that is known; on one line, whatever the file is called."""
        path = self.path.replace("\n", "\\n").replace("\r", "\\r")
        if path and self.line:
            return f"{path}:{self.line}"
        return path or (f"line {self.line}" if self.line else "")

    def as_dict(self) -> dict[str, str | int]:
        """The finding as plain values, for `--json`."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


class KbError(Exception):
    """Anything that a user can mend. Its text is the whole message: what, where, and what to do."""


class BadFile(KbError):
    """A file of the catalog that cannot be read; `findings` say where and why."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


class BadBibtex(KbError):
    """A text that is not a BibTeX entry; `line` counts from 1 within it."""

    def __init__(self, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(message)


class BadQuery(KbError):
    """A search that cannot be read, or names a field there is none of."""


class UnknownKey(KbError):
    """No paper has this key; the message names near ones."""


class SeveralKeys(UnknownKey):
    """What was given for a key fits several papers: `keys`."""

    def __init__(self, message: str, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(message)


class TakenKey(KbError):
    """A paper with this key is there already; `proposal` is a free one, and `remedy` says how that is given."""

    def __init__(self, key: str, proposal: str, remedy: str = "") -> None:
        self.key = key
        self.proposal = proposal
        super().__init__(
            f"{key} is taken; {remedy or f'use --key {proposal}'}, or `kb edit {key}` to change the one there"
        )


class Conflict(KbError):
    """Somebody else changed the file meanwhile; nothing was overwritten."""


def refused(error: ValidationError) -> str:
    """What a model refused, in its own words."""
    first = error.errors()[0]
    if first["type"] in ("too_long", "string_too_long"):
        return f"{first['loc'][0]}: longer than the {first['ctx']['max_length']} characters it may have"
    return str(first.get("ctx", {}).get("error", first["msg"]))
