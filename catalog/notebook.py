"""Notebooks as text: cells, what they printed, the versions they were written for and last ran with.

A notebook is a stranger's. Whatever JSON it holds, reading it ends soon, with something that is small enough to show; a
value of an unexpected type is passed over. Nothing of it is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from catalog.errors import BadFile, KbError
from catalog.files import MOST_SHOWN, parse_json

MOST_CELLS = 1_000
MOST_OUTPUTS = 50
MOST_SOURCE = 100_000
MOST_TEXT = 20_000
MOST_IN_ALL = 2_000_000
MOST_VERSIONS = 50
OWN = "readrun"

Kind = Literal["text", "error", "markdown", "html", "picture"]
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\-_])")
_MOST_SAID = 200_000  # characters
_ADDRESS = re.compile(r"\]\([^()\s]*\)")
_PLACEHOLDER = re.compile(r"<IPython\.core\.display\.\w{1,40} object>\Z")
_FORMS: Mapping[str, Kind] = {"text/markdown": "markdown", "text/html": "html", "text/latex": "text"}
_BEFORE_4 = {"text": "text/plain", "html": "text/html", "png": "image/png"}


@dataclass(frozen=True, slots=True)
class Output:
    """What a cell printed or showed. `text` of a picture is a PNG file in base64."""

    kind: Kind
    text: str
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """Prose or code, with what the code printed."""

    kind: Literal["markdown", "code", "raw"]
    source: str
    number: int = 0
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True)
class LastRun:
    """When, on what and with what a notebook was last run from top to bottom."""

    date: str = ""
    device: str = ""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook as it is shown. `left_out` is how many cells there are no more room for."""

    title: str
    cells: tuple[Cell, ...]
    language: str = ""
    written_for: Mapping[str, str] = field(default_factory=dict)
    last_run: LastRun = field(default_factory=LastRun)
    left_out: int = 0


def read(body: bytes) -> Notebook:
    """The notebook of a file. Raises `KbError` with what is wrong and a remedy."""
    values = _values(body)
    found = _cells(values)
    cells = tuple(_within(_cell(one) for one in found[:MOST_CELLS] if isinstance(one, Mapping)))
    title, cells = _titled(cells)
    metadata = _mapping(values.get("metadata"))
    own = _mapping(metadata.get(OWN))
    return Notebook(
        title=title,
        cells=cells,
        language=_language(metadata),
        written_for=_versions(own.get("written_for")),
        last_run=_last_run(_mapping(own.get("last_run"))),
        left_out=max(0, len(found) - MOST_CELLS),
    )


def said_in(notebooks: Iterable[Notebook]) -> str:
    """What notebooks say, for who searches: titles, prose and code, not what was printed."""
    return "\n\n".join(text[:_MOST_SAID] for one in notebooks if (text := "\n\n".join(_said(one))))


def _said(notebook: Notebook) -> Iterator[str]:
    yield from filter(None, [notebook.title])
    for cell in notebook.cells:
        yield _ADDRESS.sub("]", cell.source) if cell.kind == "markdown" else cell.source


def problem(body: bytes) -> tuple[str, str] | None:
    """Why a file is no notebook that can be shown, and a remedy; None where it is one."""
    try:
        _cells(_values(body))
    except KbError as e:
        message, _, remedy = str(e).partition("; ")
        return message, remedy
    return None


def _values(body: bytes) -> Mapping[str, Any]:
    if len(body) > MOST_SHOWN:
        raise KbError(f"more than {MOST_SHOWN // 1_000_000} MB; clear large outputs and save it again")
    try:
        values = parse_json(body)
    except BadFile:
        raise KbError("not a notebook: not JSON; save it from Jupyter again") from None
    if not isinstance(values, dict):
        raise KbError("not a notebook: no cells in it; save it from Jupyter again")
    return values


def _cells(values: Mapping[str, Any]) -> list[Any]:
    """The cells, which stood in worksheets before version 4 of the format."""
    cells = values.get("cells")
    sheets = values.get("worksheets")
    if isinstance(cells, list):
        return cells
    if isinstance(sheets, list):
        return [cell for sheet in sheets[:MOST_CELLS] for cell in _items(_mapping(sheet).get("cells"))]
    raise KbError("not a notebook: no cells in it; save it from Jupyter again")


