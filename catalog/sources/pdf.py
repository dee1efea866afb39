"""PDFs: which paper one is, its text page by page, and what a reader has marked in it. Read by pypdf, run by nobody."""

from __future__ import annotations

import logging
import math
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from catalog.attached import MOST_BYTES, refuse_others
from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import KbError
from catalog.ingest.report import clean
from catalog.sources import Guess
from catalog.text import fold

if TYPE_CHECKING:
    from pypdf import PdfReader

MOST_PAGES = 3_000
_REMEDY = "give its identifier, or --title"
MOST_SECONDS = 60.0  # of CPU time that all pages take together
FEW_SECONDS = 15.0  # and those that tell which paper it is
_STAMP = re.compile(  # what arXiv prints beside a first page
    r"arXiv:\s*(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?\s*(?:\[[\w.-]+\]\s*)?\d{1,2}\s+[A-Z][a-z]{2}\s+\d{4}",
    re.I,
)
_REFERENCES = re.compile(r"\n\s*(?:\d+\.?\s*)?(?:references|bibliography)\s*\n.*", re.I | re.S)
_DOI_OVER_LINES = re.compile(r"(\b10\.\d{4,9}/\S*[./_-])\n\s*(?=\S*\d)(\S{4,})")
_LIGATURES = str.maketrans(
    {"\x00": "", "\x0b": "ff", "\x0e": "ffi", "\x0f": "ffl"}
    | {"\x1b": "ff", "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl"}
    | {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}
)
_FORMS = re.compile("[\ufb1d-\ufdff\ufe70-\ufeff]+")  # letters in the forms that they have within a word
_SPACELESS = re.compile("[\u3040-\u30ff\u3400-\u9fff]{4}")
_BOLD = re.compile(r"bold|black|heavy|semibold|CMBX|-Bd\b|demi", re.I)
_FI = re.compile(r"\x0c(?=[a-z])")
_NO_TITLE = re.compile(
    r"^(?:\W*(?:untitled|anonymous)\b|microsoft word|slide \d|paper|main|manuscript|template|document\d*|title|arxiv|"
    r"doi:|pii:|[\w-]+\d{4,}\S*$)|^\S*[\\/_]\S*$|\.(?:docx?|tex|dvi|pdf|indd|qxd|html?|pptx?|odt)$",
    re.I,
)
_NOT_A_TITLE = re.compile(
    r"^(?:published as|under review|preprint|arxiv|vol(?:ume)?\b|open access|article\b|research(?: article| paper)?$|"
    r"review(?: article)?$|letter$|abstract|https?:|www\.|doi|©|copyright|accepted|received|workshop|technical report|"
    r"(?:the )?(?:[\w&-]+ ){0,3}(?:journal|transactions|proceedings|annals|bulletin|archives)\b(?:\W+\w+){0,6}$)|@",
    re.I,
)


def guess(data: bytes) -> Guess:
    """Which paper a PDF is, by its first pages and what it says of itself. Raises `KbError` where it cannot be read."""
    with opened(data) as reader:
        said = {
            str(name).lower().lstrip("/"): clean(str(value)) for name, value in (reader.metadata or {}).items() if value
        }
        end = time.process_time() + FEW_SECONDS
        pages = [_text(page, end) for page in reader.pages[:2]]
        head = "\n".join(pages)
        before = _REFERENCES.sub("\n", head)
        stamp = _STAMP.search(before)
        own = " ".join(
            said.get(name, "") for name in ("doi", "prism:doi", "wps-articledoi", "subject", "keywords", "arxivid")
        )
        identifier = (
            (f"arXiv:{stamp[1]}" if stamp else "")
            or doi(own)
            or (f"arXiv:{found}" if (found := arxiv(own)) else "")
            or _doi_of_itself(pages[0] if pages else "")
        )
        title = _title(said.get("title", ""), _largest(reader.pages[0], pages[0], end) if pages else "", head)
    if not identifier and not title:
        what = "holds no text; it may be scanned" if not head.strip() else "says neither identifier nor title"
        raise KbError(f"this PDF {what}; give --title, or attach it to its paper")
    return Guess(identifier, title, head)


def pages(data: bytes) -> list[str]:
    """The text of each page, as far as a minute goes. Raises `KbError`."""
    found: list[str] = []
    end = time.process_time() + MOST_SECONDS
    with opened(data) as reader:
        for page in reader.pages[:MOST_PAGES]:
            if time.process_time() > end:
                break
            found.append(_text(page, end))
    return found


def _title(said: str, seen: str, head: str) -> str:
    """The title that a PDF says it has where that stands on its first pages, else what stands there in large letters.

    What it says of itself is often the name of a file or of a template.
    """
    if said and Guess(title=said, head=head).says(said) and head.strip() and not _NO_TITLE.search(said):
        return seen if seen and fold(seen) in fold(said) and fold(seen) != fold(said) else said
    return seen or ("" if _NO_TITLE.search(said) or len(said) < 8 else said)


