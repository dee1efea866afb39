"""Lines that say what they hold: `paper link: …`, `tag: …`, `key: …`, and lines of nothing but links."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from catalog.ingest.readinglist import headings, inline, words
from catalog.ingest.readinglist.inline import Inline
from catalog.ingest.readinglist.report import Report, as_code, name_for, tidy, valid_name
from catalog.models import Link, Status, tag_slug

_BULLET = re.compile(r"^[ \t]*(?:>[ \t]*)?(?:(?:[-*+•]|\d{1,3}[.)])[ \t]+)?")
_LABEL = re.compile(r"^(?P<name>[^:：\[\]<>|()\n]{1,60}?)[ \t]*[:：][*_]*(?=[ \t]|\[|<|`|$|https?://)[ \t]*", re.I)
_NO_COLON = re.compile(
    r"^(?P<name>[*_]*[A-Za-z][\w /-]{0,40}?[ \t]links?[*_]*)[ \t]*[-–—=>]*[ \t]*(?=\[|<|https?://)", re.I
)
_SEPARATORS = re.compile(r"^[\s|,;/·•&+\-–—()\[\]{}:.*_!>]*(?:and[\s]*)?$")
_CITE = re.compile(
    r"^[ \t]*[*_#]*(?:citation|cite|bibtex|bib|citing|reference)s?[ \t]*(?:\(bibtex\))?[*_]*[ \t]*[:：]?[*_]*[ \t]*$",
    re.I,
)
_LINKS_FOLLOW = re.compile(r"\b(?:links?|urls?)$|^(?:models?|datasets?|papers?|codes?|resources)$", re.I)
_FORMATS = ("pdf", "html", "ps", "site", "web", "page", "article", "post", "document")
FACTS = ("tag", "tags", "keyword", "keywords", "key", "added", "read", "due", "aliases", "alias", "status",
         "author", "authors", "year", "venue")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """A line as name and value: `tag` and the tags, or a link's name and the links."""

    name: str
    value: str
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The links of a line, and what of the line they leave over, to be kept in the notes."""

    links: tuple[Link, ...]
    left: str = ""


def after_bullet(line: str) -> str:
    """A line without the bullet or number it may begin with."""
    return _BULLET.sub("", line, count=1)


def split_label(line: str) -> Label | None:
    """The label of a line and what follows it."""
    text = after_bullet(line)
    match = _LABEL.match(text) or _NO_COLON.match(text)
    if not match:
        return None
    name = match["name"].strip()
    if name.startswith(("http", "!")) or not name.strip("*_ "):
        return None
    plain = name if name.startswith("`") else name.strip("*_ ")
    value = text[match.end() :].strip()
    return Label(plain, value, bool(re.search(r"\blinks?$", plain, re.I)))


def is_citation_label(line: str) -> bool:
    """Whether a line only announces the BibTeX that follows."""
    return bool(_CITE.match(line[:80])) or bool(
        re.fullmatch(r"\s*<summary>[^<>]*</summary>\s*", line) and "cit" in line.lower()
    )


def is_link_line(line: str, report: Report) -> bool:
    """Whether a line gives a paper's links."""
    label = split_label(line)
    if label and (label.explicit or label.value):
        if label.name.lower() in FACTS:
            return False
        if _is_links_only(label.value, report):
            return bool(report.links_of(label.value)) or label.explicit
        return (label.explicit or words.is_name(label.name)) and bool(report.links_of(label.value))
    return _names_all(line, report)


def take_links(line: str, number: int, report: Report, current: str = "") -> Taken | None:
    """The links of a link line; None where it is none. `current` is the name that a line before it announced."""
    label = split_label(line)
    if not is_link_line(line, report):
        if not current or not _is_links_only(after_bullet(line), report):
            return None
        label = None
    value = label.value if label else after_bullet(line)
    name = _name(label.name, number, report) if label else current
    if label and not report.links_of(value) and _is_links_only(value, report):
        report.add(
            "repaired",
            "empty-link",
            f"a {name or 'link'} link without an address was left out",
            number,
            "add its address",
        )
        return Taken(())
    return _walk(value, name, number, report)


def announces_links(line: str) -> str:
    """The raw name of the links that the lines after this one hold ("model links:"), or ""."""
    label = split_label(line)
    if label and not label.value and _LINKS_FOLLOW.search(label.name) and label.name.lower() not in FACTS:
        return label.name
    return ""


def announced(raw: str) -> str:
    """The name that such a line gives to its links."""
    return valid_name(words.link_name(raw)[0])


def _name(raw: str, number: int, report: Report) -> str:
    name, mended = words.link_name(raw)
    if mended:
        report.add("repaired", "link-name", f"link name {raw!r} read as {name!r}", number)
    return valid_name(name) if not raw.startswith("`") else name


def _is_links_only(text: str, report: Report) -> bool:
    """Whether nothing but links, separators and names of links stands in the text."""
    if not text.strip() or ("](" not in text and not report.links_of(text)):
        return not text.strip()
    at = 0
    for link in report.links_of(text):
        if not _is_gap(text[at : link.start]):
            return False
        at = link.end
    return _is_gap(text[at:])


