"""Lists whose items are papers: bullets, numbers, task boxes, and paragraphs that cite.

What a line of such a list says is found by its marks (a link, bold, quotation marks) before its punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from catalog.ingest.readinglist import headings, inline, labels, urls, words
from catalog.ingest.readinglist.inline import Inline
from catalog.ingest.readinglist.lines import ITEM, Block, columns
from catalog.ingest.readinglist.report import Report, as_code, name_for, tidy, without_title
from catalog.models import Link, Status

_BOX = re.compile(r"^\[(?P<mark>[ xX✓✔✅*/~-]?)\][ \t]+")
_LEAD = re.compile(r"^(?:<a\s[^<>]*>\s*</a>|<a\s[^<>]*/>|\[\**\d{1,4}\**\]|\(\d{1,4}\)|\d{1,4}[.)])[ \t]*")
_TAG_LEAD = re.compile(r"^(?:\*\*|`)?[\[【(](?P<tag>[^\[\]()【】]{1,40})[\]】)](?:\*\*|`)?[ \t]*(?![(\[])")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(?P<in>(?:(?!\1).)+?)\1")
_ITALIC = re.compile(r"(?<![*\w])([*_])(?=[^\s*_])(?P<in>[^*_]{8,}?)\1(?![*\w])")
_QUOTED = re.compile(r"[“\"](?P<in>[^”\"“]{8,300}?)[,.]?[”\"]")
_LAST_MARK = re.compile(r"[\[(]([^\[\]()]{3,14})[\])]$")
_PLACE = re.compile(r"<a\s+(?:id|name)\s*=[^<>]*>", re.I)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_TITLE_END = re.compile(
    r"(?<=[\w)?!\]'’])(?:\s*[(\[（][^()\[\]]{0,60}\b(?:19|20)?\d\d\b|\s*[(（](?:[A-Z]{3,}|arXiv)|"
    r"\s*,\s*[A-Z][\w/&. -]{0,40}['’ -]?\s?(?:19|20)?\d\d\b|"
    r"\s*,\s*(?:arXiv|CoRR|in\b)|\.\s|\s+[-–—|·]+\s|\s*[|。，：]|"
    r"\s*,?\s+by\s+(?=[A-Z][\w.'’-]*\s+(?:[A-Z][\w.'’-]*\s*)+(?:,|$|\(|and\b|et al|&))|:\s*$)"
)
_APA_HEAD = re.compile(r"[^()\[\]*_\"“]{3,1500}\((?:19|20)\d\d[a-z]?(?:,[^()]{1,30})?\)[.,:]?\s+")
_APA_TITLE = re.compile(r"(?:\*+|_+)?[^\s\[<*_\"“](?:[^.?!\[<*_]|[.?!](?!\s|$))+[?!]?(?:\*+|_+)?")
_AUTHORS = re.compile(
    r"\bet al\b|^(?:[A-Z][\w'’.-]*\.?\s+){0,3}[A-Z][\w'’-]+(?:,|\s+and\s|\s*&)|^[A-Z][\w'’-]+,\s+[A-Z]\."
)


@dataclass(slots=True)
class Item:
    """An item of a list with the blocks below it; `parent` is the item it is nested in, by number, or -1."""

    line: int
    indent: int
    text: str
    parent: int = -1
    blocks: list[Block] = field(default_factory=list)
    marked: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """What an item's own line says of a paper."""

    title: str
    status: Status | None
    links: tuple[Link, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How much an item looks like a paper: it opens with a title; something in it says "paper"; it is a task."""

    titled: bool = False
    evidence: bool = False
    linked: bool = False
    task: bool = False


def gather(blocks: Sequence[Block]) -> tuple[list[Item], list[Block]]:
    """The list items among the blocks, each with what is nested below it, and the blocks outside any list."""
    items: list[Item] = []
    outside: list[Block] = []
    open_: list[int] = []
    blanks: list[Block] = []
    for block in blocks:
        if block.kind == "blank":
            blanks.append(block)
            continue
        first = block.lines[0]
        marked = ITEM.match(first) if block.kind in ("text", "heading") else None
        wide = columns(first)
        quote = block.kind == "text" and first.lstrip().startswith(">") and bool(open_)
        while (
            open_
            and not quote
            and wide <= items[open_[-1]].indent
            and (marked or blanks or wide < items[open_[-1]].indent)
        ):
            open_.pop()
        while open_ and not quote and not marked and block.kind != "text" and wide <= items[open_[-1]].indent:
            if block.kind in ("bibtex", "fence") and block.is_bibtex and not wide:
                break
            open_.pop()
        if marked:
            items.append(Item(block.line, wide, marked["text"].strip(), open_[-1] if open_ else -1))
            open_.append(len(items) - 1)
        elif open_:
            items[open_[-1]].blocks += [*blanks, block]
        elif paragraph := _paragraph(block, items, blanks, outside):
            items.append(paragraph)
        elif not (items and not items[-1].marked and _continues(block, items[-1], blanks)):
            outside += [*blanks, block]
        blanks = []
    return items, outside


def _paragraph(block: Block, items: list[Item], blanks: list[Block], outside: list[Block]) -> Item | None:
    """A paragraph that opens with a title in bold or as a link, as an item without a marker."""
    text = block.lines[0].strip()
    starts = bool(blanks) or not outside or outside[-1].kind in ("blank", "heading", "rule")
    if items and not items[-1].marked and not blanks:
        return None
    if block.kind != "text" or not starts or not re.match(r"\*\*|__|\[(?!!)|“|\"|<a ", text):
        return None
    return Item(block.line, columns(block.lines[0]), text, marked=False)


def _continues(block: Block, item: Item, blanks: list[Block]) -> bool:
    """Whether a block goes on with the paragraph before it; if so it is added to it."""
    goes_on = block.kind == "text" and not blanks
    if goes_on or block.is_bibtex or (block.kind == "text" and block.lines[0].lstrip().startswith(">")):
        item.blocks += [*blanks, block]
        return True
    return False


def looks(items: Sequence[Item], report: Report) -> list[Look]:
    """Judge each item, also by the links that are listed right below it."""
    below: list[list[Inline]] = [[] for _ in items]
    for item in items:
        if item.parent >= 0 and not items[item.parent].text.endswith((":", "：")) and _gives_links(item.text, report):
            below[item.parent] += report.links_of(item.text)
    return [look(item, report, links) for item, links in zip(items, below, strict=True)]


def _gives_links(text: str, report: Report) -> bool:
    label = labels.split_label(text)
    return labels.is_link_line(text, report) and (not label or label.explicit or words.is_name(label.name))


def look(item: Item, report: Report, nested: Sequence[Inline] = ()) -> Look:
    """Judge an item by its own line, the lines that continue it and the links nested below it."""
    text = _bare(item.text)
    found = [link for link in report.links_of(text) if urls.is_external(link.url) or link.url.lower().endswith(".pdf")]
    below = [link for block in item.blocks[:12] if block.kind == "text" for link in report.links_of(block.text)]
    below += nested
    title, _ = find_title(text, report.links_of(text))
    kinds = [link for link in (*found, *below) if urls.is_paper(link.url) or _says_paper(link)]
    bibtex = any(block.is_bibtex for block in item.blocks)
    named = bool(title) and not words.is_name(title)
    starts = named and (_opens(text, found) or bool(kinds) or bibtex)
    marked = named and bool((last := _LAST_MARK.search(text)) and headings.status_of(last[1], 0, Report({})))
    if marked:
        return Look(True, True, bool(found))
    strong = bool(_STRONG.match(text) or _QUOTED.match(text)) and bool(_YEAR.search(text))
    cited = named and not found and (strong or bool(_apa_title(text)))
    bracketed = any(link.bracketed or link.image or words.is_name(link.label) for link in (*found, *below))
    prose = _is_prose(text, title, found) and not bracketed and not bibtex
    task = named and bool(_BOX.match(inline.without_badges(item.text)[0].strip())) and not prose
    return Look((starts and not prose) or cited, (bool(kinds) or bibtex or cited) and not prose, bool(found), task)


def _says_paper(link: Inline) -> bool:
    label = words.strip_marks(link.label).lower().strip("[]() .,:")
    return urls.is_external(link.url) and bool(
        re.fullmatch(r"(?:the |full )?(?:papers?|pdf|arxiv|preprint|doi|openreview)(?: link)?", label)
    )


def _opens(text: str, found: list[Inline]) -> bool:
    """Whether a line opens with its title: as a link, in bold, or in quotation marks."""
    first = found[0] if found else None
    return bool(
        first and not text[: first.start].strip(" *_~\"“'`") and not words.is_name(first.label) and not first.bare
    ) or (bool(found) and bool(_STRONG.match(text) or _QUOTED.match(text)))


def _is_prose(text: str, title: str, found: list[Inline]) -> bool:
    """Whether a line is a sentence that links to something rather than an entry."""
    if (
        not found
        or _opens(text, found)
        or _STRONG.search(text)
        or _QUOTED.search(text)
        or re.search(r"\bet al\b", text)
    ):
        return False
    link = found[0]
    before = _without_pictures(text[: link.start]).strip()
    inner = len(words.strip_marks(link.label).split()) > 0 and not words.is_name(link.label) and not link.bare
    return (
        bool(before)
        and inner
        and not _YEAR.search(text)
        and len(title.split()) < 40
        and _without_pictures(text[link.end :]).strip(" .") != ""
    )


def _bare(text: str) -> str:
    """An item's text without task box, number, anchor and badges."""
    text, _ = inline.without_badges(text)
    text = _without_anchors(text).strip()
    if box := _BOX.match(text):
        text = text[box.end() :]
    for _ in range(3):
        text = _LEAD.sub("", text, count=1)
    return text[_lead_pictures(text) :]


def _lead_pictures(text: str) -> int:
    """How far the emoji go that a line begins with."""
    return len(text) - len(text.lstrip("".join(c for c in set(text[:40]) if c == " " or words.is_pictograph(c))))


def _without_pictures(text: str) -> str:
    return "".join(c for c in text if not words.is_pictograph(c))


def _without_anchors(text: str) -> str:
    """The text without the HTML anchors that only give a place a name."""
    return _PLACE.sub("", text).replace("</a>", "") if _PLACE.search(text) and "href" not in text else text


def read_item(item: Item, report: Report) -> Read:
    """Take the line of a paper apart: title, status, links, and the rest as one line of notes."""
    line = _whole_line(item)
    text, badges = inline.without_badges(line)
    report.badges += badges
    text = _without_anchors(text).strip()
    status: Status | None = None
    if box := _BOX.match(text):
        status, text = headings.box_status(box["mark"]), text[box.end() :]
    for _ in range(3):
        text = _LEAD.sub("", text, count=1)
    pictures, text = text[: (cut := _lead_pictures(text))].strip(), text[cut:]
    ticked, pictures = headings.picture(pictures)
    status = status or ticked
    lead = _TAG_LEAD.match(text) if not report.definitions else None
    mark = headings.status_of(lead["tag"], item.line, report) if lead else None
    after = text[lead.end() :].lstrip(" :-") if lead else ""
    if lead and (mark or find_title(after, report.links_of(after))[0]):
        status, text = status or mark, after
    else:
        lead = None
    found = report.links_of(text)
    title, span = find_title(text, found)
    links, rest = _take(text, found, span, item.line, report)
    status, rest = _trailing_status(status, rest, item.line, report)
    parsed = headings.read_title(title, item.line, report)
    notes = [pictures, *([lead["tag"]] if lead and not mark else []), *parsed.rest, rest]
    title_text = parsed.text.rstrip(",.;:|").strip() if span[0] == 0 else parsed.text
    title_text = (
        (title_text or parsed.text).removeprefix("[").removesuffix("]")
        if text.startswith("[")
        else title_text or parsed.text
    )
    return Read(
        title_text, status or parsed.status, without_title(links, title_text), tuple(part for part in notes if part)
    )


def _whole_line(item: Item) -> str:
    """The item's text with the lines that run on from it; those are taken out of its blocks."""
    parts = [item.text]
    while item.blocks and item.blocks[0].kind == "text" and _runs_on(item.blocks[0]):
        parts.append(item.blocks.pop(0).text)
    return " ".join(parts).replace("\\ ", " ")


def _runs_on(block: Block) -> bool:
    text = block.text
    return (
        not ITEM.match(block.lines[0])
        and not text.startswith((">", "<details", "</", "<summary", "|", "!"))
        and not re.match(r"[*_]{0,2}[\w -]{1,25}[*_]{0,2}:", text)
    )


def _trailing_status(status: Status | None, rest: str, line: int, report: Report) -> tuple[Status | None, str]:
    if (code := re.search(r"(?:^|\s)`([A-Za-z -]{4,12})`$", rest)) and (named := headings.named_status(code[1])):
        return status or named, tidy(rest[: code.start()])
    bracket = re.search(r"(?:^|\s)\[([^\[\]]{3,14})\]$", rest)
    mark = headings.status_of(bracket[1], line, report) if bracket else None
    if bracket and mark:
        return status or mark, tidy(rest[: bracket.start()])
    ticked, left = headings.picture(rest)
    return (status or ticked, tidy(left)) if ticked else (status, rest)


def find_title(text: str, found: list[Inline]) -> tuple[str, tuple[int, int]]:
    """The title in an entry's line, and where it stands."""
    titled = [
        link for link in found if not link.bare and not link.image and not link.bracketed and _is_title(link.label)
    ]
    first = titled[0] if titled else None
    if first and not text[: first.start].strip(" *_~\"“'`"):
        return first.label, _with_marks(text, first.start, first.end)
    if (
        first
        and re.fullmatch(r"[*_]*[\w ]{2,20}[*_]*:[*_]*\s*", text[: first.start])
        and words.is_name(text[: first.start])
    ):
        return first.label, (0, first.end)
    strong = _STRONG.match(text)
    if (
        strong
        and not strong["in"].rstrip().endswith(":")
        and _is_title(strong["in"])
        and not inline.links(strong["in"], {})
    ):
        return strong["in"], strong.span()
    if apa := _apa_title(text):
        return apa[0], apa.span()
    quoted = _QUOTED.search(text, 0, found[0].start if found and not titled else len(text))
    if quoted and len(quoted["in"].split()) > 1:
        return quoted["in"], quoted.span()
    for pattern in (_STRONG, _ITALIC):
        inner = pattern.search(text)
        if (
            inner
            and len(inner["in"].split()) > 2
            and not inline.links(inner["in"], {})
            and not _YEAR.search(inner["in"])
        ):
            return inner["in"], inner.span()
    if first and len(first.label.split()) > 1:
        return first.label, (first.start, first.end)
    return _plain_title(text, found)


def _apa_title(text: str) -> re.Match[str] | None:
    """The title after authors and a year in parentheses, where it is not marked as a link or in quotes."""
    head = _APA_HEAD.match(text)
    return _APA_TITLE.match(text, head.end()) if head and _AUTHORS.search(text[:300]) else None


def _with_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """The span with the emphasis or quotation marks right around it."""
    while start > 0 and end < len(text) and text[start - 1] in "*_\"“'`" and text[end] in "*_\"”'`,":
        start, end = start - 1, end + 1
    return start, end


def _is_title(label: str) -> bool:
    plain = words.strip_marks(label)
    return len(plain) > 1 and not words.is_name(plain) and any(c.isalpha() for c in plain)


def _plain_title(text: str, found: list[Inline]) -> tuple[str, tuple[int, int]]:
    """The title in a line that marks none: the first sentence before a link that names no people."""
    stop = found[0].start if found else len(text)
    head = text[:stop].rstrip(" [(|,-–—:")
    at = 0
    for sentence in re.split(r"(?<=[\w)?!][.?!])\s+(?=[A-Z\d\"“])", head[:2000]):
        end = at + len(sentence)
        if not _AUTHORS.search(sentence[:300]) or end >= len(head):
            break
        at = head.find(sentence, at) + len(sentence)
        at += len(head[at:]) - len(head[at:].lstrip())
    part = head[at:]
    if cut := _TITLE_END.search(part[:1000]):
        part = part[: cut.start()]
    title = part.strip(" .,;:")
    return title, (at, at + len(part))


def _take(
    text: str, found: list[Inline], span: tuple[int, int], line: int, report: Report
) -> tuple[tuple[Link, ...], str]:
    """The links of an entry's line, and what else it says. Links inside its prose stay there."""
    made: list[Link] = []
    spans = [(*span, "")] if not text[: span[0]].strip() else []
    for link in found:
        is_title = span[0] <= link.start and link.end <= span[1]
        if not is_title and not (link.bracketed or link.bare or link.image or words.is_name(link.label)):
            continue
        if link.url.startswith("#"):
            continue
        one = report.make(_named_before(text, link) or name_for(link), link, line)
        if one:
            made.append(one)
        instead = "" if one or not link.url.strip("# ") else as_code(text[link.start : link.end])
        spans.append((link.start, link.end, instead))
    return tuple(made), tidy(inline.swap(text, sorted(spans))).lstrip(",-–—:;.| ").strip()


def _named_before(text: str, link: Inline) -> str:
    """The name that stands right before an address, as in `Code: https://…`."""
    before = re.search(
        r"(?:^|[\s|,;(\[])[*_]*([A-Za-z]{2,14})[*_]*\s*[:：]\s*[*_]*$", text[max(0, link.start - 24) : link.start]
    )
    if before and words.is_name(before[1]) and (link.bare or words.is_empty_label(link.label, "")):
        return words.link_name(before[1])[0]
    return ""
