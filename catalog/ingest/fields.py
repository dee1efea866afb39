"""From the entries of a list to drafts: titles by the template, the rest by its place, by label, by look.

What stands in one place of an entry (the second paragraph, the parenthesis after the title, the third column) is most
often the same thing in all of a run: what is plain in some entries decides for those where it is not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from catalog.bibtex.identifiers import arxiv
from catalog.ingest import roles, template, urls, values, words
from catalog.ingest.below import Below
from catalog.ingest.cells import take_cell
from catalog.ingest.draft import Draft
from catalog.ingest.entry import Entry, set_fact, take_link
from catalog.ingest.labels import label_of
from catalog.ingest.line import KIND_OF_WORK, Anchor, Line, external, idle_pictures
from catalog.ingest.pieces import Piece, cut, heading_title, in_prose, linked_names, numbered, with_marks
from catalog.ingest.places import Places
from catalog.ingest.report import Report, clean, joined, link_name, markdown
from catalog.ingest.tags import tags_of
from catalog.ingest.template import Choice
from catalog.ingest.tree import Text
from catalog.ingest.units import Found, Unit
from catalog.models import Status
from catalog.progress import each

_RISKY_YEAR = re.compile(r"(?<![\d.:/])(?:19[5-9]\d|20[0-4]\d)(?!\d|[.:/-]\d)")
_TAG_DATED = re.compile(r"(?:[A-Z][\w&-]*\W+)?(?:19|20)\d\d(?:\W+[A-Z][\w&-]*)?")
_AFTER_QUOTED = re.compile(
    r"[,.?!]?[\"”]?[\s,.]*(?:[Ii]n:?\s+)?(?P<venue>[A-Za-z][^,\"“”\n]{2,150}),\s+(?:[^\n\"“”]{0,60}?[\s,.])?"
    r"(?P<year>(?:19|20)\d\d)(?!\d)"
)
_AFTER_TYPE = re.compile(  # "[J]. Neural Networks, 2021", " // Автоматика. 2021. № 4"
    rf"\s*(?://|{KIND_OF_WORK.pattern})\s*(?P<venue>[^\n,]{{3,150}}?)(?:,|[.])\s+"
    r"(?:(?:Т|Вып|№|Vol|No)\.?\s*\d+[\s.,]*)*(?P<year>(?:19|20)\d\d)(?!\d)"
)
_LAST_YEAR = re.compile(
    r"(?<=\S)(?:\s*(?P<paren>\((?:[A-Z]{2,} )?(?:1[5-9]|20)\d\d(?: [A-Z]{2,})?\))|\s+(?:1[5-9]|20)\d\d)$"
)
_BESIDE_VENUE = re.compile(
    r"\b(?:accepted|papers?|list|awesome|publications?|main|conference|oral|poster|the|论文)\b", re.I
)
_LONGEST = 4000  # characters of a line whose parts are told apart
_AFFILIATED = re.compile(r"[)）]\s*(?:et\s*\.?\s*al\b|,|;|&|and\b)")  # after what stands in parentheses beside a name


class Reader:
    """Reads the entries of one list."""

    def __init__(
        self, found: Found, common: frozenset[str], lines: Sequence[str], report: Report, wanted: dict[str, int]
    ) -> None:
        self.found, self.common, self.lines, self.report, self.wanted = found, common, lines, report, wanted
        self.readings: list[tuple[str, Choice, list[str], int]] = []
        self.places = Places(common, report)
        self.below = Below(self.places, lines, report)
        self.h1 = ""

    def run(self, h1: str) -> list[Draft]:
        """The drafts of all entries, in the order of the list."""
        self.h1 = h1
        runs: dict[str, list[Unit]] = defaultdict(list)
        for unit in self.found.units:
            runs[unit.run].append(unit)
        spans: dict[int, tuple[int, int]] = {}
        for name, units in runs.items():
            for unit, span in zip(units, self._titles(name, units), strict=True):
                spans[id(unit)] = span
        pieces = {id(unit): self._pieces(unit, spans[id(unit)]) for unit in self.found.units}
        for name, units in runs.items():
            self.places.vote(name, units, pieces)
        out: list[Draft] = []
        for order, unit in enumerate(each(self.found.units, "reading"), 1):
            out += self._draft(unit, spans[id(unit)], pieces[id(unit)], order)
        return out

    def _titles(self, run: str, units: Sequence[Unit]) -> list[tuple[int, int]]:
        if run.startswith("heading"):
            spans = [heading_title(unit.line, self.common) for unit in units]
            return _without_years([unit.line for unit in units], spans)
        wanted = next((n for s, n in self.wanted.items() if any(s == h for u in units for h in u.section)), 1)
        for unit in units:
            if any(words.field_of(name) == "authors" and cell.plain.strip() for name, cell in unit.cells):
                scored = template.readings(unit.line, self.common)  # no names stand behind a comma of the title, too
                unit.line.scored = {name: one for name, one in scored.items() if name.until != ","} or scored
        chosen, reading = template.choose([unit.line for unit in units], self.common)
        if wanted > 1 and reading.second:
            chosen, reading = template.choose([unit.line for unit in units], self.common, reading.second)
        examples = [units[n].line.plain[a:b] for n, (_, (a, b)) in enumerate(chosen[:3])]
        self.readings.append((_place(units), reading, examples, units[0].node.line))
        return _without_years([unit.line for unit in units], [span for _, span in chosen], in_run=False)

    def _pieces(self, unit: Unit, title: tuple[int, int]) -> list[Piece]:
        """The stretches of an entry's own line that are neither its title nor a link's name."""
        line = unit.line
        line.used.append(with_marks(line.plain, title))
        out: list[Piece] = []
        if len(line.plain) > _LONGEST:
            line.used += [(a.mark.start, a.mark.end) for a in line.anchors if not a.titled]
            return out
        named = linked_names(line, title)
        for start, end in named:
            out.append(Piece(start, end, "names"))
            line.used.append((start, end))
        line.persons += named
        for anchor in line.anchors:
            if title[0] < anchor.mark.end and anchor.mark.start < title[1]:
                if words.is_role(line.plain[title[1] : anchor.mark.end].strip(" ()[]（）")):
                    line.used.append((title[1], anchor.mark.end))
                continue
            if line.names_person(anchor):
                continue
            if anchor.titled and in_prose(line, anchor, title):
                continue
            if anchor.titled and len(anchor.label.split()) <= 14 and not anchor.bracketed:
                start, end = anchor.mark.start, anchor.mark.end
                out += list(cut(line, start, end, "link", title))
                line.used.append((start, end))
            elif not anchor.titled or anchor.bracketed:
                line.used.append((anchor.mark.start, anchor.mark.end))
        for start, end in line.free(line.start):
            out += cut(line, start, end, "", title)
        return numbered(out)

    def _draft(self, unit: Unit, title: tuple[int, int], pieces: Sequence[Piece], order: int) -> list[Draft]:
        line = unit.line
        entry = Entry(unit.node.line, clean(line.plain[title[0] : title[1]]).replace(" : ", ": "))
        entry.status, entry.rating, entry.key = line.status, line.rating, line.key
        if line.mended:
            self.report.add("repaired", "status", line.mended, entry.line)
        entry.days |= line.days
        if line.read:
            entry.days["read"] = line.read
        heading = unit.run.startswith("heading")
        guess = not line.own
        label = label_of(unit.body[0].text) if line.own and unit.body else None
        if not (label and label[0] == "title" and label[1].of("code")):  # else that says it all
            self._main(entry, unit, title, pieces, heading)
        for at in range(len(unit.cells)):
            take_cell(entry, at, unit, self.places, self.report)
        self.below.read(entry, unit, guess)
        self._from_place(entry, unit)
        section = tuple(name for name in unit.section if name)
        entry.tags = [*tags_of(unit.section, self.h1), *line.tags, *entry.tags]
        return entry.draft(self.lines, order, section)

    def _main(self, entry: Entry, unit: Unit, title: tuple[int, int], pieces: Sequence[Piece], heading: bool) -> None:
        """The entry's own line: links, badges, what its pieces are; the rest is the first of its notes."""
        line = unit.line
        labelled: set[int] = set()
        kept: list[str] = []
        pieces = self._cited(entry, line, title, pieces)
        named = any(self.places.role(line, piece) == "authors" for piece in pieces)
        for piece in pieces:
            raw = line.plain[piece.start : piece.end].rstrip(" (")
            text = raw.strip(' .,;:·|"“”')
            text += "." if raw.endswith(".") and re.search(r",\s?[A-Z]$|\s[А-ЯЁ]$", text) else ""  # "Quist, A."
            role = self._role(unit, piece, text, heading)
            if role.startswith("venue") and entry.authors and _AFFILIATED.match(line.plain, piece.end):
                continue
            sure = role and not role.endswith("?")
            if named and role == "authors" and self.places.role(line, piece) != role:
                continue  # "Big Bird: Ada Quist, Bo Lund"
            if sure and self.places.assign(entry, role, text, piece.place.startswith("before")):
                line.used.append((piece.start, piece.end))
                labelled.add(piece.start)
            elif piece.place.startswith(("link", "before link")):
                labelled.add(-piece.start - 1)
        for anchor in line.anchors:  # [[CVPR2020]](…)
            said = self.places.look(anchor.label, False) if anchor.bracketed and not anchor.role else ""
            if said in ("venue", "date"):
                self.places.assign(entry, said, anchor.label, False)
        before = self.places.look(line.lead_tag, False)
        told = before == "venue?" or "'" in line.lead_tag or "’" in line.lead_tag  # "[Constraints'2024] A title"
        before = "venue" if told and _TAG_DATED.fullmatch(line.lead_tag) else before
        if before in ("date", "venue") and self.places.assign(entry, before, line.lead_tag, True):
            line.lead_tag = ""
        for anchor in line.anchors:
            if line.names_person(anchor):
                continue
            self._link(entry, line, anchor, title, labelled, kept)
        for name, value in line.badges:
            set_fact(entry, name, Text(value), self.report, entry.line)
        self.report.badges += idle_pictures(line.text)
        self._leave(entry, line, kept, heading)

    def _role(self, unit: Unit, piece: Piece, text: str, heading: bool) -> str:
        """What a piece of an entry's line is, by its look and by what its place holds in the run; "?" where unsure."""
        role = self.places.role(unit.line, piece)
        voted = self.places.roles.get((unit.run, piece.place), "")
        voted = "venue" if voted == "date" and role == "venue?" else voted  # a day stands there in other entries
        if (role.endswith("?") or not role) and voted:
            names = roles.without_year(text) if piece.place.startswith("before") else text
            likely = values.likely_people(names, frozenset(), True) if voted != "venue" else 1.0
            told = (unit.run, piece.place) in self.places.dated
            fits = likely >= 0.25 if voted == "authors" else _may_be_venue(unit, piece, text, told)
            role = voted if fits and (role or likely) else ""
        alone = role == "authors?" and not unit.cells and not voted
        alone = alone or (role == "authors" and (unit.run, piece.place) in self.places.remarks and roles.is_cjk(text))
        return "" if alone or (heading and role == "authors" and "paren" not in piece.place) else role

    def _leave(self, entry: Entry, line: Line, kept: Sequence[str], heading: bool) -> None:
        free = [span for span in line.free(line.start) if line.plain[span[0] : span[1]].strip(" \n,.;:()|·–—-")]
        rest = markdown(line.text, free)
        for bracket in re.findall(r"\[([^\[\]]+)\]", rest) if heading else ():
            message = f"[{bracket[:60]}] in a title is no status; kept in the notes"
            self.report.add("kept", "heading-bracket", message, entry.line)
        pieces_left = [markdown(line.text, [span]) for span in free]
        parts = [rest] if heading else [line.lead_tag, *pieces_left]
        undated = not (entry.date or entry.bibtex or heading) and len(rest) < 200
        if undated and len(years := set(_RISKY_YEAR.findall(rest))) == 1:
            entry.date = years.pop()
        entry.ids |= {k: v for k, v in values.identifiers(line.plain).items() if k not in entry.ids}
        if not any(arxiv(link.url) for link in entry.links) and (stated := arxiv(line.plain[:_LONGEST])):
            entry.ids.setdefault("arxiv", stated)
        if text := joined([*parts, *kept]):
            entry.note(text)
            entry.touched = True

    def _cited(self, entry: Entry, line: Line, title: tuple[int, int], pieces: Sequence[Piece]) -> Sequence[Piece]:
        """Take the place and the year that follow a title in quotation marks, or its kind; the other pieces."""
        stop = next((a.mark.start for a in line.anchors if a.mark.start > title[1]), len(line.plain))
        quoted = title in line.quotes or re.match(r"[,.?!]?[\"”]", line.plain[title[1] : title[1] + 2])
        tail = (_AFTER_QUOTED if quoted else _AFTER_TYPE).match(line.plain[:stop], title[1])
        if not tail or tail["venue"].startswith("by "):
            return pieces
        if quoted and values.likely_people(tail["venue"], self.common) >= 0.5:
            return pieces
        found = arxiv(tail["venue"], bare=False)
        if found:
            entry.ids.setdefault("arxiv", found)
        self.places.assign(entry, "venue", "arXiv" if found else tail["venue"], False)
        self.places.assign(entry, "date", tail["year"], False)
        line.used += [(title[1], tail.end("venue")), tail.span("year")]
        return [piece for piece in pieces if piece.end <= title[1] or piece.start >= tail.end("year")]

    def _link(
        self, entry: Entry, line: Line, anchor: Anchor, title: tuple[int, int], labelled: set[int], kept: list[str]
    ) -> None:
        inside = title[0] < anchor.mark.end and anchor.mark.start < title[1]
        url = anchor.mark.url
        if url.startswith("#") or (anchor.image and not external(anchor)):
            return
        if not inside and anchor.titled and in_prose(line, anchor, title):
            return
        if not inside and anchor.titled and not anchor.bracketed and anchor.mark.start not in labelled:
            size = len(anchor.label.split())
            known = any(link.name == "paper" for link in entry.links)
            if size > 14 or -anchor.mark.start - 1 not in labelled or (size > 2 and known and not urls.is_paper(url)):
                kept.append(f"[{anchor.label}]({url})")
                return
        name = line.named_before(anchor) or link_name(anchor)
        if inside:
            anchor = anchor._replace(label="")
        if anchor.mark.start in labelled and not anchor.role:
            name = urls.name_of_place(url)
            anchor = anchor._replace(label="")
        kept.append(take_link(entry, name, anchor, self.report, entry.line))

    def _from_place(self, entry: Entry, unit: Unit) -> None:
        """What the headings above an entry say of it: its status, its year, its venue, its kind."""
        preprint = any(arxiv(link.url) for link in entry.links)
        day = unit.line.day
        if day and not unit.line.read and any(words.is_of_reading(name) for name in unit.section):
            entry.days["read"], entry.status = day, entry.status or Status.read
        elif day and not unit.line.read and not entry.date:
            entry.date = day.isoformat()
        for depth, name in reversed(list(enumerate(unit.section))):
            first = depth == 0 and name == self.h1
            status = None if first else words.status_word(name)
            begun = status is Status.reading and entry.status is Status.unread
            entry.status = status if begun else entry.status or status
            if entry.bibtex or status:
                continue
            bare = _BESIDE_VENUE.sub(" ", words.undecorated(name))
            shown = values.venue(bare) if len(bare.split()) <= 4 else None
            if shown and shown.known and shown.name.lower() in words.acronyms() and not entry.venue:
                entry.venue, entry.date = shown.name, entry.date or shown.date
            found = values.date(name)
            reading = re.search(r"(?i)\bread(?:ing)?\b|journal club|диалог|读", name)
            if found and re.search(r"\w", name[: found.start]) and not words.is_generic(name[found.end :]):
                found = None  # "DUC 2004 Task 1" names a data set
            if found and not entry.date and not first and not preprint and not reading:
                entry.date = found.value
        kind = next((k for name in reversed(unit.section) if (k := words.kind_of(name))), "")
        paper = entry.bibtex or any(urls.is_paper(link.url) for link in entry.links)
        if kind != "people" and not entry.kind and not paper and entry.venue.lower() not in words.acronyms():
            entry.kind = kind


