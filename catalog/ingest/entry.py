"""One entry in the making: facts by label, links, BibTeX, tutorials; what finds no place is its notes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from catalog.bibtex import decode, read, scan
from catalog.bibtex.dates import of_arxiv
from catalog.bibtex.identifiers import arxiv, doi
from catalog.errors import BadBibtex, BadFile
from catalog.export.readinglist import as_code
from catalog.ingest import standing, values, words
from catalog.ingest.draft import Draft
from catalog.ingest.line import Anchor
from catalog.ingest.report import Report, clean, fit_tag
from catalog.ingest.tree import Node, Text, blanked
from catalog.models import Link, Status, Tutorial, tag_slug
from catalog.paperfile import fields_of
from catalog.text import fold, ticks

_LATER = 2  # months
_BREAK = re.compile(r"<br ?/?>|</?(?:pre|code|p)\b[^<>]*>", re.I)
_KEY = re.compile(r"@?\s*\w+\s*[{(]\s*([^\s,{}]*)")


@dataclass(slots=True)
class Entry:
    """A draft in the making. `parts` are its notes: lines of the source (first, last), or text."""

    line: int
    title: str = ""
    status: Status | None = None
    links: list[Link] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    tutorials: list[Tutorial] = field(default_factory=list)
    authors: tuple[str, ...] = ()
    date: str = ""
    venue: str = ""
    key: str = ""
    kind: str = ""
    abstract: str = ""
    rating: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    days: dict[str, dt.date] = field(default_factory=dict)
    extras: dict[str, str] = field(default_factory=dict)
    bibtex: str = ""
    entry_title: str = ""
    others: list[str] = field(default_factory=list)
    parts: list[tuple[int, int] | str] = field(default_factory=list)
    exact: list[str] = field(default_factory=list)
    touched: bool = False
    year: int = 0
    appeared: str = ""  # the year beside a venue, which counts before any other
    guessed: set[str] = field(default_factory=set)

    def note(self, part: tuple[int, int] | str) -> None:
        """Keep lines of the source, or a text; lines that follow each other stay together."""
        last = self.parts[-1] if self.parts else None
        if isinstance(part, tuple) and isinstance(last, tuple) and not self.touched and part[0] > last[1]:
            self.parts[-1] = (last[0], part[1])
        elif part:
            self.parts.append(part)
        self.touched = False

    def _preprint(self) -> str:
        found = (self.ids.get("arxiv", ""), *(arxiv(link.url) for link in self.links))
        return next(filter(None, found), "")

    def _part_day(self) -> None:
        """Make a note of a day long after the preprint: the list's own, as a reading group's, and not of the work."""
        if self.date and self._preprint().startswith(f"{self.date}."):  # "arXiv 2004", of 2004.13799
            self.date = of_arxiv(self._preprint())
        if len(self.date) != 10 or self.venue or self.bibtex:
            return
        if given := of_arxiv(self._preprint()):
            year, month = map(int, given.split("-"))
            day = dt.date.fromisoformat(self.date)
            if (day.year - year) * 12 + day.month - month > _LATER:
                self.note(f"date: {self.date}")
                self.date = ""

    def draft(self, lines: Sequence[str], order: int, section: tuple[str, ...]) -> list[Draft]:
        """The draft of the paper, and those of other works whose BibTeX stands with it."""
        self._part_day()
        if self.appeared and self.date and not self.date.startswith(self.appeared[:4]):
            self.date = self.appeared
        tags = unique_tags(self.tags)
        notes = "\n\n".join(_lines(lines, *part) if isinstance(part, tuple) else part for part in self.parts)
        notes = _trim(notes)
        if re.match(r"(?:`{3,}|~{3,})[ \t]*bib", notes, re.I) and not self.bibtex:
            notes = f"BibTeX that could not be read:\n\n{notes}"
        for exact in self.exact:
            notes = f"{notes}\n\n{exact}" if notes else exact
        if self.bibtex:  # what an entry says is not guessed again from the line beside it
            self.authors = () if "authors" in self.guessed else self.authors
            self.venue = "" if "venue" in self.guessed else self.venue
            self.date = "" if "date" in self.guessed else self.date
        year = int(self.date) if len(self.date) == 4 else 0
        status = self.status or (Status.read if "read" in self.days else None)
        if "read" in self.days and status is not Status.read:  # it is read again
            notes = "\n\n".join(filter(None, (notes, f"Read before, on {self.days.pop('read')}.")))
        first = Draft(
            title=self.title, authors=self.authors, year=self.year or year,
            date=self.date if len(self.date) > 4 else "", venue=self.venue, key=self.key,
            status=status, read=self.days.get("read"), added=self.days.get("added"), due=self.days.get("due"),
            links=grouped(self.links), tags=tags, tutorials=tuple(self.tutorials), aliases=self.aliases,
            different=self.different, kind=self.kind, ids=self.ids, abstract=self.abstract, rating=self.rating,
            extras=self.extras, order=order, section=section, bibtex=self.bibtex, notes=notes, line=self.line,
        )  # fmt: skip
        other = Draft(tags=tags, order=order, section=section, line=self.line)
        return [first, *(replace(other, bibtex=text) for text in self.others)]


def _lines(lines: Sequence[str], first: int, last: int) -> str:
    part = [line.expandtabs(4) if line[:1] == "\t" else line for line in lines[first - 1 : last]]
    margin = min((len(line) - len(line.lstrip()) for line in part if line.strip()), default=0)
    return "\n".join(line[margin:] for line in part).strip("\n") if margin else "\n".join(part).strip("\n")


def _trim(text: str) -> str:
    return re.sub(r"\A(?:[ \t]*\n)+", "", text.rstrip())


def grouped(links: Sequence[Link]) -> tuple[Link, ...]:
    """Each link once, those of one name side by side; one address under a better name only there."""
    names = list(dict.fromkeys(link.name for link in links))
    once = {(link.name, link.url): link for link in reversed(links)}
    ordered = list(once.values())[::-1]
    return tuple(sorted(ordered, key=lambda link: names.index(link.name)))


def unique_tags(found: Sequence[str]) -> tuple[str, ...]:
    """Each tag once, whatever its spelling; the first stays."""
    first: dict[str, str] = {}
    for tag in found:
        if tag:
            first.setdefault(tag_slug(tag), tag)
    return tuple(first.values())


def codes(text: Text) -> list[str]:
    """What stands in code, to the letter."""
    return [text.plain[mark.start : mark.end] for mark in text.of("code")]


def _all_code(text: Text) -> bool:
    """Whether a value is nothing but code and separators: then each stands for itself."""
    code = [(mark.start, mark.end) for mark in text.of("code")]
    return bool(code) and not blanked(text.plain, code).strip(" |,;")


def set_fact(entry: Entry, name: str, value: Text, report: Report, line: int) -> bool:
    """Put the value of a label or a column into its field; False where it is no good value for it."""
    exact = codes(value) if _all_code(value) else []
    plain = value.plain.strip(" \t\n*_")
    setter = _SETTERS.get(name)
    if setter and (exact or plain):
        done = setter(entry, plain, exact, report, line)
        how = not done and name == "read" and words.plain(plain) != "read"
        return done or (how and _set_status(entry, plain, exact, report, line))
    return name in _IDS and bool(plain) and _set_id(entry, name, plain)


def _set_title(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    entry.title = exact[0] if exact else clean(plain)
    return True


def _set_authors(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    names = tuple(exact) or values.authors(plain)
    good = [name for name in names if name and not re.search(r"[`|<>{}\[\]\\]", name) and len(name) <= 200]
    if not good or (entry.authors and not exact):
        return False
    entry.authors = tuple(good)
    return len(good) == len(names)


def _set_venue(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    if not exact and values.is_date(plain):  # when it was published
        return _set_date(entry, plain, exact, _report, _line)
    shown = None if exact else values.venue(plain)
    name = exact[0] if exact else shown.name if shown else ""
    if shown and shown.date:
        entry.appeared = shown.date if shown.known and shown.name.lower() != "arxiv" else ""
        if not entry.date:
            entry.date = shown.date
            entry.guessed.add("date")
    if entry.venue and name:
        return entry.venue.casefold() == clean(name)[:2000].casefold()
    entry.venue = entry.venue or clean(name)[:2000]
    return bool(name or (shown and shown.date))


def _set_date(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    if exact and re.fullmatch(r"[12]\d{3}", exact[0]):
        entry.year = int(exact[0])
        return True
    if exact and re.fullmatch(r"\d{4}(?:-\d\d){0,2}", exact[0]):
        entry.date = exact[0]
        return True
    found = values.date(plain)
    if re.fullmatch(r"(?:19|20)\d\d", plain) and len(entry.date) > 4:
        entry.year = int(plain)
        return True
    if not found:
        shown = values.venue(plain)
        if not shown or not shown.date:
            return False
        found = values.Found(shown.date, 0, len(plain))
        plain = shown.name
        rest = plain
    else:
        rest = (plain[: found.start] + plain[found.end :]).strip(" .,;:()[]-–—/'")
    if len(rest.split()) > 8:  # a text that names a day
        return False
    if len(found.value) >= len(entry.date):
        entry.date = found.value
    shown = values.venue(rest) if rest else None
    if shown and (shown.known or not entry.venue) and not entry.venue and values.is_venue_like(shown.name):
        entry.venue = shown.name
        return True
    return not re.sub(r"(?i)\b(?:published|on|in|year|date|v\d+|th|st)\b", "", rest).strip(" .,;:")


def _set_day(name: str) -> Callable[[Entry, str, list[str], Report, int], bool]:
    def setter(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
        found = values.day(exact[0] if exact else plain)
        if found and len(plain) <= 32:
            entry.days[name] = found
        return bool(found) and len(plain) <= 32

    return setter


def _set_status(entry: Entry, plain: str, _exact: list[str], report: Report, line: int) -> bool:
    if told := standing.day_of_reading(plain):  # "Finished (2021-04-05)"
        entry.days.setdefault("read", told[0])
        plain = f"{plain[: told[1]]}{plain[told[2] :]}" if plain[: told[1]].strip() else Status.read
    raw = plain.strip("[]() ")
    status = words.status_word(raw) or words.tick(raw)[0] or words.answer(raw)
    if not status and (status := words.misspelt(raw)):
        report.add("repaired", "status", f"status {raw.upper()} read as {status.upper()}", line)
    entry.status = entry.status or status
    return status is not None


def _set_rating(entry: Entry, plain: str, _exact: list[str], _report: Report, _line: int) -> bool:
    entry.rating = entry.rating or values.rating(plain)
    return bool(values.rating(plain))


def _set_tags(entry: Entry, plain: str, exact: list[str], report: Report, line: int) -> bool:
    hashed = plain.split() if plain.startswith("#") and not exact else []
    parts = exact or hashed or re.split(r"[|,;、，；\n]", plain)
    if len(parts) == 1 and len(plain) > 100 and not exact:  # words one after another: none of them ends
        return False
    for part in parts:
        raw = part if exact else part.strip().strip(",|;").lstrip("#").strip()
        tag = fit_tag(raw)
        if tag != " ".join(raw.split()):
            report.add("repaired", "tag", f"tag {raw[:60]!r} written as {tag!r}", line)
        if tag:
            entry.tags.append(tag)
    return True


def _set_abstract(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    if entry.abstract or len(plain) > 20_000:
        return False
    entry.abstract = exact[0] if exact else clean(plain)
    return True


def _set_key(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    if not exact and re.search(r"[,\]]", plain):  # "Key: [planning], [agents]"
        return _set_tags(entry, re.sub(r"[\[\]]", "", plain), exact, _report, _line)
    key = exact[0] if exact else plain if re.fullmatch(r"[\w:./+-]{1,200}", plain) else ""
    if not key or any(c in key for c in "{},\n\t"):
        return False
    entry.key = key
    return True


def _set_aliases(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    keys = exact or [part.strip() for part in plain.split(",")]
    good = all(key and not any(c in key for c in "{},\n\t") for key in keys)
    entry.aliases += tuple(keys) if good else ()
    return good


def _set_kind(entry: Entry, plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    entry.kind = exact[0] if exact else words.type_of(plain)
    return True


def _set_ids(entry: Entry, _plain: str, exact: list[str], _report: Report, _line: int) -> bool:
    entry.ids |= {name: value for name, mark, value in (one.partition("=") for one in exact) if mark}
    return bool(exact)


def _set_id(entry: Entry, name: str, plain: str) -> bool:
    found = doi(plain) if name == "doi" else arxiv(plain, bare=True) if name == "arxiv" else plain.strip()
    found = found.replace("-", "") if name == "isbn" else found.replace("<", "%3C").replace(">", "%3E")  # old DOIs
    if not found or re.search(r"""[\s<>"`|{}\\^]""", found) or len(found) > 300:
        return False
    entry.ids.setdefault(name, found)
    if name == "doi" and (preprint := arxiv(found)):
        entry.ids.setdefault("arxiv", preprint)
    return True


