"""From the entries of a list to drafts: titles by the template, the rest by its place, by label, by look.

What stands in one place of an entry (the second paragraph, the parenthesis after the title, the third column) is most
often the same thing in all of a run: what is plain in some entries decides for those where it is not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catalog.bibtex.identifiers import arxiv
from catalog.export.readinglist import as_code
from catalog.ingest import template, tutorials, urls, values, words
from catalog.ingest.draft import Draft
from catalog.ingest.entry import Entry, set_fact, take_bibtex, take_front_matter
from catalog.ingest.line import Anchor, Line, external, prepared
from catalog.ingest.report import Report, clean, fit_tag, joined, link_name, markdown
from catalog.ingest.template import Reading
from catalog.ingest.tree import Node, Text
from catalog.ingest.units import BIB, Found, Unit, is_fact, is_links, is_tutorials
from catalog.models import Status
from catalog.progress import each

_LABEL = re.compile(
    r"(?P<name>[^:：\[\]<>|()\n]{1,60}?(?:[(（][^()（）]{1,20}[)）])?)[ \t]*[*_]*[ \t]*[:：][*_]*[ \t]*"
)
_NO_COLON = re.compile(r"(?P<name>[A-Za-z][\w /-]{0,40}?[ \t]links?)[ \t]*[-–—=>]*[ \t]*(?=https?://|$)", re.I)
_CITE = re.compile(r"\W*(?:citation|cite|bibtex|bib|citing|reference)s?\s*(?:\(bibtex\))?\W*", re.I)
_CUT = re.compile(
    r"\n|[()\[\]（）【】]|\s+[-–—|·•/]+\s+|\s*[|·•;；｜]\s*|——|\s{2,}|(?<=[.。!?])(?=\s|$)|。|\s+(?=(?:by|from)\s+[A-Z])"
)
_INITIAL = re.compile(
    r"(?:^|[\s.,(-])[A-Z]\.$|\b(?:vs|vol|no|pp|eds?|Proc|Trans|Conf|Int|J|St|Dr|Prof|Jr|Sr|Comput|Mach|Learn|Sci|Lett|Rev)\.$"
)
_RISKY_YEAR = re.compile(r"(?<![\d.:/])(?:19[5-9]\d|20[0-4]\d)(?!\d|[.:/-]\d)")
_LONGEST = 4000  # characters of a line whose parts are told apart
_AFFILIATED = re.compile(r"[)）]\s*(?:et\s*\.?\s*al\b|,|;|&|and\b)")  # after what stands in parentheses beside a name
_OTHER_DAY = re.compile(r"\b(?:started|begun|since|added|accessed|updated|scheduled|read|finished)\b", re.I)
_ACRONYM = re.compile(r"(.+?)[ \t]*\(([^()\s]{2,12})\)")
_BEFORE_LINK = re.compile(r"(?:^|[\s|,;(\[])[*_]*([A-Za-z\u3040-\u9fff]{2,14})[*_]*\s*[:：]\s*[*_]*$")


class Piece(NamedTuple):
    """A stretch of a line that may be one value, and its place in the template."""

    start: int
    end: int
    place: str


class Reader:
    """Reads the entries of one list."""

    def __init__(
        self, found: Found, common: set[str], lines: Sequence[str], report: Report, wanted: dict[str, int]
    ) -> None:
        self.found, self.common, self.lines, self.report, self.wanted = found, common, lines, report, wanted
        self.readings: list[tuple[str, Reading, list[str], int]] = []
        self.roles: dict[tuple[str, str], str] = {}
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
            self._vote(name, units, pieces)
        out: list[Draft] = []
        for order, unit in enumerate(each(self.found.units, "reading"), 1):
            out += self._draft(unit, spans[id(unit)], pieces[id(unit)], order)
        return out

    # titles

    def _titles(self, run: str, units: Sequence[Unit]) -> list[tuple[int, int]]:
        if run.startswith("heading"):
            self.readings.append(
                (
                    _place(units),
                    Reading("heading", of=len(units), fitting=len(units)),
                    [u.line.plain[u.line.start :] for u in units[:3]],
                    units[0].node.line,
                )
            )
            return [_heading_title(unit.line) for unit in units]
        wanted = next((n for s, n in self.wanted.items() if any(s == h for u in units for h in u.section)), 1)
        chosen, reading = template.choose([unit.line for unit in units], self.common)
        if wanted > 1 and reading.second:
            chosen, reading = template.choose([unit.line for unit in units], self.common, reading.second)
        if run.startswith("row") and reading.name == "line":  # a cell without marks is a title as a whole
            whole = [template.candidates(unit.line, self.common).get("line") for unit in units]
            bare = [not unit.line.anchors and not unit.line.text.of("strong", "em") for unit in units]
            chosen = [("line", w) if b and w else c for w, b, c in zip(whole, bare, chosen, strict=True)]
        examples = [units[n].line.plain[a:b] for n, (_, (a, b)) in enumerate(chosen[:3])]
        self.readings.append((_place(units), reading, examples, units[0].node.line))
        return [span for _, span in chosen]

    # places

    def _pieces(self, unit: Unit, title: tuple[int, int]) -> list[Piece]:
        """The stretches of an entry's own line that are neither its title nor a link's name."""
        line = unit.line
        line.used.append(_with_marks(line.plain, title))
        out: list[Piece] = []
        if len(line.plain) > _LONGEST:
            line.used += [(a.mark.start, a.mark.end) for a in line.anchors if not a.titled]
            return out
        for anchor in line.anchors:
            inside = title[0] <= anchor.mark.start and anchor.mark.end <= title[1]
            if inside:
                continue
            if anchor.titled and _in_prose(line, anchor, title):
                continue
            if anchor.titled and len(anchor.label.split()) <= 14 and not anchor.bracketed:
                start, end = anchor.mark.start, anchor.mark.end
                out += list(_cut(line, start, end, "link", title))
                line.used.append((start, end))
            elif not anchor.titled or anchor.bracketed:
                line.used.append((anchor.mark.start, anchor.mark.end))
        for start, end in line.free(line.start):
            out += _cut(line, start, end, "", title)
        return _numbered(out)

    def _vote(self, run: str, units: Sequence[Unit], pieces: dict[int, list[Piece]]) -> None:
        """What each place of a run holds, by what is plain in some of its entries."""
        sure: dict[str, Counter[str]] = defaultdict(Counter)
        maybe: dict[str, list[str]] = defaultdict(list)
        for unit in units:
            for piece in pieces[id(unit)]:
                role = self._role(unit.line, piece)
                if role.endswith("?"):
                    maybe[piece.place].append(unit.line.plain[piece.start : piece.end].strip(" .,;:·|"))
                elif role:
                    sure[piece.place][role] += 1
            for at, text in enumerate(_first_lines(unit)):
                for piece in (
                    _numbered(_cut(text, text.start, len(text.plain), "", (-1, -1))) if not is_links(text) else []
                ):
                    if role := self._role(text, piece):
                        sure[f"body {at} {piece.place}"][role.rstrip("?")] += 0 if role.endswith("?") else 1
            for name, cell in unit.cells:
                if not words.field_of(name) and (role := self._look(cell.plain.strip(), False)):
                    sure[f"cell {name}"][role.rstrip("?")] += 1
        names_elsewhere = any(c["authors"] * 2 > len(units) for c in sure.values())
        for place in {*sure, *maybe} if not run.startswith("heading") else sure:
            (role, count), *_ = [*sure[place].most_common(1), ("", 0)]
            if count and count * 4 >= len(maybe[place]):
                self.roles[run, place] = role
            elif len(maybe[place]) == 1:
                names = values.likely_people(maybe[place][0], self.common) >= 0.5
                if names or values.date(maybe[place][0]):
                    self.roles[run, place] = "authors" if names else "venue"
            elif maybe[place]:
                capitals = sum(bool(re.match(r"[^a-z]{2,}\b|[A-Z]+[a-z]*[A-Z]", text.strip())) for text in maybe[place])
                self.roles[run, place] = "venue" if names_elsewhere or capitals * 2 >= len(maybe[place]) else "authors"

    def _role(self, line: Line, piece: Piece) -> str:
        text = line.plain[piece.start : piece.end].strip(" .,;:·|")
        italic = any(m.kind == "em" and m.start <= piece.start + 1 and m.end >= piece.end - 1 for m in line.text.marks)
        return self._look(text, italic or piece.place.startswith("before"), piece.place.startswith("before"))

    def _look(self, text: str, lenient: bool, lead: bool = False) -> str:
        """What a piece is by its look: "authors", "venue", "date"; with "?" where only its place can tell."""
        if not text or len(text) > 2500 or _OTHER_DAY.search(text[:30]):
            return ""
        found = values.date(text)
        if found and not _beside_date(text, found):
            return "date"
        shown = values.venue(text)
        if shown and shown.known and len(text.split()) <= 22:
            return "venue"
        likely = values.likely_people(text, self.common, lead)
        if likely >= (0.45 if lenient else 0.6) or (likely >= 0.4 and values._BY.match(text)):
            return "authors"
        if shown and shown.date and values.is_venue_like(shown.name):
            return "venue?"
        return "authors?" if likely >= 0.25 else ""

    # drafts

    def _draft(self, unit: Unit, title: tuple[int, int], pieces: Sequence[Piece], order: int) -> list[Draft]:
        line = unit.line
        entry = Entry(unit.node.line, clean(line.plain[title[0] : title[1]]))
        entry.status, entry.rating = line.status, line.rating
        if line.mended:
            self.report.add("repaired", "status", line.mended, entry.line)
        if line.read:
            entry.days["read"] = line.read
        heading = unit.run.startswith("heading")
        guess = not line.own
        label = _label_of(unit.body[0].text) if line.own and unit.body else None
        if not (label and label[0] == "title" and label[1].of("code")):  # else that says it all
            self._main(entry, unit, title, pieces, heading)
        for name, cell in unit.cells:
            self._cell(entry, name, cell, unit)
        self._body(entry, unit, guess)
        self._from_place(entry, unit)
        section = tuple(name for name in unit.section if name)
        entry.tags = [*self._tags(unit), *entry.tags]
        return entry.draft(self.lines, order, section)

    def _main(self, entry: Entry, unit: Unit, title: tuple[int, int], pieces: Sequence[Piece], heading: bool) -> None:
        """The entry's own line: links, badges, what its pieces are; the rest is the first of its notes."""
        line = unit.line
        labelled: set[int] = set()
        kept: list[str] = []
        for piece in pieces:
            text = line.plain[piece.start : piece.end].strip(" .,;:·|")
            role = self._role(line, piece)
            voted = self.roles.get((unit.run, piece.place), "")
            voted = "venue" if voted == "date" and role == "venue?" else voted  # a day stands there in other entries
            if (role.endswith("?") or not role) and voted:
                likely = values.likely_people(text, (), True)
                fits = (
                    likely >= 0.25
                    if voted == "authors"
                    else bool((v := values.venue(text)) and values.is_venue_like(v.name) and len(text) < 60)
                    and bool(v and (v.known or v.date or not piece.place.startswith("before")))
                )
                role = voted if fits and (role or likely or voted == "venue") else ""
            if role == "authors?" and len(unit.cells) == 0 and not voted:
                role = ""
            if heading and role == "authors":
                role = ""
            if role.startswith("venue") and entry.authors and _AFFILIATED.match(line.plain, piece.end):
                continue
            if role and not role.endswith("?") and self._assign(entry, role, text, piece.place.startswith("before")):
                line.used.append((piece.start, piece.end))
                labelled.add(piece.start)
            elif piece.place.startswith(("link", "before link")):
                labelled.add(-piece.start - 1)
        for anchor in line.anchors:  # [[CVPR2020]](…)
            if anchor.bracketed and not anchor.role and (said := self._look(anchor.label, False)) in ("venue", "date"):
                self._assign(entry, said, anchor.label, False)
        before = self._look(line.lead_tag, False)
        if before in ("date", "venue") and self._assign(entry, before, line.lead_tag, True):
            line.lead_tag = ""
        for anchor in line.anchors:
            self._link(entry, line, anchor, title, labelled, kept)
        for name, value in line.badges:
            set_fact(entry, name, Text(value), self.report, entry.line)
        self.report.badges += len(line.text.of("image"))
        rest = markdown(line.text, [span for span in line.free(line.start) if line.plain[span[0] : span[1]].strip()])
        if heading:
            for bracket in re.findall(r"\[([^\[\]]+)\]", rest):
                self.report.add(
                    "kept",
                    "heading-bracket",
                    f"[{bracket[:60]}] in a title is no status; kept in the notes",
                    entry.line,
                )
        pieces_left = [markdown(line.text, [span]) for span in line.free(line.start)]
        parts = [rest] if heading else [line.lead_tag, *pieces_left]
        if (
            not entry.date
            and len(rest) < 200
            and len(years := set(_RISKY_YEAR.findall(rest))) == 1
            and not entry.bibtex
            and not heading
        ):
            entry.date = years.pop()
        entry.ids |= {k: v for k, v in values.identifiers(line.plain).items() if k not in entry.ids}
        if text := joined([*parts, *kept]):
            entry.note(text)
            entry.touched = True

    def _assign(self, entry: Entry, role: str, text: str, lead: bool) -> bool:
        """Put a value that its place or its look tells into its field; what BibTeX says will count before it."""
        before = (entry.authors, entry.venue, entry.date)
        done = self._put(entry, role, text, lead)
        for name, was, now in zip(
            ("authors", "venue", "date"), before, (entry.authors, entry.venue, entry.date), strict=True
        ):
            if was != now:
                entry.guessed.add(name)
        return done

    def _put(self, entry: Entry, role: str, text: str, lead: bool) -> bool:
        if role == "authors":
            if entry.authors:
                return False
            trailing = re.search(r",\s*(?P<rest>[^,]*(?:19|20)\d\d)$", text)
            names = values.people(text[: trailing.start()] if trailing else text, lead)
            if trailing:
                set_fact(entry, "date", Text(trailing["rest"]), self.report, entry.line)
            good = tuple(n for n in names if not re.search(r"[`|<>{}\[\]\\]", n) and len(n) <= 200)
            entry.authors = good
            return bool(good)
        if role == "venue":
            by = re.search(r"\s+(?:from|by)\s+(?=[A-Z])", text)
            shown = values.venue(text[: by.start()] if by else text)
            if not shown or (entry.venue and (entry.date or not shown.date)):
                return False
            entry.venue = entry.venue or clean(shown.name)[:2000]
            entry.date = shown.date if len(shown.date) > len(entry.date) else entry.date
            if by and not entry.authors and values.likely_people(text[by.end() :]) >= 0.4:
                entry.authors = values.people(text[by.end() :])
            return True
        found = values.date(text)
        if not found:
            return False
        if found.value.startswith(entry.date):
            entry.date = found.value
        return entry.date.startswith(found.value) and not _beside_date(text, found)

    def _link(
        self, entry: Entry, line: Line, anchor: Anchor, title: tuple[int, int], labelled: set[int], kept: list[str]
    ) -> None:
        """One link of an entry's own line; one inside its prose stays there."""
        inside = title[0] <= anchor.mark.start and anchor.mark.end <= title[1]
        url = anchor.mark.url
        if url.startswith("#") or (
            anchor.image and re.search(r"github\.com/[\w.-]+/[\w.-]+/?$", url) is None and not external(anchor)
        ):
            return
        if not inside and anchor.titled and _in_prose(line, anchor, title):
            return
        if not inside and anchor.titled and not anchor.bracketed and anchor.mark.start not in labelled:
            size = len(anchor.label.split())
            known = any(link.name == "paper" for link in entry.links)
            if size > 14 or -anchor.mark.start - 1 not in labelled or (size > 2 and known and not urls.is_paper(url)):
                kept.append(f"[{anchor.label}]({url})")
                return
        before = _BEFORE_LINK.search(line.plain[max(0, anchor.mark.start - 24) : anchor.mark.start])
        named = words.link_of(before[1]) if before and (not anchor.role or words.says_nothing(anchor.label)) else ""
        name = named or link_name(anchor)
        if anchor.mark.start in labelled and not anchor.role:
            name = urls.name_of_place(url)
            anchor = anchor._replace(label="")
        if made := self.report.link(name, anchor, entry.line, entry.title):
            entry.links.append(made)
        elif url.strip("# "):
            kept.append(as_code(f"[{anchor.label}]({url})"))

    def _cell(self, entry: Entry, name: str, cell: Text, unit: Unit) -> None:
        """A column of a row: by its header; else by its look and what the column holds elsewhere."""
        line = prepared(cell)
        plain = line.plain.strip()
        for badge, value in line.badges:
            set_fact(entry, badge, Text(value), self.report, entry.line)
        column = words.link_of(name)
        field = words.field_of(name)
        field = "" if field == "title" and entry.title else field
        self.report.badges += len(cell.of("image"))
        rest, at, made = [], 0, False
        plain_names = len(words.plain(_without(line))) if line.anchors else 0
        for anchor in line.anchors:
            if plain_names > 40 and not (anchor.role or anchor.bracketed or anchor.image):
                continue
            rest.append((at, anchor.mark.start))
            at = max(at, anchor.mark.end)
            if field == "authors" and anchor.titled:
                rest.append((anchor.mark.start, anchor.mark.end))
                continue
            made = True
            if field in ("venue", "date", "tags") and not anchor.role:
                rest.append((anchor.mark.start, anchor.mark.end))
            link = self.report.link(link_name(anchor, column), anchor, entry.line, entry.title)
            if link and not anchor.mark.url.startswith("#"):
                entry.links.append(link)
            elif not link and anchor.mark.url.strip("# "):
                entry.note(as_code(f"[{anchor.label}]({anchor.mark.url})"))
        rest.append((at, len(line.plain)))
        left = "".join(line.plain[a:b] for a, b in rest)
        text = Text(left.strip(), cell.marks if not line.anchors else ())
        bare = words.plain(left)
        ticked = words.tick(plain)[0] if words.plain(name) in ("", "read") or field == "status" else None
        if ticked and (not bare or field in ("status", "read")):
            entry.status = entry.status or ticked
            return
        if not re.search(r"\w", left) or bare in (
            "-",
            "n/a",
            "na",
            "none",
            "tbd",
            "x",
            "无",
            "なし",
            "없음",
            "无代码",
            "coming soon",
            "null",
            "todo",
        ):
            entry.rating = entry.rating or (line.rating if field == "rating" else 0)
            return
        if field == "order":
            return
        if field == "status" and name.strip().lower() in ("to read",):
            field = ""
        if column and not made and re.fullmatch(r"\s*(?:https?://|www\.)\S+\s*", left):
            return
        if field and field != "notes" and field != "link" and set_fact(entry, field, text, self.report, entry.line):
            return
        joint = [f for part in re.split(r"\s*(?:&|/|,|\band\b)\s*", name) if (f := words.field_of(part))]
        if (
            not field
            and len(joint) > 1
            and any(set_fact(entry, f, text, self.report, entry.line) for f in joint if f != "title")
        ):
            return
        role = self._look(plain, False).rstrip("?") or self.roles.get((unit.run, f"cell {name}"), "")
        if (
            not field
            and role
            and self.roles.get((unit.run, f"cell {name}")) == role
            and not made
            and self._assign(entry, role, plain, False)
        ):
            return
        if made and (words.link_of(bare) or column or (field == "link" and len(bare) < 30 and words.is_role(bare))):
            return
        shown = markdown(line.text, rest if made else [(0, len(line.plain))])
        if shown := joined([shown]):
            entry.note(f"{name}: {shown}" if name and field != "link" else shown)

    def _from_place(self, entry: Entry, unit: Unit) -> None:
        """What the headings above an entry say of it: its status, its year, its venue, its kind."""
        preprint = any(arxiv(link.url) for link in entry.links)
        for depth, name in reversed(list(enumerate(unit.section))):
            first = depth == 0 and name == self.h1
            status = None if first else words.status_word(name)
            entry.status = (
                status if status is Status.reading and entry.status is Status.unread else entry.status or status
            )
            if entry.bibtex or status:
                continue
            bare = re.sub(
                r"(?i)\b(?:accepted|papers?|list|awesome|publications?|main|conference|oral|poster|the|论文)\b",
                " ",
                words.undecorated(name),
            )
            shown = values.venue(bare) if len(bare.split()) <= 4 else None
            if shown and shown.known and shown.name.lower() in words.acronyms() and not entry.venue:
                entry.venue, entry.date = shown.name, entry.date or shown.date
            found = values.date(name)
            reading = re.search(r"(?i)\bread(?:ing)?\b|journal club|диалог|读", name)
            if found and not entry.date and not first and not preprint and not reading:
                entry.date = found.value
        kind = next((k for name in reversed(unit.section) if (k := words.kind_of(name))), "")
        if (
            kind
            and kind != "people"
            and not entry.kind
            and not any(urls.is_paper(link.url) for link in entry.links)
            and not entry.bibtex
        ):
            entry.kind = kind

    def _tags(self, unit: Unit) -> list[str]:
        tags = [tag_of(name, n == 0 and name == self.h1) for n, name in enumerate(unit.section)]
        return [tag for tag in tags if tag]

    # what stands below

    def _body(self, entry: Entry, unit: Unit, guess: bool) -> None:
        """What belongs to an entry and does not stand in its own line."""
        announced = ""
        plain = 0
        for at, node in enumerate(unit.body):
            after = unit.body[at + 1] if at + 1 < len(unit.body) else None
            if node.kind == "para" and (raw := self._announces(node, after)):
                announced = raw if raw != "-" else ""
                entry.touched = True
                if raw == "-" or after is None or after.kind != "table" or self._is_tutorials(after):
                    continue
                entry.note((node.line, _end(node, self.lines)))
                continue
            number = plain if guess and node.kind in ("para", "item") else 9
            self._block(entry, node, unit, number, announced)
            plain += node.kind in ("para", "item")
            announced = announced if node.kind == "item" else ""

    def _announces(self, node: Node, after: Node | None) -> str:
        """The name in "model links:" before links or a table; "-" where none follow and the line is dropped."""
        plain = node.text.plain.strip()
        found = re.fullmatch(r"(?P<name>[A-Za-z][\w \-/]{1,40})[*_ ]*[:：]?", plain.strip("*_ "))
        name = found["name"].strip() if found else ""
        explicit = bool(re.search(r"\b(?:links?|urls?)$", name, re.I))
        if not found or not (explicit or (words.link_of(name) and plain.endswith((":", "：")))) or node.text.of("link"):
            return ""
        if after and after.kind == "table":
            return name
        if after and after.kind in ("item", "para") and after.text.of("link") and not _label_of(after.text):
            return name
        if not explicit or (after and after.kind in ("item", "para") and _label_of(after.text) is None and False):
            return ""
        self.report.add(
            "repaired", "empty-link", f"{name!r} without an address was left out", node.line, "add its address"
        )
        return "-"

    def _is_tutorials(self, table: Node) -> bool:
        return bool(table.children) and is_tutorials([cell.text.plain for cell in table.children[0].children])

    def _block(self, entry: Entry, node: Node, unit: Unit, number: int, announced: str) -> None:
        if node.kind in ("para", "item"):
            self._lines(entry, node, unit, number, announced)
        elif node.kind == "region":
            self._region(entry, node)
        elif node.kind == "table":
            self._table(entry, node)
        elif node.kind == "section":
            self._inner_section(entry, node, unit)
        elif node.kind != "rule" or entry.parts:
            entry.note((node.line, _end(node, self.lines)))

    def _region(self, entry: Entry, node: Node) -> None:
        if node.info in BIB:
            take_bibtex(entry, node, self.report)
        elif node.info == "front matter" and take_front_matter(entry, node.raw):
            entry.touched = True
        elif node.info == "notes":
            entry.exact.append(node.raw)
            entry.touched = True
        elif node.info not in ("close", "none"):
            if node.info == "comment":
                self.report.add("kept", "comment", "a comment kept in the notes", node.line)
            entry.note((node.line, node.end))

    def _table(self, entry: Entry, node: Node) -> None:
        rows = [row for row in node.children if row.children]
        head = [cell.text.plain for cell in rows[0].children] if rows else []
        if is_tutorials(head):
            found, whole = tutorials.read(rows[1:], head, self.report)
            entry.tutorials += found
            if whole:
                entry.touched = True
                return
        self.report.add("kept", "table", "a table kept in the notes", node.line)
        entry.note((node.line, _end(node, self.lines)))

    def _inner_section(self, entry: Entry, node: Node, unit: Unit) -> None:
        """A heading inside a paper: what it heads may be its abstract or its citation, else both are notes."""
        name = node.text.plain
        field = words.field_of(name)
        paras = [child for child in node.children if child.kind == "para"]
        if field == "abstract" and paras and len(paras) == len(node.children) and not entry.abstract:
            entry.abstract = clean(" ".join(child.text.plain for child in paras))[:20_000]
            entry.touched = True
            return
        last = _end(node, self.lines)
        if node.info == "details" and not any(
            c.kind == "region" or is_fact(c.text) or is_links(prepared(c.text)) for c in node.walk() if c is not node
        ):
            entry.note((node.line, last))
            return
        silent = (
            not name
            or _CITE.fullmatch(name)
            or (words.is_part(name) and all(c.kind in ("table", "region") for c in node.children))
        )
        if silent or (
            node.info in ("details", "bold") and any(c.kind == "region" and c.info in BIB for c in node.children)
        ):
            entry.touched = True
        elif any(c.kind == "region" and c.info in BIB for c in node.walk()):
            entry.note(self.lines[node.line - 1].strip() if node.line <= len(self.lines) else name)
            self.report.add("kept", "heading", f"a heading inside a paper kept in its notes: {name[:60]!r}", node.line)
        else:
            if node.info not in ("details", "bold"):
                self.report.add(
                    "kept", "heading", f"a heading inside a paper kept in its notes: {name[:60]!r}", node.line
                )
            entry.note((node.line, node.line if node.children else _end(node, self.lines)))
        for child in node.children:
            self._block(entry, child, unit, 9, "")

    def _lines(self, entry: Entry, node: Node, unit: Unit, number: int, announced: str) -> None:
        """A paragraph or a sub-item, line by line; with no line understood it stays as it stands."""
        if _CITE.fullmatch(node.text.plain) and node.kind == "para":
            entry.touched = True
            return
        taken, left = 0, []
        texts = node.text.lines()
        for at, text in enumerate(texts):
            rest = self._one_line(entry, text, unit, number if at == 0 else number + at, node.line + at, announced)
            taken += rest is None or rest != "="
            if rest:
                left.append((at, text, rest))
        bullet = "- " if node.kind == "item" else ""
        if taken or not texts:
            for _, text, rest in left:
                entry.note(bullet + (markdown(text, [(0, len(text.plain))]) if rest == "=" else rest))
            entry.touched = True
            for child in node.children:
                self._block(entry, child, unit, 9, "")
        else:
            entry.note((node.line, _end(node, self.lines)))
            for child in node.children:
                if child.kind == "region" and child.info in BIB:
                    take_bibtex(entry, child, self.report)

    def _one_line(self, entry: Entry, text: Text, unit: Unit, number: int, at: int, announced: str) -> str | None:
        """Take one line below an entry: None where all of it was understood, "=" where nothing, else what is left."""
        label = _label_of(text)
        if label:
            return self._labelled(entry, label, at)
        line = prepared(text)
        if not line.plain.strip() and not line.anchors:
            badges = [mark for mark in text.of("image") if re.search(r"shields|badge|star-history", mark.url)]
            self.report.badges += len(badges)
            return None if len(badges) == len(text.of("image")) else "="
        if is_links(line) or (announced and line.anchors and not re.search(r"\w{3}", _without(line))):
            return self._take_links(entry, line, words.link_name(announced)[0] if announced else "", at)
        if number > 6:
            return "="
        return self._guessed(entry, line, unit, number, at)

    def _guessed(self, entry: Entry, line: Line, unit: Unit, number: int, at: int) -> str | None:
        """A line without a label, by the look of its pieces and by what its place holds in the run."""
        names = [a for a in line.anchors if not a.titled]
        line.used += [(a.mark.start, a.mark.end) for a in names]
        line.used += [(0, line.start)] if line.start else []
        pieces = _numbered([p for a, b in line.free(line.start) for p in _cut(line, a, b, "", (-1, -1))])
        roles = []
        for piece in pieces:
            role = self._role(line, piece)
            voted = self.roles.get((unit.run, f"body {number} {piece.place}"), "")
            text = line.plain[piece.start : piece.end].strip(" .,;:·|")
            if role.endswith("?"):
                role = voted if voted == role.rstrip("?") else ""
            elif not role and voted == "authors" and values.likely_people(text) >= 0.3:
                role = voted
            roles.append((piece, role, text))
        solid = [r for _, r, t in roles if len(words.plain(t)) > 1]
        whole = bool(roles) and all(solid)
        if not (
            whole
            or (
                names
                and any(a.bracketed or a.role or a.image for a in names)
                and not any(a.titled for a in line.anchors)
            )
        ):
            return "="
        for piece, role, text in roles:
            if role and self._assign(entry, role, text, False):
                line.used.append((piece.start, piece.end))
        for anchor in line.anchors:
            link = self.report.link(link_name(anchor), anchor, at, entry.title)
            if link and not anchor.mark.url.startswith("#"):
                entry.links.append(link)
        entry.status = entry.status or line.status
        rest = joined([markdown(line.text, line.free(line.start))])
        return rest if len(words.plain(rest)) > 1 else None

    def _take_links(self, entry: Entry, line: Line, name: str, at: int) -> str | None:
        left = []
        for anchor in line.anchors:
            own = anchor.role if not words.says_nothing(anchor.label) else ""
            before = _BEFORE_LINK.search(line.plain[max(0, anchor.mark.start - 24) : anchor.mark.start])
            named = words.link_of(before[1]) if before and not own else ""
            link = self.report.link(own or named or name or link_name(anchor), anchor, at, entry.title)
            if link:
                entry.links.append(link)
            elif anchor.mark.url.strip("# "):
                left.append(as_code(f"[{anchor.label}]({anchor.mark.url})"))
        return " ".join(left) or None

    def _labelled(self, entry: Entry, label: tuple[str, Text], at: int) -> str | None:
        """A line of labels and values."""
        left = []
        for name, value in _segments(label):
            rest = self._fact(entry, name, value, at)
            if rest == "=":
                left.append(f"{name}: {markdown(value, [(0, len(value.plain))])}")
            elif rest:
                left.append(rest)
        if len(left) == 1 and left[0].startswith(label[0]) and len(_segments(label)) == 1:
            return "="
        return " · ".join(left) or None

    def _fact(self, entry: Entry, name: str, value: Text, at: int) -> str | None:
        field, line = words.field_of(name), prepared(value)
        column = "" if name.startswith("`") else words.link_of(name)
        explicit = bool(re.search(r"\blinks?`?$", name, re.I))
        if field and field not in ("link", "notes") and not (column and line.anchors) and not explicit:
            if set_fact(entry, field, value, self.report, at):
                return None
            if not line.anchors and field in ("read", "added", "due", "status", "key", "aliases", "authors"):
                self.report.add("kept", "label", f"not understood, kept in the notes: {name}: {value.plain[:60]!r}", at)
                return "="
        if not line.anchors:
            if (explicit or column) and not value.plain.strip(" -–—."):
                self.report.add(
                    "repaired",
                    "empty-link",
                    f"a {column or name} link without an address was left out",
                    at,
                    "add its address",
                )
                return None
            return "="
        known, mended = words.link_name(name)
        if mended:
            self.report.add("repaired", "link-name", f"link name {name!r} read as {known!r}", at)
        return self._label_links(
            entry, line, "" if field == "link" and not column else known, explicit or bool(column), at
        )

    def _label_links(self, entry: Entry, line: Line, name: str, explicit: bool, at: int) -> str | None:
        left, last = [], line.start
        gaps = [line.plain[a:b] for a, b in _gaps(line)]
        prose = [gap for gap in gaps if len(words.plain(gap)) > 1 and not words.link_of(gap)]
        if prose and not explicit:
            return "="
        for anchor in line.anchors:
            gap = line.plain[last : anchor.mark.start]
            last = max(last, anchor.mark.end)
            named = gap.strip(" |,;/·*_([")
            if named.endswith((":", "：")) and words.link_of(named):
                name = words.link_name(named)[0]
            own = (
                anchor.role
                if anchor.role and not words.says_nothing(anchor.label) and not anchor.mark.title.startswith("=")
                else ""
            )
            link = self.report.link(
                own if own and own != name and (not name or own) else name or link_name(anchor), anchor, at, entry.title
            )
            if link:
                entry.links.append(link)
            elif anchor.mark.url.strip("# "):
                left.append(as_code(f"[{anchor.label}]({anchor.mark.url})"))
        for gap in prose:
            text = joined([gap])
            if text:
                self.report.add("kept", "beside-a-link", f"text beside a link kept in the notes: {text[:80]!r}", at)
                left.append(text)
        return " ".join(left) or None


