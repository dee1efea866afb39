"""What a reader has marked in a PDF, and its fenced part of the notes, which a second look brings up to date."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from catalog.errors import KbError
from catalog.ingest.report import clean
from catalog.sources.fonts import widths_of
from catalog.sources.pdf import MOST_PAGES, MOST_SECONDS, extracted, mended, opened

_MARKS = {"/Highlight": "", "/Underline": "", "/Squiggly": "", "/StrikeOut": "struck out"}
_NOTES = ("/Text", "/FreeText")
_BEGIN = "<!-- annotations of {name}: written by kb, write elsewhere -->"
_END = "<!-- end of annotations -->"
_LONGEST = 4000


class Mark(NamedTuple):
    """A mark: the page from 1, the text that is marked ("" for a note beside it), and what the reader wrote."""

    page: int
    text: str
    comment: str


class _Letter(NamedTuple):
    x: float
    y: float
    size: float
    char: str


def marks(data: bytes) -> list[Mark]:
    """The highlights and notes of a PDF, page by page, from top to bottom. Raises `KbError`."""
    found: list[Mark] = []
    end = time.process_time() + MOST_SECONDS
    with opened(data) as reader:
        for number, page in enumerate(reader.pages[:MOST_PAGES], 1):
            notes = sorted(_of_page(page), key=lambda one: (-one[0], one[1]))
            letters = _letters(page, end) if any(quads for _, _, quads, _, _ in notes) else []
            for _, _, quads, comment, how in notes:
                text = clean(" ".join(_within(letters, quad) for quad in quads))
                text = re.sub(r"(?<=\w)- (?=[a-z])", "", text)[:_LONGEST]
                said = clean(": ".join(filter(None, (how, comment))))[:_LONGEST]
                if text or said:
                    found.append(Mark(number, text, "" if said == text else said))
    return found


def _of_page(page: Any) -> Iterator[tuple[float, float, list[tuple[float, float, float, float]], str, str]]:
    """Top, left, quads, comment and manner of each mark of a page."""
    try:
        there = [one.get_object() for one in page.get("/Annots") or []]
    except Exception:  # a list of annotations that is broken holds none; pypdf raises errors of many kinds
        return
    for one in there:
        kind = str(one.get("/Subtype", ""))
        if kind not in _MARKS and kind not in _NOTES:
            continue
        numbers = [float(n) for n in one.get("/QuadPoints") or []] if kind in _MARKS else []
        quads = [_box(numbers[at : at + 8]) for at in range(0, len(numbers) - 7, 8)]
        rect = [float(n) for n in one.get("/Rect") or [0, 0, 0, 0]]
        top, left = max(rect[1], rect[3]), min(rect[0], rect[2])
        yield top, left, quads, str(one.get("/Contents") or ""), _MARKS.get(kind, "")


def _box(quad: list[float]) -> tuple[float, float, float, float]:
    xs, ys = quad[0::2], quad[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _within(letters: list[_Letter], box: tuple[float, float, float, float]) -> str:
    """The letters whose middle lies in a box."""
    left, bottom, right, top = box
    return "".join(
        one.char for one in letters
        if left - 0.5 <= one.x + one.size * 0.2 <= right + 0.5 and bottom <= one.y + one.size * 0.3 <= top
    )  # fmt: skip


def _letters(page: Any, end: float) -> list[_Letter]:
    """Each letter of a page with where it stands, as far as its font says how wide letters are."""
    found: list[_Letter] = []
    known: dict[int, dict[str, float]] = {}

    def visit(text: str, cm: Any, tm: Any, font: Any, size: float | None) -> None:
        wide = float(size or 10) * (abs(float(tm[0]) * float(cm[0])) or 1.0)
        x = float(tm[4]) * float(cm[0]) + float(tm[5]) * float(cm[2]) + float(cm[4])
        y = float(tm[4]) * float(cm[1]) + float(tm[5]) * float(cm[3]) + float(cm[5])
        if id(font) not in known:
            known[id(font)] = widths_of(font)
        widths = known[id(font)]
        for char in mended(text).replace("\n", " "):
            found.append(_Letter(x, y, wide, char))
            x += (widths.get(char) or _usual(char)) / 1000 * wide

    try:
        extracted(page, end, visit)
    except Exception:  # as above
        return []
    return found


def _usual(char: str) -> float:
    """How wide a letter is where its font does not say, in thousandths of its size."""
    return 278.0 if char in " .,;:'ijlItf|!()[]" else 722.0 if char.isupper() or char in "mwMW" else 530.0


def fenced(notes: str, name: str, found: list[Mark]) -> str:
    """The notes with what was marked in a file, in the place of what stood there; without marks nothing is left of it.

    Raises `KbError` where the end of its part is missing.
    """
    begin = _BEGIN.format(name=name)
    body = "\n\n".join(_shown(one) for one in found)
    part = f"{begin}\n\n{body}\n\n{_END}" if found else ""
    at = notes.find(begin)
    if at < 0:
        return "\n\n".join(filter(None, (notes, part)))
    end = notes.find(_END, at)
    if end < 0:
        raise KbError(f"the line {_END} is missing from the notes; write it where the annotations of {name} end")
    before, after = notes[:at].rstrip(), notes[end + len(_END) :].lstrip("\n")
    return "\n\n".join(filter(None, (before, part, after)))


def _shown(mark: Mark) -> str:
    lines = [f"> {_inert(mark.text)} (p. {mark.page})"] if mark.text else []
    comment = f"{_inert(mark.comment)}{'' if mark.text else f' (p. {mark.page})'}" if mark.comment else ""
    return "\n\n".join(filter(None, (*lines, comment)))


def _inert(text: str) -> str:
    """The text so that it is no markup."""
    text = re.sub(r"([\\`*_\[\]<>#|~$])", r"\\\1", text)
    return re.sub(r"^(\d+)([.)])|^([-+=@])", lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", text)