def _doi_of_itself(first: str) -> str:
    """The DOI on a first page; where there are several, those among references are not its own."""
    before = _DOI_OVER_LINES.sub(r"\1\2", _REFERENCES.sub("\n", first))
    found = list(dict.fromkeys(filter(None, (doi(one) for one in re.findall(r"10\.\d{4,9}/\S+", before)))))
    named = re.search(r"doi\.org/(10\.\d{4,9}/\S+)|doi:?\s*(10\.\d{4,9}/\S+)", before, re.I)
    return doi(named[0]) if named else found[0] if len(found) == 1 else ""


def extracted(page: Any, end: float, visit: Callable[..., None] | None = None) -> str:
    """The text of a page, each piece of it shown to `visit`. Raises `TimeoutError` at `end` (CPU time of the process),
    and what pypdf raises."""

    def look(*_: object) -> None:
        if time.process_time() > end:
            raise TimeoutError

    return str(page.extract_text(visitor_operand_before=look, visitor_text=visit) or "")


def _text(page: Any, end: float) -> str:
    try:
        return mended(extracted(page, end))
    except Exception:  # a page that cannot be read keeps none of the others from it; pypdf raises errors of many kinds
        return ""


def mended(text: str) -> str:
    """A text with the ligatures that TeX's fonts have in the place of control characters, and broken words joined."""
    text = _FORMS.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text.translate(_LIGATURES))
    text = _FI.sub("fi", text)
    return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)


class _Piece(NamedTuple):
    """Text as it was shown: how large (points), whether bold, at which angle (degrees)."""

    size: float
    bold: bool
    angle: int
    text: str


def _largest(page: Any, text: str, end: float) -> str:
    """What stands in the largest letters of a page, if it can be a title; `text` is the page's."""
    pieces: list[_Piece] = []

    def visit(text: str, cm: Any, tm: Any, font: Any, size: float | None) -> None:
        a, b, c, d = _turned(tm, cm)
        bold = bool(_BOLD.search(str((font or {}).get("/BaseFont", ""))))
        scale = math.sqrt(abs(a * d - b * c))
        if text:
            pieces.append(_Piece(round(float(size or 0) * scale, 1), bold, round(math.degrees(math.atan2(b, a))), text))

    try:
        extracted(page, end, visit)
    except Exception:  # as for `_text`
        return ""
    angles = Counter[int]()
    styles = Counter[tuple[float, bool]]()
    for one in pieces:
        angles[one.angle] += len(one.text.strip())
    upright = [one for one in pieces if one.angle == angles.most_common(1)[0][0] or not one.text.strip()]
    for one in upright:
        styles[one.size, one.bold] += len(one.text.strip())
    most = 0.6 * styles.total() if len(styles) > 1 and styles.total() > 120 else math.inf  # such is what runs on
    for style in sorted((style for style, letters in styles.items() if 3 < letters < most), reverse=True)[:6]:
        title = _as_title(_run(upright, style), text)
        if _may_be_title(title):
            return title
    return ""


def _may_be_title(text: str) -> bool:
    if _SPACELESS.search(text):
        return 4 <= len(text) <= 300
    return 8 <= len(text) <= 300 and " " in text and not _NOT_A_TITLE.search(text)


def _turned(tm: Any, cm: Any) -> tuple[float, float, float, float]:
    """How text is scaled and turned on its page: its own matrix within that of the page."""
    a, b, c, d = (float(one) for one in tm[:4])
    e, f, g, h = (float(one) for one in cm[:4])
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _as_title(pieces: list[_Piece], whole: str) -> str:
    """The pieces as one line, parted into words as on the whole page where they were shown letter by letter."""
    text = "".join(one.text for one in pieces)
    letters = "".join(text.split())
    if sum(len(one.text.strip()) <= 1 for one in pieces) > len(letters) / 2 and len(letters) < 300:
        text = text.replace("\n", "")
        found = None if " " in text.strip() else re.search(r"\s*".join(map(re.escape, letters)), whole)
        text = found[0] if found else text
    text = clean(mended(text).replace("\n", " "))
    return re.sub(r"(?<=[a-z])- (?=[a-z])", "", text).strip(" *†‡")


def _run(pieces: list[_Piece], style: tuple[float, bool]) -> list[_Piece]:
    """From the first piece of a style to the last one that follows it without much between; others as a blank."""
    at = [number for number, one in enumerate(pieces) if (one.size, one.bold) == style and one.text.strip()]
    end = at[0]
    for number in at[1:]:
        if number - end > 3:
            break
        end = number
    run = pieces[at[0] : end + 1]
    return [one if (one.size, one.bold) == style else one._replace(text=" ") for one in run]


@contextmanager
def opened(data: bytes) -> Iterator[PdfReader]:
    """A reader of a PDF; whatever is wrong with it is one line."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    if len(data) > MOST_BYTES:
        raise KbError(f"this PDF is larger than {MOST_BYTES // 1_000_000} MB and is not read; {_REMEDY}")
    refuse_others(data)
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
        raise KbError(f"this PDF is nested too deeply to be read; {_REMEDY}") from None
    except Exception as e:  # a broken file makes pypdf raise errors of many kinds
        why = clean(str(e))[:120] or type(e).__name__
        raise KbError(f"this PDF cannot be read: {why}; {_REMEDY}") from None