def _beside_date(text: str, found: values.Found) -> str:
    """What stands beside a date, but for the words that only introduce it."""
    rest = re.sub(r"(?i)\b(?:published|on|in|year|date|th|st|v\d+)\b", "", text[: found.start] + text[found.end :])
    return rest.strip(" .,;:()[]-–—/'")


def _gaps(line: Line) -> Iterator[tuple[int, int]]:
    at = line.start
    for anchor in line.anchors:
        yield at, anchor.mark.start
        at = max(at, anchor.mark.end)
    yield at, len(line.plain)


def _without(line: Line) -> str:
    """A line's text between its links."""
    return " ".join(line.plain[a:b] for a, b in _gaps(line))


def _label_of(text: Text) -> tuple[str, Text] | None:
    """The label that a line begins with, and the value after it; None where it has none that means something."""
    plain = text.plain
    lead = len(plain) - len(plain.lstrip(" \t>-•·"))
    match = _LABEL.match(plain, lead)
    if not match:
        match = _NO_COLON.match(plain[: text.of("link")[0].start] if text.of("link") else plain, lead)
        if not match:
            return None
    name = match["name"].strip(" *_")
    if not name or (
        name.lower().startswith(("http", "arxiv", "doi")) and plain[match.end() - 1] in ":/" and not text.of("link")
    ):
        return None
    if any(m.kind == "link" and m.start < match.start() + len(match["name"]) for m in text.marks):
        return None
    value = text.cut(match.end(), len(plain))
    code = any(m.kind == "code" and m.start <= match.start() and m.end > match.start() for m in text.marks)
    if code:
        inside = next(m for m in text.marks if m.kind == "code" and m.start <= match.start())
        name = f"`{plain[inside.start : inside.end]}`" + plain[inside.end : match.start() + len(match["name"])]
    known = words.field_of(name) or words.link_of(name) or re.search(r"\blinks?$", name, re.I) or code
    links = value.of("link")
    only = bool(links) and not re.search(
        r"\w{2}", "".join(c for n, c in enumerate(value.plain) if not any(m.start <= n < m.end for m in links))
    )
    if only and not words.field_of(name) and len(name.split()) > 4:
        return None
    return (name, value) if known or only else None


