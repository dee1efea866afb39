"""Records in `runs/`: JSON that a run wrote or a clone brought, checked at the border by a pydantic model.

What the catalog reads of a record has its type here; whatever else it holds is kept, and shown by pages that ask for
what they can show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import BadFile, Finding
from catalog.files import inside, parse_json, read_bytes

MOST_BYTES = 20_000_000
_BENCH = re.compile(r"(?P<name>bench-.{1,200})\.(?P<device>cpu|cuda|mps)\.json")
_RUN = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\.(?P<device>cpu|cuda|mps)\.json")
Text = Annotated[str, Field(max_length=100_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Environment(_Part):
    """Where and when a run was made; `date` begins with YYYY-MM-DD."""

    date: Text = ""
    device: Text = ""
    kind: Text = ""
    python: Text = ""
    versions: dict[str, Text | None] = {}
    commit: Text | None = ""


class Claim(_Part):
    """What became of one claim: its verdict, and what was measured for it."""

    name: Text
    verdict: Text
    kind: Text = ""
    says: Text = ""
    why: Text = ""
    measured: list[dict[str, Any]] = []


class Run(_Part):
    """`runs/NAME.DEVICE.json`: the claims of an implementation, and its demo."""

    environment: Environment = Environment()
    claims: list[Claim] = []
    demo: dict[str, Any] = {}


class Bench(_Part):
    """`runs/bench-MODEL-TASK.DEVICE.json`: a row for each method and setting."""

    environment: Environment = Environment()
    rows: list[dict[str, Any]] = []
    cells: dict[str, Any] = {}


def read_runs(runs: Path) -> tuple[dict[str, dict[str, dict[str, Any]]], list[Finding]]:
    """Every record by implementation and device, and what is wrong with those that cannot be read."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    unread: list[Finding] = []
    for path, named in _named(runs, _RUN):
        if record := _record(path, Run, f"kb verify {named['name']}", unread):
            found.setdefault(named["name"], {})[named["device"]] = record
    return found, unread


def read_benches(runs: Path) -> tuple[list[tuple[str, str, dict[str, Any], str]], list[Finding]]:
    """Every comparison of methods: its name, kind of device, record, and the Markdown beside it ("" where none is).

    And what is wrong with those that cannot be read.
    """
    found: list[tuple[str, str, dict[str, Any], str]] = []
    unread: list[Finding] = []
    for path, named in _named(runs, _BENCH):
        if record := _record(path, Bench, "kb bench", unread):
            found.append((named["name"], named["device"], record, _beside(path)))
    return found, unread


def unread(runs: Path) -> list[Finding]:
    """What is wrong with records that cannot be read."""
    return [*read_runs(runs)[1], *read_benches(runs)[1]]


def _named(runs: Path, form: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    for path in sorted(runs.glob("*.json")):
        if (match := form.fullmatch(path.name)) and inside(path, runs.parent):
            yield path, match


def _record(
    path: Path, model: type[Run] | type[Bench], again: str, unread: list[Finding]
) -> dict[str, Any] | None:  # fmt: skip
    """The record of a file; None where there is none, and what is wrong with it goes to the others."""
    try:
        return read_record(path, model, again)
    except BadFile as e:
        unread += e.findings
    except FileNotFoundError:
        pass
    return None


def _beside(path: Path) -> str:
    text_file = path.with_suffix(".md")
    try:
        text = read_bytes(text_file, most=MOST_BYTES).decode("utf-8", "replace")
    except (FileNotFoundError, BadFile):
        return ""
    if not inside(text_file, path.parent.parent):
        return ""
    return text.replace("\r\n", "\n")


def read_record(path: Path, model: type[Run] | type[Bench], again: str) -> dict[str, Any]:
    """A record as it stands in its file. Raises `BadFile` where it is none of this model; `again` makes it anew."""
    shown, remedy = f"{path.parent.name}/{path.name}", f"run {again} again"
    values = parse_json(read_bytes(path, shown, MOST_BYTES), shown, remedy)
    try:
        model.model_validate(values)
    except ValidationError as e:
        first = e.errors()[0]
        where = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        message = f"not a record of a run: {where}{first['msg'].lower()}"
        raise BadFile(Finding("run", message, remedy, shown)) from None
    assert isinstance(values, dict), "a model is an object"
    return values
