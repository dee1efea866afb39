"""A reading list from its tree: entries found, template learned, fields read, and a report of what was left."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from catalog.ingest import markdown, urls, words
from catalog.ingest.draft import Draft, Source
from catalog.ingest.entry import entries_of
from catalog.ingest.fields import Reader
from catalog.ingest.judge import BIB
from catalog.ingest.report import Report, written
from catalog.ingest.tags import tags_of
from catalog.ingest.template import Choice
from catalog.ingest.tree import Node, from_html, relined
from catalog.ingest.units import Finder, Found
from catalog.search.rows import uncollected

LEAST_TOLD = 5  # entries of a run whose reading is told


@uncollected()
def read(text: str, path: str = "", wanted: Mapping[str, int] | None = None) -> Source:
    """The papers of a Markdown reading list, and every repair, doubt and leftover with its line."""
    parsed = markdown.parse(text)
    _as_written(parsed.root, text)
    source = from_tree(parsed.root, parsed.lines, dict(wanted or {}))
    findings = sorted((replace(f, path=path) for f in (*parsed.findings, *source.findings)), key=lambda f: f.line)
    return replace(source, drafts=tuple(replace(d, path=path) for d in source.drafts), findings=tuple(findings))


@uncollected()
def read_html(html: str, path: str = "", wanted: Mapping[str, int] | None = None, own: bool = True) -> Source:
    """The papers of a list in HTML; its lines are the text's `own` where it was not made from another form."""
    if own:
        html = "\n".join(_numbered(line, n) for n, line in enumerate(html.split("\n"), 1))
    root = from_html(html)
    lines, real = relined(root, written)
    source = from_tree(root, lines, dict(wanted or {}))
    findings = tuple(replace(f, path=path, line=real[f.line]) for f in source.findings)
    drafts = tuple(replace(d, path=path, line=real[d.line]) for d in source.drafts)
    return replace(source, drafts=drafts, findings=findings)


def _numbered(line: str, n: int) -> str:
    return markdown.LINE_TAGS.sub(lambda tag: f'<{tag[1]} data-line="{n}"', line) if "<" in line else line


def _as_written(root: Node, text: str) -> None:
    """Addresses as the list writes them: the parser percent-encodes what is not ASCII."""

    def written(url: str) -> str:
        better = unquote(url) if "%" in url and url not in text else url
        return better if better in text or better.replace("|", "\\|") in text else url

    for node in root.walk():
        if any("%" in mark.url for mark in node.text.marks):
            node.text = node.text._replace(marks=tuple(m._replace(url=written(m.url)) for m in node.text.marks))


def from_tree(root: Node, lines: Sequence[str], wanted: Mapping[str, int]) -> Source:
    """The papers of a list that has been parsed, whatever it was written in."""
    report = Report()
    h1 = _title(root)
    finder = Finder(root)
    found = finder.run()
    reader = Reader(found, finder.common, lines, report, dict(wanted))
    drafts = reader.run(h1)
    drafts += _loose_bibtex(found, h1, report)
    drafts.sort(key=lambda draft: draft.line)
    drafts = [replace(draft, order=n) for n, draft in enumerate(drafts, 1)]
    if report.badges:
        many = f"{report.badges} pictures were" if report.badges > 1 else "a picture was"
        report.add("note", "badges", f"{many} not taken", 0)
    for section, reading, examples, line in reader.readings:
        _report_reading(section, reading, examples, line, report)
    missed, left = _report_left(finder, drafts, report)
    sections = _introductions(found, drafts, lines)
    return Source(tuple(drafts), tuple(report.shared), tuple(report.findings), True, sections, missed=missed, left=left)