def _segments(first: tuple[str, Text]) -> list[tuple[str, Text]]:
    """The labels of a line that holds several: parted by bars, or each in bold."""
    name, value = first
    cuts = re.finditer(r"\s*[|·;｜]\s*|\s{2,}|\s+(?=\*)", value.plain)
    strong = [
        m.start
        for m in value.of("strong")
        if m.start > 0 and value.plain[m.start : m.end + 1].rstrip(" ").endswith((":", "："))
    ]
    out, at = [], 0
    for start, end in sorted({*((m.start(), m.end()) for m in cuts), *((s, s) for s in strong)}):
        after = _label_of(value.cut(end, len(value.plain)))
        if after and (words.field_of(after[0]) or words.link_of(after[0])) and start >= at and not value.of("code"):
            out.append((name, value.cut(at, start)))
            name = after[0]
            at = len(value.plain) - len(after[1].plain) if value.plain.endswith(after[1].plain) else end
    return [*out, (name, value.cut(at, len(value.plain)))]


def _heading_title(line: Line) -> tuple[int, int]:
    """The title in a heading: without links that only point, and the bracket at its end that is none of it."""
    if line.own and not any(a.titled or a.role for a in line.anchors) and "[" not in line.plain[: line.used[0][0]]:
        return 0, len(line.plain[: line.used[0][0]].rstrip())
    whole = template.first_titled(line.anchors)
    if whole and whole.mark.start <= line.start and not re.search(r"\w", _without(line)):
        return whole.mark.start, whole.mark.end
    start, end = line.start, len(line.plain)
    for first, last in line.free(line.start):
        start, end = first, last
        break
    for anchor in line.anchors:
        if not anchor.titled and anchor.mark.start <= start + 1 and not anchor.image:  # [[arXiv:…](…)] Title
            start = len(line.plain) - len(line.plain[anchor.mark.end :].lstrip(" ]):.–—-"))
        elif not anchor.titled and start < anchor.mark.start < end and anchor.label:
            end = anchor.mark.start
    while True:
        text = line.plain[start:end].rstrip(" [(:|,")
        end = start + len(text)
        bracket = re.search(
            r"\s*(?:\[(?P<in>[^\[\]]{1,80})\]|【(?P<cn>[^【】]{1,80})】)$|\s*\((?P<paren>[^()]{2,60})\)$", text
        )
        if not bracket or bracket.start() == 0:
            stops = re.search(r"[^.\s]{3}\.$", text) and len(text.split()) > 2 and not line.own
            return start, end - 1 if stops else end
        paren = bracket["paren"]
        shown = values.venue(paren) if paren else None
        if paren and not (shown and (shown.known or (shown.date and len(paren) < 30))) and not words.status_word(paren):
            return start, end
        end = start + bracket.start()


