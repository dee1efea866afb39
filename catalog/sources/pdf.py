"""PDFs: which paper one is, its text page by page, and what a reader has marked in it. Read by pypdf, run by nobody."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from catalog.attached import MOST_BYTES
from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import KbError
from catalog.ingest.report import clean
from catalog.sources import Guess

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PAGES = 3_000
MOST_SECONDS = 60.0
_STAMP = re.compile(r"arXiv:\s*(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?\s*\[", re.I)
_LIGATURES = str.maketrans(
    {"\x0b": "ff", "\x0e": "ffi", "\x0f": "ffl"}
    | {"\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl"}
    | {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}
)
_FI = re.compile(r"\x0c(?=[a-z])")
_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft word|slide \d|paper|main|manuscript|template|document\d*|title|arxiv|doi:|"
    r"\S+\.(?:docx?|tex|dvi|pdf|indd|qxd)$|"
    r"[\w-]+\d{4,}\S*$|pii:)",
    re.I,
)
_NOT_A_TITLE = re.compile(
    r"^(?:published as|under review|preprint|arxiv|proceedings|journal of|vol(?:ume)?\b|open access|article\b|"
    r"research\b|review\b|letter\b|abstract|https?:|www\.|doi|©|copyright|accepted|received|workshop|"
    r"technical report)|@",
    re.I,
)


def guess(data: bytes) -> Guess:
    """Which paper a PDF is, by its first pages and what it says of itself. Raises `KbError` where it cannot be read."""
    with opened(data) as reader:
        said = {
            str(name).lower().lstrip("/"): clean(str(value)) for name, value in (reader.metadata or {}).items() if value
        }
        pages = [_text(page) for page in reader.pages[:2]]
        head = "\n".join(pages)
        stamp = _STAMP.search(head)
        own = " ".join(
            said.get(name, "") for name in ("doi", "prism:doi", "wps-articledoi", "subject", "keywords", "arxivid")
        )
        identifier = (
            (f"arXiv:{stamp[1]}" if stamp else "")
            or doi(own)
            or (f"arXiv:{found}" if (found := arxiv(own)) else "")
            or _doi_of_itself(pages[0] if pages else "")
        )
        title = said.get("title", "")
        if not title or _NO_TITLE.search(title) or len(title) < 8:
            title = _largest(reader.pages[0]) if reader.pages else ""
    if not identifier and not title:
        what = "holds no text; it may be scanned" if not head.strip() else "says neither identifier nor title"
        raise KbError(f"this PDF {what}; give --title, or attach it to its paper")
    return Guess(identifier, title, head)


def pages(data: bytes) -> list[str]:
    """The text of each page, as far as a minute goes. Raises `KbError`."""
    found: list[str] = []
    end = time.monotonic() + MOST_SECONDS
    with opened(data) as reader:
        for page in reader.pages[:MOST_PAGES]:
            if time.monotonic() > end:
                break
            found.append(_text(page))
    return found


def _doi_of_itself(first: str) -> str:
    """The DOI on a first page; where there are several, those among references are not its own."""
    before = re.split(r"\n\s*references\s*\n", first, maxsplit=1, flags=re.I)[0]
    found = list(dict.fromkeys(filter(None, (doi(one) for one in re.findall(r"10\.\d{4,9}/\S+", before)))))
    named = re.search(r"doi\.org/(10\.\d{4,9}/\S+)|doi:?\s*(10\.\d{4,9}/\S+)", before, re.I)
    return doi(named[0]) if named else found[0] if len(found) == 1 else ""


def _text(page: Any) -> str:
    try:
        return mended(str(page.extract_text() or ""))
    except Exception:  # a page that cannot be read keeps none of the others from it; pypdf raises errors of many kinds
        return ""


def mended(text: str) -> str:
    """A text with the ligatures that TeX's fonts have in the place of control characters, and broken words joined."""
    text = _FI.sub("fi", text.translate(_LIGATURES))
    return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)


def _largest(page: Any) -> str:
    """The text in the largest letters of a page's upper part, if it can be a title."""
    pieces: list[tuple[float, str]] = []

    def visit(text: str, cm: Any, tm: Any, _font: Any, size: float | None) -> None:
        scale = abs(float(tm[3]) or float(tm[0])) * abs(float(cm[3]) or 1.0)
        if text.strip():
            pieces.append((round(float(size or 0) * scale, 1), text))

    try:
        page.extract_text(visitor_text=visit)
    except Exception:  # as for `_text`
        return ""
    sizes = sorted({size for size, text in pieces if len(text.strip()) > 1 and not _rotated(text)}, reverse=True)
    for size in sizes[:4]:
        found = mended("".join(text if own == size else " " for own, text in _run(pieces, size)))
        title = clean(found.replace("\n", " "))
        if 8 <= len(title) <= 300 and " " in title and not _NOT_A_TITLE.search(title):
            return re.sub(r"(?<=[a-z])- (?=[a-z])", "", title).strip(" *†‡")
    return ""


def _rotated(text: str) -> bool:
    return bool(_STAMP.search(text))


def _run(pieces: list[tuple[float, str]], size: float) -> list[tuple[float, str]]:
    """From the first piece of a size to the last one that follows it without much between."""
    at = [number for number, (own, text) in enumerate(pieces) if own == size and text.strip()]
    end = at[0]
    for number in at[1:]:
        if number - end > 3:
            break
        end = number
    return pieces[at[0] : end + 1]


@contextmanager
def opened(data: bytes) -> Iterator[PdfReader]:
    """A reader of a PDF; whatever is wrong with it is one line."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    if len(data) > MOST_BYTES:
        raise KbError(f"this PDF is larger than {MOST_BYTES // 1_000_000} MB; it is not read")
    if b"%PDF" not in data[:1024]:
        raise KbError("this is no PDF: it does not begin with %PDF")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise KbError("this PDF is encrypted; take the password off, or give --title")
        yield reader
    except KbError:
        raise
    except (DependencyError, FileNotDecryptedError):
        raise KbError("this PDF is encrypted; take the password off, or give --title") from None
    except RecursionError:
        raise KbError("this PDF is nested too deeply to be read") from None
    except Exception as e:  # a broken file makes pypdf raise errors of many kinds
        raise KbError(f"this PDF cannot be read: {clean(str(e))[:120] or type(e).__name__}") from None
