"""Headings and titles: the status mark, the brackets beside it, and the tag that an enclosing heading gives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.ingest.readinglist import inline, urls, words
from catalog.ingest.readinglist.inline import Inline
from catalog.ingest.readinglist.report import Report, tidy
from catalog.models import Status

_STATUS = {
    "READ": Status.read, "DONE": Status.read, "FINISHED": Status.read, "READING": Status.reading,
    "IN PROGRESS": Status.reading, "UNREAD": Status.unread, "TO READ": Status.unread, "TOREAD": Status.unread,
    "TO-READ": Status.unread, "TODO": Status.unread, "NOT READ": Status.unread, "X": Status.read,
}  # fmt: skip
_SPELT = ("READ", "UNREAD", "READING", "TOREAD")
_LAST_BRACKET = re.compile(r"(?<!\\)[\[【]([^\[\]【】]{1,80})(?<!\\)[\]】][ \t]*[*_]*[ \t]*$")
_LAST_PAREN = re.compile(r"(?<!\\)\(([A-Za-z -]{4,12})\)[ \t]*[*_]*[ \t]*$")
_LAST_STRONG = re.compile(r"(\*\*|__|`|~~)(?P<in>[A-Za-z -]{4,12})\1[ \t]*$")
_BOX = re.compile(r"^[ \t]*(?:[-*+][ \t]+)?\[(?P<mark>[ xX✓✔✅*/~-]?)\][ \t]+")
_READ_MARKS = ("✅", "☑️", "☑", "✔️", "✔", "✓")
_UNREAD_MARKS = ("⬜️", "⬜", "🔲", "☐", "◻️")
_NUMBER = re.compile(
    r"^(?:\(?(?:\d{1,4}(?:\.\d{1,3})*[.)]|\d{1,3}(?:\.\d{1,3})+)|\[\d{1,4}\]|[IVXivx]{1,6}[.)]|[A-Za-z][.)])"
    r"[ \t]+(?=\S)"
)
_TITLE_NUMBER = re.compile(r"^(?:\(?\d{1,3}[.)]|\[\d{1,4}\])[ \t]+(?=\S)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}[ \t]*$")
_GENERIC_WORDS = """
    paper papers list lists reading readings table contents content toc intro introduction method methods
    reference references  resource resources overview other others misc miscellaneous more my the of a an and or
    to for in & entries entry  bibliography summary general main index new recent latest year years month week
    todo read unread articles article  publication publications link links cite citation citations citing bibtex
    bib us this our work repo how notes note  abstract description details comments comment tldr tl dr updates
    update news changelog about preface awesome curated all  january february march april may june july august
    september october november december jan feb mar apr jun jul aug sep  sept oct nov dec section part
    acknowledgement acknowledgements acknowledgments acknowledgment thoughts key points takeaways
"""
_GENERIC = frozenset(_GENERIC_WORDS.split())
_BOILERPLATE_WORDS = """
    contributing contribute contributions contributors license licence acknowledgements acknowledgments install
    installation usage quick start quickstart getting started requirements dependencies contact contacts star history
    citation cite citing contents toc sponsors maintainers roadmap changelog faq support news updates update disclaimer