def _in_prose(line: Line, anchor: Anchor, title: tuple[int, int]) -> bool:
    """Whether a link stands in a sentence, which would lack it."""
    ends = [title[1], line.start, *(a.mark.end for a in line.anchors if a.mark.end <= anchor.mark.start)]
    before = (
        line.plain[max(e for e in ends if e <= anchor.mark.start) : anchor.mark.start]
        if anchor.mark.start >= title[1]
        else ""
    )
    return bool(re.search(r"[^\W\d_]\s*$", before)) and not re.search(
        r"(?:^|\W)(?:by|from|in|at|see)\s*$", before, re.I
    )


def _with_marks(plain: str, span: tuple[int, int]) -> tuple[int, int]:
    """The span with the quotation marks and brackets right around it, and the stop that ends it."""
    start, end = span
    while start > 0 and end < len(plain) and plain[start - 1] in "\"“'‘«「『[*_" and plain[end] in "\"”'’»」』].,*_":
        start, end = start - 1, end + 1
    return start, end


def _cut(line: Line, start: int, end: int, prefix: str, title: tuple[int, int]) -> Iterator[Piece]:
    """The pieces of a stretch: cut at separators, parentheses, emphasis, and the ends of sentences."""
    plain = line.plain
    edges = {start, end}
    for mark in line.text.marks:
        if mark.kind in ("em", "strong") and mark.end > mark.start:
            joins = re.search(r"\b[Ii]n:?\s*$", plain[start : mark.start])
            edges |= {e for e in (mark.start, mark.end) if start < e < end and not (joins and e == mark.start)}
    for cut in _CUT.finditer(plain, start, end):
        if (
            not cut[0].strip()
            and "\n" not in cut[0]
            and len(cut[0]) < 2
            and _INITIAL.search(plain[max(start, cut.start() - 7) : cut.start()])
            and not re.search(r"\bal\.$", plain[: cut.start()])
        ):
            continue
        edges |= {cut.start(), cut.end()}
    side = "before " if end <= title[0] else ""
    last = None
    for at in sorted(edges):
        if last is not None and at > last:
            piece = plain[last:at]
            if re.search(r"\w", piece):
                shape = (
                    "paren"
                    if plain[last - 1 : last] in ("(", "[", "（", "【")
                    else "em"
                    if any(m.kind == "em" and m.start <= last and m.end >= at for m in line.text.marks)
                    else "text"
                )
                row = plain.count("\n", title[1] if title[1] > 0 else 0, last) if last > title[1] else 0
                yield from _by_comma(plain, last, at, f"{side}{prefix}{' ' if prefix else ''}{shape} {row}")
        last = at