_IDS = ("doi", "arxiv", "isbn", "issn", "pmid", "pmcid", "acl", "openreview")
_SETTERS: Mapping[str, Callable[[Entry, str, list[str], Report, int], bool]] = {
    "title": _set_title, "authors": _set_authors, "venue": _set_venue, "date": _set_date, "read": _set_day("read"),
    "added": _set_day("added"), "due": _set_day("due"), "status": _set_status, "rating": _set_rating,
    "tags": _set_tags, "abstract": _set_abstract, "key": _set_key, "aliases": _set_aliases, "kind": _set_kind,
    "ids": _set_ids,
}  # fmt: skip


def take_link(entry: Entry, name: str, anchor: Anchor, report: Report, line: int) -> str:
    """Add a link; of one that is refused what is left, as code."""
    if made := report.link(name, anchor, line, entry.title):
        entry.links.append(made)
    return "" if made or not anchor.mark.url.strip("# ") else as_code(f"[{anchor.label}]({anchor.mark.url})")


def take_front_matter(entry: Entry, text: str) -> bool:
    """Fields as an export fenced them off; False where they are not what it writes."""
    try:
        values, extras = fields_of(text)
    except BadFile:
        return False
    apart = values.pop("different", [])
    if not isinstance(apart, list) or set(values) - set(extras):
        return False
    entry.different, entry.extras = tuple(map(str, apart)), entry.extras | extras
    return True


