"""The columns of a row: each by its header, else by its look and by what the column holds elsewhere."""

from __future__ import annotations

import re

from catalog.ingest import values, words
from catalog.ingest.entry import Entry, set_fact, take_link
from catalog.ingest.labels import without
from catalog.ingest.line import Line, idle_pictures, prepared
from catalog.ingest.places import Places, cell_place
from catalog.ingest.report import Report, joined, link_name, markdown
from catalog.ingest.tree import Text
from catalog.ingest.units import Unit

_JOINT = re.compile(r"\s*(?:&|/|,|\n|\band\b)\s*")
_PROSE = 40  # characters beside the links of a cell, from which on a link without a role is part of a sentence


def take_cell(entry: Entry, at: int, unit: Unit, places: Places, report: Report) -> None:
    """A column of a row: by its header; else by its look and what the column holds elsewhere."""
    name, cell = unit.cells[at]
    place = cell_place(name, at)
    if (said := values.in_order(cell.plain, places.days.get(unit.run))) != cell.plain:
        cell = Text(said)
    line = prepared(cell)
    for badge, value in line.badges:
        set_fact(entry, badge, Text(value), report, entry.line)
    report.badges += idle_pictures(cell)
    field = words.field_of(name)
    field = "" if field == "title" and entry.title else field
    columns = [(words.field_of(other), text.plain.strip()) for other, text in unit.cells]
    years = all(re.fullmatch(r"\d{4}", said) for of, said in columns if of == "date")
    if words.plain(name) == "who" and years and any(of in ("date", "venue") for of, _ in columns):
        field = "authors"  # else who presents it that day
    joint = [words.field_of(part) for part in _JOINT.split(name)]
    presented = any(of == "by" for of, _ in columns)
    dated = values.date(cell.plain)
    if "date" in (field, *joint) and presented and not (dated and len(dated.value) == 4):
        field = "meeting"  # somebody presents the paper that day
    if field == "rating" and places.roles.get((unit.run, place)) == "count":
        field = "count"  # the stars of a repository
    rest, linked = _links(entry, line, field, words.link_of(name), report)
    left = "".join(line.plain[a:b] for a, b in rest)
    if _is_status(entry, name, field, line, left) or _says_nothing(name, field, left, linked):
        entry.rating = entry.rating or (line.rating if field == "rating" else 0)
        return
    text = Text(left.strip(), cell.marks if not line.anchors else ())
    field = "" if field == "status" and name.strip().lower() == "to read" else field
    if _by_header(entry, name, field, text, report):
        return
    untold = not (field or linked or words.link_of(name) not in ("", "bibtex"))
    if untold and _by_look(entry, place, line, unit, places):
        return
    bare = words.plain(left)
    named = words.link_of(bare) or words.link_of(name) or (field == "link" and len(bare) < 30 and words.is_role(bare))
    shown = "" if linked and named else joined([markdown(line.text, rest if linked else [(0, len(line.plain))])])
    if shown:
        entry.note(f"{name}: {shown}" if name and field != "link" else shown)


def _links(entry: Entry, line: Line, field: str, column: str, report: Report) -> tuple[list[tuple[int, int]], bool]:
    """Take the links of a cell; what stands beside them, and whether there were any."""
    rest, at, linked = [], 0, False
    prose = bool(line.anchors) and len(words.plain(without(line))) > _PROSE
    for anchor in line.anchors:
        if prose and not (anchor.role or anchor.bracketed or anchor.image):
            continue
        rest.append((at, anchor.mark.start))
        at = max(at, anchor.mark.end)
        person = field == "authors" and anchor.titled
        if person or (field in ("venue", "date", "tags") and not anchor.role):
            rest.append((anchor.mark.start, anchor.mark.end))
        if person:
            continue
        linked = True
        name = link_name(anchor, column)
        if not anchor.mark.url.startswith("#") and (left := take_link(entry, name, anchor, report, entry.line)):
            entry.note(left)
    return [*rest, (at, len(line.plain))], linked


def _is_status(entry: Entry, name: str, field: str, line: Line, left: str) -> bool:
    """Whether a cell is a tick or an empty box, and says so how far one is."""
    told = words.plain(name) in ("", "read") or field == "status"
    ticked = words.tick(line.plain.strip())[0] if told else None
    ticked = ticked or (words.status_word(line.plain) if field == "status" or not words.plain(name) else None)
    if not ticked or (words.plain(left) and name and field not in ("status", "read")):
        return False
    entry.status = entry.status or ticked
    return True


def _says_nothing(name: str, field: str, left: str, linked: bool) -> bool:
    """Whether a cell is empty, a dash, a number of the row, or an address that was not taken for a link."""
    if not re.search(r"\w", left) or words.plain(left) in words.nothing() or field == "order":
        return True
    if not name and re.fullmatch(r"\s*\d{1,3}\s*", left):
        return True
    return bool(words.link_of(name) and not linked and re.fullmatch(r"\s*(?:https?://|www\.)\S+\s*", left))


def _by_header(entry: Entry, name: str, field: str, text: Text, report: Report) -> bool:
    if field:
        return field not in ("notes", "link") and set_fact(entry, field, text, report, entry.line)
    joint = [one for part in _JOINT.split(name) if (one := words.field_of(part))]
    return len(joint) > 1 and any(set_fact(entry, one, text, report, entry.line) for one in joint if one != "title")


def _by_look(entry: Entry, place: str, line: Line, unit: Unit, places: Places) -> bool:
    plain, voted = line.plain.strip(), places.roles.get((unit.run, place), "")
    role = places.look(plain, False).rstrip("?") or (voted if voted != "authors" or values.likely_people(plain) else "")
    return bool(role) and voted == role and places.assign(entry, role, plain, False)