def _by_comma(plain: str, start: int, end: int, place: str) -> Iterator[Piece]:
    """A piece; "names, VENUE 2021" is two of them."""
    text = plain[start:end]
    for comma in reversed(list(re.finditer(r",\s+", text))[-3:]):
        tail = text[comma.end() :]
        shown = values.venue(tail)
        found = values.date(tail)
        only_date = found and not tail[: found.start].strip(" (") and not tail[found.end :].strip(" ).,;")
        if (shown and shown.known and len(tail.split()) < 8) or only_date:
            head = text[: comma.start()]
            if re.search(r"\w", head):
                yield from _by_comma(plain, start, start + comma.start(), place)
            yield Piece(start + comma.end(), end, f"{place} tail")
            return
    yield Piece(start, end, place)


def _numbered(pieces: Iterator[Piece] | Sequence[Piece]) -> list[Piece]:
    """The pieces with their number among those of one place."""
    seen: Counter[str] = Counter()
    out = []
    for piece in sorted(pieces, key=lambda p: p.start):
        out.append(piece._replace(place=f"{piece.place} {min(seen[piece.place], 3)}"))
        seen[piece.place] += 1
    return out


def _first_lines(unit: Unit) -> list[Line]:
    """The first lines below an entry, for the vote of places."""
    out = []
    for node in [n for n in unit.body if n.kind in ("para", "item")][:2]:
        for text in node.text.lines()[:2]:
            if not _label_of(text):
                out.append(prepared(text))
    return out