def _cell(value: Mapping[str, Any]) -> Cell:
    kind = value.get("cell_type")
    source = _joined(value.get("source", value.get("input")))[:MOST_SOURCE]
    if kind == "heading":
        level = value.get("level")
        return Cell("markdown", f"{'#' * level if isinstance(level, int) and 0 < level < 7 else '#'} {source}")
    if kind != "code":
        return Cell("markdown" if kind == "markdown" else "raw", source)
    number = value.get("execution_count", value.get("prompt_number"))
    outputs = [_output(_mapping(one)) for one in _items(value.get("outputs"))[:MOST_OUTPUTS]]
    shown = tuple(output for output in outputs if output and output.text)
    return Cell("code", source, number if isinstance(number, int) and 0 < number < 10**6 else 0, shown)


def _output(value: Mapping[str, Any]) -> Output | None:
    """An output in the form that is safest to show; None where there is none that can be shown."""
    kind = value.get("output_type")
    if kind == "stream":
        return _text(_joined(value.get("text")))
    if kind in ("error", "pyerr"):
        return _text("\n".join(map(_joined, _items(value.get("traceback")))), "error")
    data = _mapping(value.get("data")) or {_BEFORE_4.get(name, name): held for name, held in value.items()}
    if picture := _joined(data.get("image/png")):
        return Output("picture", picture)
    plain = _joined(data.get("text/plain"))
    if plain and not _PLACEHOLDER.match(plain):
        return _text(plain)
    for name, form in _FORMS.items():
        if text := _joined(data.get(name)):
            return _text(text, form)
    return None


def _text(text: str, kind: Kind = "text") -> Output:
    text = text if kind in ("markdown", "html") else _as_on_a_terminal(text)
    return Output(kind, text[:MOST_TEXT], max(0, len(text) - MOST_TEXT))


def _as_on_a_terminal(text: str) -> str:
    """Without colours, and a line that was written over as it was last."""
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines).strip("\n")


def _within(cells: Iterator[Cell]) -> Iterator[Cell]:
    """The cells, without what they hold once there is no more room for it."""
    room = MOST_IN_ALL
    for cell in cells:
        outputs = []
        room -= len(cell.source)
        for output in cell.outputs:
            size = 0 if output.kind == "picture" else len(output.text)
            room -= size
            outputs.append(output if room >= 0 else Output("text", "", output.left_out + size))
        yield Cell(cell.kind, cell.source if room >= 0 else "", cell.number, tuple(outputs))


def _titled(cells: tuple[Cell, ...]) -> tuple[str, tuple[Cell, ...]]:
    """The heading that the first cell begins with, and the cells without it."""
    first = cells[0] if cells and cells[0].kind == "markdown" else None
    match = re.match(r"\s*#[ \t]+([^\n]{1,300})(?:\n|\Z)", first.source) if first else None
    if not first or not match:
        return "", cells
    rest = first.source[match.end() :]
    title = re.sub(r"[*`]+|[ \t]+#+[ \t]*\Z", "", match[1]).strip()
    return title, ((Cell("markdown", rest),) if rest.strip() else ()) + cells[1:]


def _language(metadata: Mapping[str, Any]) -> str:
    info = _mapping(metadata.get("language_info")), _mapping(metadata.get("kernelspec"))
    return (_string(info[0].get("name")) or _string(info[1].get("language"))).lower()[:40]


def _last_run(value: Mapping[str, Any]) -> LastRun:
    said = {name: _string(value.get(name))[:100] for name in ("date", "device", "python")}
    return LastRun(**said, versions=_versions(value.get("versions")))


def _versions(value: Any) -> dict[str, str]:
    pairs = list(_mapping(value).items())[:MOST_VERSIONS]
    return {name[:100]: version[:100] for name, version in pairs if isinstance(version, str) and version}


def _joined(value: Any) -> str:
    """A text, or the lines of one."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return _string(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
