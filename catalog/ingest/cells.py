"""The columns of a row: each by its header, else by its look and by what the column holds elsewhere."""

from __future__ import annotations

import re

from catalog.export.readinglist import as_code
from catalog.ingest import words
from catalog.ingest.entry import Entry, set_fact
from catalog.ingest.labels import without
from catalog.ingest.line import prepared
from catalog.ingest.places import Places
from catalog.ingest.report import Report, joined, link_name, markdown
from catalog.ingest.tree import Text
from catalog.ingest.units import Unit


def take_cell(entry: Entry, name: str, cell: Text, unit: Unit, places: Places, report: Report) -> None:
    """A column of a row: by its header; else by its look and what the column holds elsewhere."""
    line = prepared(cell)
    plain = line.plain.strip()
    for badge, value in line.badges:
        set_fact(entry, badge, Text(value), report, entry.line)
    column = words.link_of(name)
    field = words.field_of(name)
    field = "" if field == "title" and entry.title else field
    report.badges += len(cell.of("image"))
    rest, at, made = [], 0, False
    plain_names = len(words.plain(without(line))) if line.anchors else 0
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
        link = report.link(link_name(anchor, column), anchor, entry.line, entry.title)
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
    if field and field != "notes" and field != "link" and set_fact(entry, field, text, report, entry.line):
        return
    joint = [f for part in re.split(r"\s*(?:&|/|,|\band\b)\s*", name) if (f := words.field_of(part))]
    if (
        not field
        and len(joint) > 1
        and any(set_fact(entry, f, text, report, entry.line) for f in joint if f != "title")
    ):
        return
    role = places.look(plain, False).rstrip("?") or places.roles.get((unit.run, f"cell {name}"), "")
    if (
        not field
        and role
        and places.roles.get((unit.run, f"cell {name}")) == role
        and not made
        and places.assign(entry, role, plain, False)
    ):
        return
    if made and (words.link_of(bare) or column or (field == "link" and len(bare) < 30 and words.is_role(bare))):
        return
    shown = markdown(line.text, rest if made else [(0, len(line.plain))])
    if shown := joined([shown]):
        entry.note(f"{name}: {shown}" if name and field != "link" else shown)