def _end(node: Node, lines: Sequence[str]) -> int:
    """The last line of a block that is not blank."""
    end = min(max([node.end, *(child.end for child in node.walk())]), len(lines))
    while end > node.line and not lines[end - 1].strip():
        end -= 1
    return end


def _place(units: Sequence[Unit]) -> str:
    """What a run is called in the report: the heading that most of it stands under."""
    names = Counter(unit.section[-1] if unit.section else "" for unit in units)
    return names.most_common(1)[0][0]


def tag_of(name: str, is_title: bool = False) -> str:
    """The tag that a heading gives to the papers under it, or ""; the list's own title only by its acronym."""
    if words.is_generic(name) or words.status_word(name) or words.is_boilerplate(name):
        return ""
    text = words.undecorated(name)
    for _ in range(3):
        text = re.sub(
            r"^(?:\(?(?:\d{1,4}(?:\.\d{1,3})*[.)]|\d{1,3}(?:\.\d{1,3})+|第[\d一二三四五六七八九十]+[章节])|\[\d{1,4}\]|[IVXivx]{1,6}[.)]|[A-Za-z][.)])\s+(?=\S)",
            "",
            text,
        ).strip()
    text = (
        re.sub(
            r"\s*\{[#.:][^{}]*\}\s*$|\s*\[[^\[\]]{1,80}\]$|\s*[\[(]?(?:back to )?top[\])]?$|\s*↑\s*$",
            "",
            text,
            flags=re.I,
        )
        .rstrip(":： ")
        .strip()
    )
    short = _ACRONYM.fullmatch(text)
    if short and _is_acronym(short[2], short[1]):
        return fit_tag(short[2])
    return "" if is_title else fit_tag(text)


def _is_acronym(short: str, long: str) -> bool:
    """Whether the letters of `short` are initials, in order, of the parts of `long`; a plural s is free."""
    initials = [part[0].casefold() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", long)]
    letters = [c for c in short if c.isalnum()]
    if letters and letters[-1] == "s" and len(letters) > 2:
        letters = letters[:-1]
    at = iter(initials)
    return len(letters) >= 2 and all(letter.casefold() in at for letter in letters)
