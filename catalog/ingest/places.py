"""What the places of a run hold: what is plain in some of its entries decides for those where it is not."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from catalog.ingest import values, words
from catalog.ingest.entry import Entry, set_fact
from catalog.ingest.judge import is_links
from catalog.ingest.labels import label_of
from catalog.ingest.line import Line, prepared
from catalog.ingest.pieces import Piece, pieces_of
from catalog.ingest.report import Report, clean
from catalog.ingest.tree import Text
from catalog.ingest.units import Unit

_INSTITUTION = re.compile(
    r"\b(?:universit\w*|college|institut\w*|laborator\w*|department|school|academy|corporation)\b", re.I
)
_YEAR_LAST = re.compile(r"(?=\s\(?\d{4}[a-z]?\)?$)(?P<rest>[^,]*(?:19|20)\d\d)[a-z]?\)?$")
_PLACED = re.compile(r",(?!\s*\w\.)\s*(?P<rest>[^,]*(?:19|20)\d\d)[a-z]?\)?$")
_VOLUME = re.compile(r"[\s,*_]*(?:[Vv]ol\.?\s*)?\d{1,4}\s?(?:\(\d[\d–-]*\)|[,:(])")
_ACRONYM = re.compile(r"[^a-z]{2,}\b|[A-Z]+[a-z]*[A-Z]")
_LONGEST_VENUE = 22  # words
_OTHER_DAY = re.compile(r"\b(?:started|begun|since|added|accessed|updated|scheduled|read|finished)\b", re.I)


class Places:
    """The places of one list, by run: "authors", "venue" or "date"."""

    def __init__(self, common: frozenset[str], report: Report) -> None:
        self.common, self.report = common, report
        self.roles: dict[tuple[str, str], str] = {}
        self.dated: set[tuple[str, str]] = set()  # where most venues have their year beside them
        self.remarks: set[tuple[str, str]] = set()  # where few of many entries say what looks like names
        self.looks: dict[tuple[str, bool, bool], str] = {}
        self.days: dict[str, bool | None] = {}  # whether a run writes the day before the month

    def vote(self, run: str, units: Sequence[Unit], pieces: dict[int, list[Piece]]) -> None:
        """What each place of a run holds, by what is plain in some of its entries."""
        sure: dict[str, Counter[str]] = defaultdict(Counter)
        maybe: dict[str, list[str]] = defaultdict(list)
        dated: Counter[str] = Counter()
        held: Counter[str] = Counter()
        for unit in units:
            for piece in pieces[id(unit)]:
                role = self.role(unit.line, piece)
                held[piece.place] += 1
                text = piece.text(unit.line)
                if role.endswith("?"):
                    maybe[piece.place].append(text)
                elif role:
                    sure[piece.place][role] += 1
                    dated[piece.place] += role == "venue" and bool(values.date(text))
            for at, line in enumerate(_first_lines(unit)):
                for piece in [] if is_links(line) else pieces_of(line):
                    if role := self.role(line, piece):
                        sure[f"body {at} {piece.place}"][role.rstrip("?")] += not role.endswith("?")
            for at, (name, cell) in enumerate(unit.cells):
                if words.field_of(name) == "rating" and re.fullmatch(r"\s*[\d,.]+k?\s*", cell.plain):
                    beyond = values.rating(cell.plain) == 0 and re.search(r"[1-9]", cell.plain)
                    sure[cell_place(name, at)]["count" if beyond else ""] += 1
                elif not words.field_of(name) and re.search(r"\w", cell.plain):
                    role = self.look(cell.plain.strip(), False)
                    sure[cell_place(name, at)]["" if role == "authors?" else role.rstrip("?")] += 1
        self.days[run] = values.day_first(c.plain for unit in units for _, c in unit.cells if len(c.plain) < 12)
        self.dated |= {(run, place) for place, count in dated.items() if count * 3 >= sure[place]["venue"] * 2}
        few = {place for place, count in held.items() if count > 20 and sure[place]["authors"] * 6 < count}
        self.remarks |= {(run, place) for place in few}
        names_elsewhere = any(c["authors"] * 2 > len(units) for c in sure.values())
        for place in {*sure, *maybe} if not run.startswith("heading") else sure:
            (role, count), *_ = [*sure[place].most_common(1), ("", 0)]
            if count and role and count * 4 >= len(maybe[place]):
                self.roles |= {(run, place): role} if count * 6 >= held[place] else {}
            elif (one := maybe[place]) and len(one) == 1 and (held[place] < 2 or len(values.people(one[0])) > 1):
                names = values.likely_people(one[0], self.common) >= 0.5
                if names or values.date(one[0]):
                    self.roles[run, place] = "authors" if names else "venue"
            elif maybe[place] and (role := self._undecided(place, maybe[place], held[place], names_elsewhere)):
                self.roles[run, place] = role

    def _undecided(self, place: str, texts: Sequence[str], of: int, names_elsewhere: bool) -> str:
        """What a place holds in which nothing is plain, by its texts, and how many entries say something there."""
        if "paren" in place and _all_differ(texts):
            return ""
        capitals = [text for text in texts if _ACRONYM.match(text.strip())]
        dated = sum(bool(values.date(text)) for text in capitals)
        if names_elsewhere or dated * 2 >= len(texts):
            return "venue"
        surnames = place.startswith(("paren", "link")) and len(capitals) * 2 < len(texts) and len(texts) * 2 >= of
        likely = sum(values.likely_people(text, self.common) >= 0.45 for text in texts)
        return "authors" if surnames or likely * 10 >= 6 * of else ""

    def role(self, line: Line, piece: Piece) -> str:
        """What a piece of a line is, by its look and its marks; "?" and "" as `look` gives them."""
        text = piece.text(line)
        italic = any(m.kind == "em" and m.start <= piece.start + 1 and m.end >= piece.end - 1 for m in line.text.marks)
        if italic and _VOLUME.match(line.plain, piece.end):
            return "venue"
        before = piece.place.startswith("before")
        role = self.look(text, italic or before, before)
        if role.startswith("authors") and len(values.people(text)) == 1:
            if before:
                group = line.plain[piece.start - 1 : piece.end + 1]  # "**OpenHand** **[Hand Lab]** A title"
                bold = any(m.start < piece.start and m.end > piece.end for m in line.text.of("strong"))
                return "" if bold and group[:1] + group[-1:] == "[]" else role
            coded = any(m.start <= piece.start + 1 and m.end >= piece.end - 1 for m in line.text.of("code"))
            behind = italic and any(not a.titled and a.mark.end <= piece.start for a in line.anchors)
            return "" if coded else "authors?" if behind else role  # "[paper] [code] *LoRA*", "`Code coming soon`"
        return role

    def look(self, text: str, lenient: bool, lead: bool = False) -> str:
        """What a piece is by its look: "authors", "venue", "date"; with "?" where only its place can tell. Told once: a
        text is asked again when its entry is read."""
        asked = text, lenient, lead
        if asked not in self.looks:
            self.looks[asked] = self._look(*asked)
        return self.looks[asked]

    def _look(self, text: str, lenient: bool, lead: bool) -> str:
        if not text or len(text) > 2500 or _OTHER_DAY.search(text[:30]):
            return ""
        found = values.date(text)
        if found and not _beside_date(text, found):
            return "date"
        shown = values.venue(text) if len(text.split()) <= _LONGEST_VENUE else None
        if shown and shown.known:
            return "venue"
        likely = values.likely_people(text, self.common, lead)
        if likely >= (0.45 if lenient else 0.6) or (likely >= 0.4 and values._BY.match(text)):
            return "authors"
        if shown and shown.date and values.is_venue_like(shown.name):
            return "venue?"
        return "authors?" if likely >= 0.25 else ""

    def assign(self, entry: Entry, role: str, text: str, lead: bool) -> bool:
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
            trailing = _PLACED.search(text)
            if not trailing or _is_last_name(trailing["rest"], lead and text.count(",") == 1):
                trailing = _YEAR_LAST.search(text)
            names = values.authors(re.sub(r"(?<=\w\w\w)\.$", "", text[: trailing.start()] if trailing else text), lead)
            if trailing:
                set_fact(entry, "date", Text(trailing["rest"]), self.report, entry.line)
            good = tuple(n for n in names if not re.search(r"[`|<>{}\[\]\\]", n) and len(n) <= 200)
            entry.authors = tuple(n for n in good if not _INSTITUTION.search(n)) or good
            return bool(good)
        if role == "venue":
            by = re.search(r"\s+(?:from|by)\s+(?=[A-Z])", text)
            shown = values.venue(text[: by.start()] if by else text)
            if (
                shown and shown.known and entry.venue.casefold() == "arxiv" and shown.name.casefold() != "arxiv"
            ):  # where it appeared later
                entry.venue, entry.date = "", entry.date if not shown.date else ""
            if not shown or (entry.venue and (entry.date or not shown.date)):
                return False
            entry.venue = entry.venue or clean(shown.name)[:2000]
            entry.date = shown.date if len(shown.date) > len(entry.date) else entry.date
            if by and not entry.authors and values.likely_people(text[by.end() :]) >= 0.4:
                entry.authors = values.authors(text[by.end() :])
            return True
        found = values.date(text)
        if not found:
            return False
        if found.value.startswith(entry.date):
            entry.date = found.value
        return entry.date.startswith(found.value) and not _beside_date(text, found)


def _is_last_name(text: str, inverted: bool) -> bool:
    """Whether what stands before a year is the last of several names, and not a venue; `inverted`: or a given name."""
    said = text.rstrip("0123456789 ").rstrip(" .(")
    shown = values.venue(said)
    return values.is_name(said) and not (shown and shown.known) and (inverted or len(said.split()) > 1)


def _all_differ(texts: Sequence[str]) -> bool:
    """Whether short names without a year differ from entry to entry: what works are called, not where they stood."""
    single = [text for text in texts if len(text.split()) == 1 and not re.search(r"\d{2}", text)]
    return len(single) * 10 >= 8 * len(texts) and len(set(single)) * 10 >= 9 * len(single) and len(texts) > 1


def _beside_date(text: str, found: values.Found) -> str:
    rest = re.sub(r"(?i)\b(?:published|on|in|year|date|th|st|v\d+)\b", "", text[: found.start] + text[found.end :])
    return rest.strip(" .,;:()[]-–—/'")


def cell_place(name: str, at: int) -> str:
    """What the column of a run is called in which a cell stands: by its header, or by its number."""
    return f"cell {name or at}"


def _first_lines(unit: Unit) -> list[Line]:
    out = []
    for node in [n for n in unit.body if n.kind in ("para", "item")][:2]:
        for text in node.text.lines()[:2]:
            if not label_of(text):
                out.append(prepared(text))
    return out
