"""The BibTeX of a list: entries found in its blocks, repaired by `catalog.bibtex`, compared by title."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace

from catalog.bibtex import decode, read, scan
from catalog.errors import BadBibtex, Finding
from catalog.ingest.draft import Draft
from catalog.ingest.readinglist.lines import VERBATIM, Block
from catalog.ingest.readinglist.report import Report

_BREAK = re.compile(r"<br ?/?>|</?(?:pre|code|p)\b[^<>]*>", re.I)


@dataclass(frozen=True, slots=True)
class Found:
    """One entry: its text, the title in it as shown, and its line in the list; or text that stood beside one."""

    text: str
    title: str
    line: int
    is_entry: bool = True


def find(block: Block, report: Report) -> list[Found]:
    """The entries of a block; an entry that cannot be read is taken as it is, and reported."""
    first = block.line + (1 if block.kind == "fence" else 0)
    if VERBATIM in block.info and block.kind == "fence":
        return [Found(block.text, title_of(block.text), first)]
    text = _BREAK.sub("\n", block.text) if "<" in block.text else block.text
    found = []
    for part in scan(text):
        line = first + part.line - 1
        report.findings += [_kept(finding.at("", first - 1)) for finding in part.findings]
        if part.kind in ("entry", "broken"):
            found.append(Found(_trimmed(part.text), title_of(part.text), line))
        elif part.kind in ("string", "preamble"):
            report.shared.append(part.text)
        elif part.raw.strip():
            found.append(Found(part.raw.strip(), "", line, is_entry=False))
    return found


def _kept(finding: Finding) -> Finding:
    """In a list an entry that cannot be read is not rejected: its paper keeps it as it is."""
    if finding.kind not in ("rejected", "error"):
        return finding
    return replace(
        finding, kind="kept", remedy=finding.remedy or "it is kept as it is; mend it in the list or in its paper"
    )


def _trimmed(text: str) -> str:
    return re.sub(r"\A(?:[ \t]*\n)+", "", text.rstrip())


def key_of(text: str) -> str:
    """The key that an entry begins with, case folded; "" where none can be seen."""
    found = re.match(r"@?\s*\w+\s*[{(]\s*([^\s,{}]*)", text)
    return found.group(1).casefold() if found else ""


def title_of(text: str) -> str:
    """The title in an entry as it is shown, or ""."""
    try:
        return decode(read(text).fields.get("title", ""))
    except BadBibtex:
        return ""


def same_title(one: str, other: str) -> bool:
    """Whether two titles are one, but for case, accents and punctuation."""
    return bool(one) and normal(one) == normal(other)


def normal(title: str) -> str:
    """A title without case, accents and punctuation."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", plain))


def resembles(heading: str, title: str) -> bool:
    """Whether a heading may be the title of an entry: they share words that matter."""
    mine = {word for word in normal(heading).split() if len(word) > 2}
    return bool(mine & set(normal(title).split()))


def fenced(text: str) -> list[str]:
    """An entry as fenced code."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return [f"{ticks}bibtex", *text.split("\n"), ticks]


def draft(entry: Found, tags: tuple[str, ...]) -> Draft:
    """An entry by itself as a draft; its title is the BibTeX's own business."""
    return Draft(tags=tags, bibtex=entry.text, line=entry.line)