def _introductions(
    found: Found, drafts: Sequence[Draft], lines: Sequence[str]
) -> tuple[tuple[tuple[str, ...], str], ...]:
    """What stands under each heading before its first paper, as the list writes it; a row for each section."""
    first: dict[tuple[str, ...], int] = {}
    for draft in drafts:
        for depth in range(len(draft.section)):
            first.setdefault(draft.section[: depth + 1], draft.line)
    said: dict[tuple[str, ...], list[str]] = {section: [] for section in first}
    for node, section in found.outside:
        path = tuple(filter(None, section))
        if node.kind in ("para", "quote") and path in first and node.line < first[path]:
            said[path].append("\n".join(lines[node.line - 1 : node.end]).strip())
    return tuple((path, "\n\n".join(texts)) for path, texts in said.items())


def _title(root: Node) -> str:
    """The title of the list: its only heading of the first level, which stands before all papers."""
    tops = [node for node in root.children if node.kind == "section" and node.level == 1]
    return tops[0].text.plain if len(tops) == 1 else ""


def _loose_bibtex(found: Found, h1: str, report: Report) -> list[Draft]:
    """Entries that stand by themselves under a heading are papers, too."""
    drafts, left = [], []
    for node, section in found.outside:
        blocks = [n for n in node.walk() if n.kind == "region" and n.info in BIB]
        if not blocks:
            left.append((node, section))
        tags = tuple(dict.fromkeys(tags_of(section, h1)))
        for block in blocks:
            for text in entries_of(block, report)[0]:
                drafts.append(Draft(tags=tags, bibtex=text, line=block.line, section=tuple(filter(None, section))))
    found.outside = left
    return drafts


def _report_reading(section: str, reading: Choice, examples: Sequence[str], line: int, report: Report) -> None:
    if reading.of < LEAST_TOLD or not reading.name:
        return
    shown = ", ".join(repr(title[:40] + "…" * (len(title) > 40)) for title in examples)
    message = f"read {reading.of} entries, most of them in {section!r}; titles are {reading.name}: {shown}"
    remedy = ""
    if reading.close and reading.second and section:
        remedy = f'`--read "{section}=2"` takes {reading.second} instead'
    report.add("note", "reading", message, line, remedy)


def _report_left(finder: Finder, drafts: Sequence[Draft], report: Report) -> tuple[int, int]:
    """Say for each stretch of text that belongs to no paper where it stands, and for each block that looks like one.

    Returns how many blocks look like a paper, and how many others say something.
    """
    papers = sorted(draft.line for draft in drafts)
    taken = {urls.same(link.url) for draft in drafts for link in draft.links}
    stretches: dict[tuple[int, tuple[str, ...]], list[tuple[int, str, int]]] = {}
    missed = 0
    for node, section in sorted(finder.found.outside, key=lambda pair: pair[0].line):
        if any(re.search(r"\b(?:contents|toc)\b|目录|目次", name, re.I) for name in section[-1:]):
            continue
        for one in node.walk(cells=False):
            shown = _says(one)
            if shown and finder.looks_like_a_paper(one, taken):
                missed += 1
                reach = f", up to line {one.end}" if one.end > one.line else ""
                message = f"looks like a paper and was not taken: {shown[:80]!r}{reach}"
                report.add("rejected", "not-taken", message, one.line, "give it a line of its own with its title")
            elif shown:
                here = stretches.setdefault((bisect_left(papers, one.line), section), [])
                here.append((one.line, shown, max(one.end, one.line)))
    for first, *rest in stretches.values():
        count = len(rest)
        last = max(end for *_, end in (first, *rest))
        more = f" and {count} more line{'s' * (count > 1)}" if count else ""
        more += f", up to line {last}" if last > first[0] else ""
        message = f"belongs to no paper and stays in the list: {first[1][:60]!r}{more}"
        report.add("note", "outside-a-paper", message, first[0])
    return missed, sum(map(len, stretches.values()))


def _says(node: Node) -> str:
    silent = node.kind == "region" and node.info in ("comment", "skip", "none", "close", "notes")
    if silent or node.kind in ("rule", "section", "table"):
        return ""
    links = node.text.of("link")
    if links and all(mark.url.startswith("#") for mark in links):
        return ""
    if node.kind == "row":
        return " | ".join(cell.text.plain for cell in node.children)
    return (words.plain(node.text.plain) and node.text.plain.replace("\n", " ")) or node.raw[:80].strip()
