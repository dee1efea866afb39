"""What a paper reports in numbers, and what others got: `reports/NAME.toml`, checked at the border.

A figure is a headline number of the paper; a report is the number that somebody else got for it, with the address where
that stands. Those of the implementations that came along are in their package; a reader's are in `reports/` beside the
papers, for the same figures or for new ones.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import BadFile, Finding, KbError, refused
from catalog.files import inside, read_text
from catalog.models import one_line
from catalog.toml import quoted, read_toml

MOST_BYTES = 1_000_000
_REMEDY = "correct it, or take it out"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FILE = re.compile(r"[a-z][a-z0-9_]*\.toml")


def _words(text: str) -> str:
    if not (found := one_line(text)):
        raise ValueError("it is empty; write a few words")
    return found


def _web(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s\"<>\\^`{|}\x00-\x1f]+", text):
        raise ValueError(f"{text[:80]!r} is not an address; write https://…")
    return text


def _slug(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a name; use small letters, digits and -")
    return text


Number = Annotated[float, Field(allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=500), AfterValidator(_words)]
Address = Annotated[str, Field(max_length=2000), AfterValidator(_web)]
Name = Annotated[str, AfterValidator(_slug)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Figure(_Part):
    """A headline number: what was measured, in which unit, and where the paper has it (table or section).

    `claim` is the claim of the implementation that tries the same at small scale, "" where there is none.
    """

    name: Name
    what: Words
    value: Number
    spread: Number | None = None
    unit: str = Field(default="", max_length=60)
    where: Words
    address: Address
    claim: str = Field(default="", max_length=200)


class Report(_Part):
    """What somebody got for the figure named `of`, in which setting, and the address where that stands."""

    of: Name
    value: Number
    spread: Number | None = None
    setting: Words
    address: Address
    on: dt.date | None = None


class Ledger(_Part):
    """The figures of one implementation's paper, and the reports on them."""

    figure: list[Figure] = []
    report: list[Report] = []

    def of(self, figure: Figure) -> list[Report]:
        """The reports on a figure."""
        return [report for report in self.report if report.of == figure.name]

    def with_(self, other: Ledger) -> Ledger:
        """Both together; of two figures of one name the first counts, and a report is taken once."""
        known = {figure.name for figure in self.figure}
        return Ledger(
            figure=[*self.figure, *(figure for figure in other.figure if figure.name not in known)],
            report=[*self.report, *(report for report in other.report if report not in self.report)],
        )


def read_reports(*folders: Path) -> tuple[dict[str, Ledger], list[Finding]]:
    """The ledgers of these folders together, by implementation, and what is wrong with files that cannot be read."""
    found: dict[str, Ledger] = {}
    unread: list[Finding] = []
    for folder in folders:
        for path in _files(folder):
            try:
                found[path.stem] = found.get(path.stem, Ledger()).with_(read_ledger(path))
            except BadFile as e:
                unread += e.findings
    for name, ledger in found.items():
        known = {figure.name for figure in ledger.figure}
        odd = dict.fromkeys(report.of for report in ledger.report if report.of not in known)
        unread += [_finding(f"reports/{name}.toml", f"a report of {of!r}, which is no figure here") for of in odd]
    return found, unread


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.glob("*.toml")) if _FILE.fullmatch(path.name) and inside(path, folder))


def read_ledger(path: Path) -> Ledger:
    """The ledger of one file. Raises `BadFile` with what is wrong and where."""
    shown = f"{path.parent.name}/{path.name}"
    return parsed(read_text(path, shown, MOST_BYTES), shown)


def parsed(text: str, shown: str) -> Ledger:
    """The ledger of a text. Raises `BadFile`."""
    try:
        return Ledger.model_validate(read_toml(text, shown, "report", _REMEDY))
    except ValidationError as e:
        where = ".".join(map(str, e.errors()[0]["loc"]))
        raise BadFile(_finding(shown, f"{where}: {refused(e).removeprefix(f'{where}: ')}")) from None


def _finding(shown: str, message: str) -> Finding:
    return Finding("report", message, _REMEDY, shown)


def added(text: str, ledger: Ledger, report: Report, shown: str) -> str:
    """The text of a reader's file with one report more. Raises `KbError` where it is of no figure, or there already."""
    if report.of not in {figure.name for figure in ledger.figure}:
        there = ", ".join(figure.name for figure in ledger.figure) or "none"
        raise KbError(f"no figure {report.of!r} to report on; there are {there}")
    if report in ledger.report:
        raise KbError("this report is here already")
    made = text + ("\n" if text and not text.endswith("\n\n") else "") + _block(report)
    parsed(made, shown)
    return made


def _block(report: Report) -> str:
    said = report.model_dump(exclude_none=True)
    return "[[report]]\n" + "".join(f"{name} = {_value(value)}\n" for name, value in said.items())


def _value(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    return value.isoformat() if isinstance(value, dt.date) else repr(value)
