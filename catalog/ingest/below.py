"""What belongs to an entry and does not stand in its own line: labels, links, BibTeX, tutorials; the rest is notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog.ingest import tutorials, values, words
from catalog.ingest.entry import Entry, set_fact, take_bibtex, take_front_matter, take_link
from catalog.ingest.judge import BIB, header, is_fact, is_links, is_tutorials
from catalog.ingest.labels import gaps, label_of, segments, without
from catalog.ingest.line import Line, prepared
from catalog.ingest.pieces import linked_names, pieces_of
from catalog.ingest.places import Places
from catalog.ingest.report import Report, clean, joined, link_name, markdown
from catalog.ingest.tree import Node, Text
from catalog.ingest.units import Unit

_CITE = re.compile(r"\W*(?:citation|cite|bibtex|bib|citing|reference)s?\s*(?:\(bibtex\))?\W*", re.I)


class Below:
    """Reads what stands below the entries of one list."""

    def __init__(self, places: Places, lines: Sequence[str], report: Report) -> None:
        self.places, self.lines, self.report = places, lines, report

    def read(self, entry: Entry, unit: Unit, guess: bool) -> None:
        """What belongs to an entry and does not stand in its own line."""
        announced = ""
        plain = 0
        for at, node in enumerate(unit.body):
            after = unit.body[at + 1] if at + 1 < len(unit.body) else None
            if node.kind == "para" and (raw := self._announces(node, after)):
                announced = raw if raw != "-" else ""
                entry.touched = True
                if raw == "-" or after is None or after.kind != "table" or is_tutorials(header(after)[0]):
                    continue
                entry.note((node.line, _end(node, self.lines)))
                continue
            number = plain if guess and node.kind in ("para", "item", "quote") else 9
            self._block(entry, node, unit, number, announced)
            plain += node.kind in ("para", "item", "quote")
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
        if after and after.kind in ("item", "para") and after.text.of("link") and not label_of(after.text):
            return name
        if not explicit:
            return ""
        message = f"{name!r} without an address was left out"
        self.report.add("repaired", "empty-link", message, node.line, "add its address")
        return "-"

    def _block(self, entry: Entry, node: Node, unit: Unit, number: int, announced: str) -> None:
        if node.kind in ("para", "item"):
            self._lines(entry, node, unit, number, announced)
        elif node.kind == "quote" and node.children and all(child.kind == "para" for child in node.children):
            for at, child in enumerate(node.children):
                self._lines(entry, child, unit, number + at if number < 9 else number, announced)
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
        inner = [block for block in node.walk() if block is not node]
        tells = any(one.kind == "region" or is_fact(one.text) or is_links(prepared(one.text)) for one in inner)
        if node.info == "details" and not tells:
            entry.note((node.line, _end(node, self.lines)))
            return
        cites = any(child.kind == "region" and child.info in BIB for child in node.children)
        only = words.is_part(name) and all(child.kind in ("table", "region") for child in node.children)
        if not name or _CITE.fullmatch(name) or only or (node.info in ("details", "bold") and cites):
            entry.touched = True
        else:
            whole = any(one.kind == "region" and one.info in BIB for one in inner)
            if whole or node.info not in ("details", "bold"):
                message = f"a heading inside a paper kept in its notes: {name[:60]!r}"
                self.report.add("kept", "heading", message, node.line)
            line = self.lines[node.line - 1].strip() if node.line <= len(self.lines) else name
            entry.note(line if whole else (node.line, node.line if node.children else _end(node, self.lines)))
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
        label = label_of(text)
        if label:
            return self._labelled(entry, label, at)
        line = prepared(text)
        status = None if unit.line.own else words.status_word(line.plain)  # else it stands beside the title
        if status and entry.status in (None, status):
            entry.status = status
            return None
        if not line.plain.strip() and not line.anchors:
            badges = [mark for mark in text.of("image") if re.search(r"shields|badge|star-history", mark.url)]
            self.report.badges += len(badges)
            return None if len(badges) == len(text.of("image")) else "="
        if is_links(line) or (announced and line.anchors and not re.search(r"\w{3}", without(line))):
            return self._take_links(entry, line, words.link_name(announced)[0] if announced else "", at)
        if number > 6:
            return "="
        return self._guessed(entry, line, unit, number, at)

    def _guessed(self, entry: Entry, line: Line, unit: Unit, number: int, at: int) -> str | None:
        line.persons += linked_names(line, (-1, -1))
        names = [a for a in line.anchors if not a.titled]
        line.used += [(a.mark.start, a.mark.end) for a in names]
        line.used += [(0, line.start)] if line.start else []
        roles = []
        for piece in pieces_of(line):
            role = self.places.role(line, piece)
            voted = self.places.roles.get((unit.run, f"body {number} {piece.place}"), "")
            text = piece.text(line)
            if role.endswith("?"):
                role = voted if voted == role.rstrip("?") else ""
            elif not role and voted == "authors" and values.likely_people(text) >= 0.3:
                role = voted
            roles.append((piece, role, text))
        solid = [r for _, r, t in roles if len(words.plain(t)) > 1]
        whole = bool(solid) and all(solid)
        if not whole and (line.titled or not any(a.bracketed or a.role or a.image for a in names)):
            return "="
        for piece, role, text in roles:
            if role and self.places.assign(entry, role, text, False):
                line.used.append((piece.start, piece.end))
        for anchor in line.anchors:
            if line.names_person(anchor):
                continue
            if not anchor.mark.url.startswith("#"):
                take_link(entry, link_name(anchor), anchor, self.report, at)
        entry.status = entry.status or line.status
        rest = joined([markdown(line.text, line.free(line.start))])
        return rest if re.search(r"\w", rest) else None

    def _take_links(self, entry: Entry, line: Line, name: str, at: int) -> str | None:
        """Take the links of a line, each named by itself, by a label before it, or `name`; what is left of them."""
        left = []
        for anchor in line.anchors:
            exact = words.says_nothing(anchor.label) or anchor.mark.title.startswith("=")
            own = "" if exact else anchor.role
            called = own or line.named_before(anchor) or name or link_name(anchor)
            left.append(take_link(entry, called, anchor, self.report, at))
        return " ".join(filter(None, left)) or None

    def _labelled(self, entry: Entry, label: tuple[str, Text], at: int) -> str | None:
        left = []
        for name, value in segments(label):
            rest = self._fact(entry, name, value, at)
            if rest == "=":
                left.append(f"{name}: {markdown(value, [(0, len(value.plain))])}")
            elif rest:
                left.append(rest)
        if len(left) == 1 and left[0].startswith(label[0]) and len(segments(label)) == 1:
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
                message = f"a {column or name} link without an address was left out"
                self.report.add("repaired", "empty-link", message, at, "add its address")
                return None
            return "="
        known, mended = words.link_name(name)
        if mended:
            self.report.add("repaired", "link-name", f"link name {name!r} read as {known!r}", at)
        called = "" if field == "link" and not column else known
        return self._label_links(entry, line, called, explicit or bool(column), at)

    def _label_links(self, entry: Entry, line: Line, name: str, explicit: bool, at: int) -> str | None:
        between = [line.plain[a:b] for a, b in gaps(line)]
        prose = [gap for gap in between if len(words.plain(gap)) > 1 and not words.link_of(gap)]
        if prose and not explicit:
            return "="
        left = [self._take_links(entry, line, name, at)]
        for text in filter(None, (joined([gap]) for gap in prose)):
            self.report.add("kept", "beside-a-link", f"text beside a link kept in the notes: {text[:80]!r}", at)
            left.append(text)
        return " ".join(filter(None, left)) or None


def _end(node: Node, lines: Sequence[str]) -> int:
    end = min(max([node.end, *(child.end for child in node.walk())]), len(lines))
    while end > node.line and not lines[end - 1].strip():
        end -= 1
    return end