def _without_years(
    lines: Sequence[Line], spans: Sequence[tuple[int, int]], in_run: bool = True
) -> list[tuple[int, int]]:
    """The titles without the year at their ends: in parentheses, or, `in_run`, where most end so."""
    pairs = list(zip(lines, spans, strict=True))
    found = [None if line.own else _LAST_YEAR.search(line.plain, *span) for line, span in pairs]
    most = in_run and sum(map(bool, found)) * 10 >= 6 * len(found) and len(found) > 2
    ends = (one.start() if one and (most or one["paren"]) else end for one, (_, end) in zip(found, spans, strict=True))
    return [(start, end) for (start, _), end in zip(spans, ends, strict=True)]


def _may_be_venue(unit: Unit, piece: Piece, text: str, dated: bool) -> bool:
    """Whether a text may be the venue that its place holds in other entries of the run, `dated` most often."""
    shown = values.venue(text)
    if not shown or not values.is_venue_like(shown.name) or len(text) >= 60:
        return False
    if not shown.known and (re.match(r"\w+: ", text) or unit.line.plain[piece.end : piece.end + 1] == ":"):
        return False  # "Algorithm: DQN"
    person = bool(unit.cells) and len(shown.name.split()) > 1 and values.is_name(shown.name)  # in a line of names
    dated = dated and not re.search(r"\d", text)  # a volume
    return shown.known or bool(shown.date) or not (dated or piece.place.startswith("before") or person)


def _place(units: Sequence[Unit]) -> str:
    names = Counter(unit.section[-1] if unit.section else "" for unit in units)
    return names.most_common(1)[0][0]