def take_bibtex(entry: Entry, region: Node, report: Report) -> None:
    """The first entry of a block is the paper's own; one of the same work is kept, another work becomes a paper."""
    found, others = entries_of(region, report)
    for text in others:
        report.add("kept", "beside-bibtex", "text beside BibTeX kept in the notes", region.line)
        entry.note(text)
    if not found and not others and region.raw.strip():
        entry.note((region.line, region.end))
    for text in found:
        title = title_of(text)
        if not entry.bibtex:
            entry.bibtex, entry.entry_title = text, title
            entry.touched = True
        elif fold(title) and fold(title) == fold(entry.entry_title):
            _second(entry, text, region.line, report)
        else:
            message = "another work's BibTeX in this section became a paper of its own"
            report.add("note", "other-entry", message, region.line)
            entry.others.append(text)


def entries_of(region: Node, report: Report) -> tuple[list[str], list[str]]:
    """The entries of a block of BibTeX, and what stood beside them; one that cannot be read is taken as it is."""
    if region.info == "verbatim":
        return [region.raw], []
    text = _BREAK.sub("\n", region.raw) if "<" in region.raw else region.raw
    first = region.line + (1 if region.text.plain == "fence" else 0)
    found, others = [], []
    for part in scan(text):
        for finding in part.findings:
            report.add(finding.kind, finding.code, finding.message, finding.line + first - 1, finding.remedy)
        if part.kind in ("entry", "broken"):
            found.append(_trim(part.text))
        elif part.kind in ("string", "preamble"):
            report.shared.append(part.text)
        elif part.raw.strip():
            others.append(part.raw.strip())
    return found, others


def _second(entry: Entry, text: str, line: int, report: Report) -> None:
    """A further entry of the same work: beside the first under its own key, in the notes under one that is there."""
    keys = [_key_of(one) for one in entry.bibtex.split("\n\n@")]
    if _key_of(text) not in keys:
        report.add("note", "second-entry", "a second BibTeX entry of this work is kept beside the first", line)
        entry.bibtex += f"\n\n{text}"
        return
    report.add("kept", "second-entry", "a second BibTeX entry under the same key is kept in the notes", line)
    fence = ticks(text)
    entry.note(f"{fence}bibtex\n{text}\n{fence}")


def _key_of(text: str) -> str:
    found = _KEY.match(text)
    return found[1].casefold() if found else ""


def title_of(text: str) -> str:
    """The title in an entry as it is shown, or ""."""
    try:
        return decode(read(text).fields.get("title", ""))
    except BadBibtex:
        return ""