def _is_gap(gap: str) -> bool:
    if _SEPARATORS.match(gap):
        return True
    name = gap.strip(" \t|,;/·•&-–—()[]*_:")
    return len(name) <= 40 and words.is_name(name)


def _names_all(line: str, report: Report) -> bool:
    """Whether a line is nothing but links whose kind is plain from themselves."""
    found = report.links_of(line)
    if not found or all(link.url.startswith("#") for link in found):
        return False
    if not _is_links_only(after_bullet(line), report):
        return False
    return all(
        link.bracketed or link.bare or link.image or (link.label and words.is_name(link.label)) for link in found
    )


def _walk(text: str, name: str, number: int, report: Report) -> Taken:
    made: list[Link] = []
    left: list[str] = []
    at = 0
    for found in report.links_of(text):
        gap = tidy(text[at : found.start])
        at = found.end
        gap_name = gap.rstrip(": ").strip("*_ ")
        if gap_name and (gap.endswith((":", "：")) or words.is_name(gap_name)) and len(gap_name) <= 40:
            name = _name(gap_name, number, report)
        elif gap:
            left.append(gap)
        link_name = _one_name(found, name)
        link = report.make(link_name, found, number)
        if link:
            made.append(link)
        elif found.url.strip("# "):
            left.append(as_code(text[found.start : found.end]))
    left.append(tidy(text[at:]))
    rest = " ".join(part for part in left if part and not words.is_name(part))
    if rest and not rest.startswith("`"):
        report.add("kept", "beside-a-link", f"text beside a link kept in the notes: {rest[:80]!r}", number)
    return Taken(tuple(made), rest)


def _one_name(found: Inline, name: str) -> str:
    """The name of one link of a line: its own label where that names another kind, else the line's."""
    if found.exact:
        return name or "link"
    label = words.strip_marks(found.label)
    own = words.link_name(label)[0] if label and words.is_name(label) else ""
    if name and (own not in words.SYNONYMS or label.lower() in _FORMATS or words.is_empty_label(label, name)):
        return name
    return name_for(found)


def tags(value: str, number: int, report: Report) -> tuple[str, ...]:
    """The tags of a tag line: split at bars and commas, not inside backticks."""
    parts = re.findall(r"`[^`]*`|[^`|,;、，]+", value)
    hashed = value.split() if value.strip().startswith("#") and "`" not in value else []
    out = []
    for part in [word.strip(",|;") for word in hashed] if hashed else parts:
        quoted = part.startswith("`")
        raw = part.strip("`").strip() if quoted else words.strip_marks(part).lstrip("#").strip()
        tag = headings.fit_tag(raw)
        if tag != " ".join(raw.split()):
            report.add("repaired", "tag", f"tag {raw[:60]!r} written as {tag!r}", number)
        if tag:
            out.append(tag)
    return tuple(out)


def unique_tags(found: tuple[str, ...]) -> tuple[str, ...]:
    """Each tag once, whatever its spelling; the first stays."""
    first: dict[str, str] = {}
    for tag in found:
        first.setdefault(tag_slug(tag), tag)
    return tuple(first.values())


def date(value: str) -> dt.date | None:
    """A day, YYYY-MM-DD, or None."""
    try:
        return (
            dt.date.fromisoformat(value.strip().strip("`"))
            if re.fullmatch(r"`?\d{4}-\d\d-\d\d`?", value.strip())
            else None
        )
    except ValueError:
        return None


def authors(value: str) -> tuple[str, ...]:
    """Names in backticks, or parted by `|` or `;`, or by commas where each is a whole name; else empty."""
    if quoted := re.findall(r"`([^`]+)`", value):
        return tuple(quoted)
    if "|" in value or ";" in value:
        parts = re.split(r"[|;]", value)
    else:
        parts = re.split(r",\s*(?:and\s+|&\s*)?|\s+and\s+|\s*&\s*", value)
        if len(parts) > 1 and any(len(part.split()) < 2 for part in parts if part.strip()):
            return ()
    names = tuple(" ".join(words.strip_marks(part).split()) for part in parts if part.strip())
    return () if any(re.search(r"[`|<>{}\[\]\\]|^et al|^others$", name) or len(name) > 200 for name in names) else names


def year(value: str) -> int:
    """A year alone; 0 where it is none."""
    return int(value.strip()) if re.fullmatch(r"[12]\d{3}", value.strip()) else 0


def key(value: str) -> str:
    """A citation key, in backticks or bare, or "" where the value is none."""
    value = value.strip()
    if len(value) > 2 and value[0] == value[-1] == "`":
        value = value[1:-1]
    elif not re.fullmatch(r"[\w:./+-]{1,200}", value):
        return ""
    return "" if any(c in value for c in "{},\n\t") else value


def keys(value: str) -> tuple[str, ...]:
    """Several citation keys, or none where one of them is not a key."""
    found = tuple(key(part) for part in value.split(","))
    return found if all(found) else ()


def status(value: str, number: int, report: Report) -> Status | None:
    """The status of a `status: …` line."""
    return headings.status_of(value.strip("[]() "), number, report)


def bare_images_only(line: str) -> bool:
    """Whether a line holds nothing but badges."""
    rest, count = inline.without_badges(line)
    return count > 0 and not rest.strip(" []()\t")