"""
_PART = re.compile(r"(?:tutorials?|notebooks?|demos?|examples?|models?|data ?sets?|checkpoints?)(?: links?)?", re.I)
_BOILERPLATE = frozenset(_BOILERPLATE_WORDS.split())


@dataclass(frozen=True, slots=True)
class Title:
    """A title line taken apart: the title, the status it was marked with, its links, and what is neither."""

    text: str
    status: Status | None
    links: tuple[Inline, ...]
    rest: tuple[str, ...]


def read_title(raw: str, line: int, report: Report) -> Title:
    """Take a heading apart."""
    text, badges = inline.without_badges(_ATTRIBUTES.sub("", raw))
    report.badges += badges
    status, text = _box(text)
    found = [link for link in report.links_of(text) if not link.url.startswith("#")]
    text = _title_text(text, report.links_of(text), found)
    rest: list[str] = []
    for _ in range(8):
        one, shorter = _status_at_end(text, line, report)
        if one and not status:
            status = one
        elif (bracket := _LAST_BRACKET.search(text)) and bracket.start() > 0:
            rest.insert(0, bracket[1].strip())
            shorter = text[: bracket.start()]
        else:
            break
        text = shorter.rstrip()
    if status is None:
        status, text = picture(text)
    text = _TITLE_NUMBER.sub("", text.strip(), count=1)
    return Title(words.strip_marks(text), status, tuple(found), tuple(rest))


def _title_text(text: str, all_links: list[Inline], taken: list[Inline]) -> str:
    """The text with each link replaced by its label, or by nothing where that names a kind of link."""
    out: list[str] = []
    at = 0
    for link in all_links:
        out.append(text[at : link.start])
        name_only = link in taken and (link.bracketed or words.is_name(link.label) or link.bare)
        jump = link.url.startswith("#") and words.strip_marks(link.label).lower().strip("[]() ↑🔝") in (
            "",
            "top",
            "back to top",
        )
        out.append("" if (name_only and (at or link.start or link.bare or link.bracketed)) or jump else link.label)
        at = link.end
    out.append(text[at:])
    joined = "".join(out)
    return tidy(joined) if len(taken) and joined != text else joined


def _box(text: str) -> tuple[Status | None, str]:
    """The task-list box at the head of a title."""
    box = _BOX.match(text)
    if not box:
        return None, text
    return box_status(box["mark"]), text[box.end() :]


def box_status(mark: str) -> Status:
    """The status of a task: ticked is read, a half-done mark reading."""
    if mark in ("/", "~", "-"):
        return Status.reading
    return Status.read if mark.strip() else Status.unread


def _status_at_end(text: str, line: int, report: Report) -> tuple[Status | None, str]:
    if bracket := _LAST_BRACKET.search(text):
        if status := status_of(bracket[1], line, report):
            return status, text[: bracket.start()]
    elif (other := _LAST_PAREN.search(text)) and (status := status_of(other[1], line, report)):
        return status, text[: other.start()]
    elif (
        (strong := _LAST_STRONG.search(text))
        and strong["in"].isupper()
        and (status := _STATUS.get(_plain(strong["in"])))
    ):
        return status, text[: strong.start()]
    return None, text


def status_of(raw: str, line: int, report: Report) -> Status | None:
    """The status that stands in brackets, also a misspelt one; None where it is something else."""
    word = _plain(raw)
    if word in _STATUS and (word != "X" or raw.strip() in "xX"):
        return _STATUS[word]
    quoted = raw.strip()[:1] in "`'\"‘’“" and raw.strip()[-1:] in "`'\"‘’”"
    meant = _misspelt(word, quoted) if word.isalpha() and (quoted or raw.strip().isupper()) else ""
    if not meant:
        return None
    report.add("repaired", "status", f"status {word} read as {meant}", line)
    return _STATUS[meant]


def named_status(word: str) -> Status | None:
    """The status that a word names, spelt as it should be."""
    return _STATUS.get(_plain(word))


def _misspelt(word: str, quoted: bool) -> str:
    """The status a word is a slip of: two slips in a long word between quotes, one or a transposition elsewhere."""
    if not 3 <= len(word) <= 9:
        return ""
    far = {spelt: words.near(word, spelt) for spelt in _SPELT}
    best = min(_SPELT, key=lambda spelt: (far[spelt], sorted(spelt) != sorted(word), spelt != "READ"))
    same_letters = sorted(best) == sorted(word)
    if far[best] == 1:
        return best if quoted or (len(word) >= 4 and (same_letters or len(word) != len(best))) else ""
    return best if quoted and far[best] == 2 and (same_letters or len(word) >= 5) else ""


def _plain(raw: str) -> str:
    return " ".join(raw.strip("`'\"‘’“”*_ ").upper().split())


def picture(text: str) -> tuple[Status | None, str]:
    """A tick or an empty box, at either end of a title."""
    for marks, status in ((_READ_MARKS, Status.read), (_UNREAD_MARKS, Status.unread)):
        for mark in marks:
            if text.startswith(mark):
                return status, text[len(mark) :].strip()
            if text.endswith(mark):
                return status, text[: -len(mark)].strip()
    return None, text


def plain_heading(raw: str) -> str:
    """A heading's words: no pictures, emphasis, addresses, emoji, numbering or trailing colon."""
    text = _ATTRIBUTES.sub("", raw)
    text = inline.cut(text, [(start, end) for start, end, _ in inline.images(text)])
    found = inline.links(text, {})
    out = []
    at = 0
    for link in found:
        label = words.strip_marks(link.label)
        names_only = link.bare or (link.bracketed and words.is_name(label))
        keep = not names_only and label.lower().strip("[]() ↑🔝") not in ("", "top", "back to top", "link", "code")
        out += [text[at : link.start], label if keep else ""]
        at = link.end
    text = words.strip_marks("".join([*out, text[at:]]))
    text = "".join(c for c in text if not words.is_pictograph(c)).strip()
    for _ in range(3):
        text = _NUMBER.sub("", text).strip()
    return text.rstrip(":： ").strip()


def is_generic(raw: str) -> bool:
    """Whether a heading says nothing about what stands under it: "Papers", "Table of contents", "2023"."""
    parts = re.findall(r"[^\W_]+|&", plain_heading(raw).casefold())
    return all(part in _GENERIC or (part.isdigit() and len(part) <= 8) or part in ("s", "re", "d") for part in parts)


def is_part(raw: str) -> bool:
    """Whether a heading names what a paper comes with, such as "Tutorials"; by itself it is no title."""
    return bool(_PART.fullmatch(plain_heading(raw)))


def is_boilerplate(raw: str) -> bool:
    """Whether a heading opens a part of a page that lists no papers: licence, contributing, contents."""
    parts = re.findall(r"[^\W_]+", plain_heading(raw).casefold())
    return all(part in _BOILERPLATE or part in _GENERIC for part in parts) and not _BOILERPLATE.isdisjoint(parts)


def tag_of(raw: str) -> str:
    """The tag that an enclosing heading gives to the papers under it, or ""."""
    if is_generic(raw):
        return ""
    text = plain_heading(raw)
    bracket = _LAST_BRACKET.search(text)
    if bracket and bracket.start() > 0:
        text = text[: bracket.start()].strip()
    if (short := re.fullmatch(r"(.+?)[ \t]*\(([^()\s]{2,12})\)", text)) and _is_acronym(short[2], short[1]):
        text = short[2]
    return fit_tag(text)


def fit_tag(text: str) -> str:
    """The text as a tag may be written: without the characters a tag cannot hold, at most 100 of them."""
    text = words.clean(re.sub(r"[`|<>\"{}\[\]\\]", " ", text))
    return text if len(text) <= 100 else text[:100].rsplit(" ", 1)[0].strip()


def _is_acronym(short: str, long: str) -> bool:
    """Whether the letters of `short` are initials, in order, of the parts of `long`; a plural s is free."""
    initials = [part[0].casefold() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", long)]
    letters = [c for c in short if c.isalnum()]
    if letters and letters[-1] == "s" and len(letters) > 2:
        letters = letters[:-1]
    at = iter(initials)
    return len(letters) >= 2 and all(letter.casefold() in at for letter in letters)


def leads_to_paper(title: Title) -> bool:
    """Whether a title is itself a link to a paper."""
    return any(urls.is_paper(link.url) for link in title.links)
