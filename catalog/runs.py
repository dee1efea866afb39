"""Records in `runs/`: JSON that a run wrote or a clone brought, checked at the border by the models in `records`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import BadFile, Finding
from catalog.files import inside, parse_json, read_bytes

if TYPE_CHECKING:
    from catalog.records import Model

MOST_BYTES = 20_000_000
_BENCH = re.compile(r"(?P<name>bench-.{1,200})\.(?P<device>cpu|cuda|mps)\.json")
_RUN = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\.(?P<device>cpu|cuda|mps)\.json")


def read_runs(runs: Path) -> tuple[dict[str, dict[str, dict[str, Any]]], list[Finding]]:
    """Every record by implementation and device, and what is wrong with those that cannot be read."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    unread: list[Finding] = []
    for path, named in _named(runs, _RUN):
        if record := _record(path, "Run", f"kb verify {named['name']}", unread):
            found.setdefault(named["name"], {})[named["device"]] = record
    return found, unread


def read_benches(runs: Path) -> tuple[list[tuple[str, str, dict[str, Any], str]], list[Finding]]:
    """Every comparison of methods: its name, kind of device, record, and the Markdown beside it ("" where none is).

    And what is wrong with those that cannot be read.
    """
    found: list[tuple[str, str, dict[str, Any], str]] = []
    unread: list[Finding] = []
    for path, named in _named(runs, _BENCH):
        if record := _record(path, "Bench", "kb bench", unread):
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
    path: Path, model: Model, again: str, unread: list[Finding]
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


def read_record(path: Path, model: Model, again: str) -> dict[str, Any]:
    """A record as it stands in its file. Raises `BadFile` where it is none of this model; `again` makes it anew."""
    from catalog.records import fault

    shown, remedy = f"{path.parent.name}/{path.name}", f"run {again} again"
    values = parse_json(read_bytes(path, shown, MOST_BYTES), shown, remedy)
    if wrong := fault(model, values):
        raise BadFile(Finding("run", f"not a record of a run: {wrong}", remedy, shown))
    assert isinstance(values, dict), "a model is an object"
    return values
