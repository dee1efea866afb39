"""Whole reading lists through `kb import`, held against a count that shares no code with our readers.

usage: python benchmarks/lists.py [-v] LIST...     LIST is a file or an address; -v names every difference

Each shape below is one regular expression over the source. A list is counted by the shapes that find most in it, then
imported into a new knowledge base, and the two are compared, entry by entry.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

KB = [sys.executable, "-m", "catalog"]
_URL = r"(?:https?://|www\.)[^\s)>\"]+"
_LINKS = rf"(?P<links>\[+[^\]\n]*\]+\(\s*{_URL}.*)"
SHAPES = {
    "bold, then bullets": rf"^[-*] +\*\*(?P<title>[^*\n]+?)(?: \((?P<venue>[^()\n]*?) (?P<year>\d{{4}})\))?\*\* *\n(?: +[-*] (?P<authors>(?!\[)[^\n]+)\n) +[-*] *{_LINKS}",
    "bold, names in italics, place, day": r"^\*\*(?P<title>[^*\n]+)\*\* *\\?\n\*(?P<authors>[^*\n]+)\* *\\?\n(?P<venue>[A-Za-z][\w &./-]*?) ?'?(?P<year>(?:19|20)\d\d)?\.? *(?P<links>\[\[.*)",
    "[date] bold. italics. links": rf"^[-*] +\[(?P<year>20\d\d)/\d\d\] \*\*(?P<title>[^*\n]+?)\.?\*\* *\*(?P<authors>[^*\n]+?) et al\. (?P<venue>[^*\n]+?)\.?\* *{_LINKS}",
    "[day] bold | links": rf"^[-*] +\[(?P<year>20\d\d)/\d\d/\d\d\] \*\*(?P<title>[^*\n]+?)\*\* \| {_LINKS}",
    "numbered, names in a second paragraph": rf"^\d+\. +\*\*(?P<title>[^*\n]+?)\.?\*\* *(?P<venue>[A-Z][\w-]*(?: Findings)?)(?: (?P<year>20\d\d))?\.[^\n]*\n[ \t]*\n[ \t]+\*(?P<authors>[^*\n]+)\*\.?,? *{_LINKS}",
    "name: bold quoted. names in italics. place": rf"^\d+\. +<u>[^<\n]+</u>: \*\*\"(?P<title>[^\n]+?)\"\*\*\. *\*(?P<authors>[^*\n]+?)\.?\*(?: et al)?\. *(?P<venue>[A-Za-z][\w &-]*?) (?P<year>20\d\d)\. *{_LINKS}",
    "names, title in italics, place [links]": rf"^ *[-*] (?P<authors>[A-Z][^*\n\[]+?), \*(?P<title>[^*\n]+?)\*,? *(?:arXiv[^\[\n]*|(?P<venue>[A-Z][\w &]+?),? (?P<year>(?:19|20)\d\d)[^\[\n]*)?{_LINKS}",
    "bold (year), names [pdf]": rf"^[-*] +(?:\*\*)?(?P<title>[^*\n\[]+?)(?:\*\*)? \((?P<year>\d{{4}})\), (?P<authors>[^\[\n]+?)\.? *{_LINKS}",
    "bullet, sub-bullets of facts": r"^[-*] +\[(?P<title>[^\]\n]+)\](?P<links>\(https?://[^)\n]+\)).*\n +[-*] (?P<authors>(?!Publisher|Key|Code)[^\n:]+)\n +[-*] Publisher: (?P<venue>[^\n]*?),? ?(?P<year>20\d\d)?(?: \(?[a-zA-Z]+\)?)? *$",
    "linked bullet, emoji links": r"^ *[-*] \[(?P<title>[^\]\n]+)\](?P<links>\(https?://(?:openaccess|arxiv)[^)\n]+\))",
    "short name - linked title": r"^[-*] [^\[\n]+ - \[(?P<title>[^\]\n]+)\](?P<links>\(https?://[^)\n]+\))",
    "title [links]": rf"^ *[-*] (?!\[|\*\*[^*])(?P<title>[^\[\n]+?) *(?P<links>\[\[?(?:[Pp]aper|arXiv|OpenReview|pdf|NIPS paper)\]?\]?\({_URL}\).*)",
    "[title](link) `who` `year`": r"^\d+\. \[(?P<title>[^\]\n]+)\](?P<links>\(https?://[^)\n]+\))[^\n]*`(?P<year>20\d\d)`",
    "names, [title](link), place": r"^ *[-*] (?P<authors>[A-Z][^\[\n:]*?),? \[(?P<title>[^\]\n\[]{15,})\](?P<links>\(https?://[^)\n]+\))(?:,? (?P<venue>(?!arXiv)[A-Z][A-Za-z]+),? (?P<year>(?:19|20)\d\d))?",
    "names, title, place, year. [links]": r"^ *[-*] (?P<authors>[A-Z](?:[^,\n]|, (?=[A-Z][\w.-]+ [A-Z]))+), (?P<title>[^,\n\[]+), (?P<venue>[^\[\n]+?), (?P<year>(?:19|20)\d\d)\. *(?P<links>\[\[.*)",
    "names, \"title\", place, year": r"^ *[-*] (?P<authors>[A-Z][^\"\n\[]+?), \"(?P<title>[^\"\n]+?),?\",? (?P<venue>[A-Z][\w &]+?),? (?P<year>(?:19|20)\d\d) *$",
    "title. [names (year)](link)": r"^ *(?:[-*]|\d+\.) +(?:\*\*)?(?P<title>[^\[\n*]+?)\. \[(?P<authors>[^\]\n(]+?) \((?P<year>\d{4})\)\](?P<links>\(https?://[^)\n]+\))",
    "table: badge, linked title, place, day": r"^\|(?: *!\[[^\n|]*?<br>)? *\[\**(?P<title>[^\]\n]+?)\**\](?P<links>\(https?://[^)\n]+\)) *<br> *\| *(?P<venue>[^|\n]+?) *\| *(?P<year>20\d\d)-\d\d-\d\d *\|",
    "table: title, day, link": r"^\| *(?P<title>[^|\[\n]+?) *\| *_(?:\d+ )?[a-z]+ (?P<year>\d{4})_ *\| *(?P<links>\[(?:arxiv|paper)\]\([^)\n]+\))",
    "table: id, title, names": r"^\| *\d+ *\| *(?P<title>[^|\n]+?) *\| *(?P<authors>[^|\n]+\([^|\n]+?) *\|",
    "[title](file) (year): prose": r"^[-*] \[(?P<title>[^\]\n]+)\](?P<links>\([^)\n]+\)) \((?P<year>\d{4})\)",
    "rst definition list": r"^`(?P<title>[^<`]+?)\s*(?P<links><https?://[^>]+>)`_+\s*\n(?: +\| :authors:`(?P<authors>[^`]+)` *\n)?(?: +\| :venue:`(?P<venue>[^`\n]*?)(?: ?(?P<year>(?:19|20)\d\d))?`)?",
    "rst table": r"^(?P<title>[A-Z][^\n`=]{20,}?)  +(?P<venue>[A-Z][^\n`]*?)  +(?P<year>(?:19|20)\d\d)  +\[#[^\n`]*(?P<links>`\[PDF\] *<https?://[^>]+>)",
    "yaml": r"^ *(?:- )?title: \"?(?P<title>[^\n]+?)\"? *\n +author: (?P<authors>[^\n]+)\n +year: (?P<year>\d{4})\n +link: (?P<links>\S+)",
    "tsv": r"^(?P<year>20\d\d)\t\d+\t[^\t\n]*\t(?P<title>[^\t\n]+)\t(?P<links>https?://[^\t\n]+)",
    "csv": r"^\d+,(?:\"(?P<quoted>[^\"\n]+)\"|(?P<title>[^,\n\"]+)),(?:\"(?P<authors>[^\"\n]+)\"|(?P<one>[^,\n\"]+)),",
    "names: title, place year": r"^\* (?P<authors>[A-Z][^:\n\[\"]+?)(?:,? [ea]t al\.)?: (?P<title>[A-Z](?:(?!, |\. )[^\n\[\"])+), (?:(?P<venue>[A-Z][A-Za-z]{2,}) )?(?P<year>(?:19|20)\d\d)\. *$",
    "bold, names in italics, place year. [links]": r"^\*\*(?P<title>[^*\n]+?)\.?\*\*<br>\n\*(?P<authors>[^*\n]+?)\.*\*<br> *\n(?P<venue>[A-Z][\w ]*?) (?P<year>20\d\d)\. *(?P<links>\[\[.*)",
    "title, links, sub-bullet of names and place": r"^- (?P<title>[A-Z][^\n\[]+?)\.? *\n  (?P<links>\[\[pdf\]\]\([^\n]+) *\n(?:  \[\[[^\n]*\n)*  - (?P<authors>(?!\w+, \w+ and)(?!\w+, \w+\. )[^*\n]+?)[.,]? +\*(?P<venue>[A-Z][\w-]+) (?P<year>20\d\d)\.?\* *$",
    "emoji by name, linked title": r"^:\w+: :page_facing_up: ?\[(?P<title>[^\]\n]+?)(?: - (?:by (?P<authors>[^\]\n]+)|(?P<one>[A-Z]\w+ et al)))?\](?P<links>\(https?://[^)\n]+\))",
    "see also: bold (year), names [@place]": r"^- (?:See also: )?\*\*(?P<title>[^*\n]+?) \((?P<year>(?:19|20)\d\d)\)\*\*[.,] (?P<authors>[A-Z][^\n\[]+?), (?P<links>\[@.*)",
    "[name] title | [place'year] | [links]": r"^- \*\*\[[^\n]+?\]\*\* (?P<title>[^|\n]+?) \| \*\*\[(?P<venue>[A-Z]\w+)' ?\d\d\]\*\* \|(?P<links>[^\n]*)",
    "table: linked title, place, code, stars": r"^\| \[(?P<title>[^\]\n]+)\](?P<links>\([^)\n]+\)) \| (?P<venue>[A-Z]+) \| \[code\]",
    "page: names above a linked title, place, year": r"^ *<br>\n *(?P<links><a href=\"[^\"]+)\">\s*(?P<title>[^<]+?)\s*</a>\s*<br>\s*(?P<venue>[^<,\n]+), (?P<year>(?:19|20)\d\d)\s*<br>",
    "[title](link) (place'year)": r"^- +\[(?P<title>[^\]\n]+)\](?P<links>\([^)\n]+\)) ?\((?P<venue>[A-Z][\w &-]+)['’]\d\d\)",
    "numbered, bold title. names. place year. [paper]": r"^\d+\. +\*\*(?P<title>[^*\n]+?)\.?\*\*\.? +(?P<authors>[A-Z][^\n\[]+?)\. (?P<venue>[A-Z][A-Za-z]+) (?P<year>20\d\d)\. *(?P<links>\[paper\].*)",
    "page laid out by tables": r"<span class=\"papertitle\">(?P<title>[^<]+?)\s*</span>(?:(?!papertitle)[\s\S])*?<em>(?P<venue>[^<]+)</em>,?\s*(?P<year>20\d\d)",
    "yaml: title, id, date, names, place": r"^ +- title: \"(?P<title>[^\"\n]+)\"\n +id: [^\n]*\n +date: \"(?P<year>20\d\d)-[^\n]*\n +authors: \"(?P<authors>[^\"\n]+)\"\n +venue: \"(?P<venue>[^\"\n]+?) 20\d\d",
    "yaml: name, url, authors, conference, year": r"^ +- name: '(?P<title>[^\n]+)'\n(?: +url: [^\n]*\n)? +authors: '(?P<authors>[^'\n]+)'\n +conference: '(?P<venue>[^'\n]+)'\n +year: '(?P<year>20\d\d)'",
    "json: title, authors, year": r"^ +\"title\": \"(?P<title>[^\"\n]+)\",\n +\"authors\": \[\n(?P<authors>(?: +\"[^\n]+\"\n?,?\n)+) +\],\n(?: +\"(?!year|title)[^\n]*\n)*? +\"year\": \"?(?P<year>20\d\d)",
    "csv: year, title, names; address": r"^(?P<year>20\d\d),(?:\"(?P<quoted>[^\"\n]+)\"|(?P<title>[^,\n\"]+)),(?P<authors>[^,\n\"]+),(?P<links>https?://[^,\n]+),",
    "numbered, bold title. names in italics. place year. [link]": r"^\d+\. \*\*(?P<title>[^*\n]+?)\.?\*\* *\*(?P<authors>[^*\n]+?)\.?\* *(?P<venue>[A-Z][\w &:-]*?),? (?P<year>20\d\d)\. *(?P<links>\[link\].*)",
    "names:title. place (year), as dblp has it": r"^\+ (?P<authors>[A-Z][^:\n]+?):(?P<title>[^:\n](?:(?!\. [A-Z])[^\n])+?)\. (?P<venue>[A-Z][A-Za-z. ]*?)\.? (?:\d+(?:\([\d-]+\))?: [\d:-]+ \((?P<year>20\d\d)\)|(?P<in>20\d\d): [\d:-]+)\s*$",
    "[title](link) — place year in italics · remark": r"^- \[(?P<title>[^\]\n]+)\](?P<links>\(https?://[^)\n]+\)) — \*(?P<venue>[^*\n]+?) (?P<year>20\d\d)\* ·",
    "[box] [title](link), names, year. label in italics": r"^ *- \[[ x]\] \[(?P<title>[^\]\n]+)\](?P<links>\([^\n]+?\)) ?, (?P<authors>[A-Z][^\d\n]*?),? (?P<year>(?:19|20)\d\d)\.",
    "<[title](link)> by names, place, year": r"^\* <\[(?P<title>[^\]\n]+)\](?P<links>\(https?://[^>\n]+\))>,? by (?P<authors>[A-Z][^\d\n]*?), (?:(?P<venue>[A-Z][A-Za-z]+),? )?(?P<year>(?:19|20)\d\d)",
    "[title: name et al.](link)": r"^- \[(?P<title>[^\]\n]+?): (?P<authors>[A-Z][\w -]+) et al\.\](?P<links>\(https?://[^)\n]+\))",
    "title. place(year) [[pdf]](link)": r"^\+ (?P<title>(?:(?!\. [A-Z])[^\n])+?)\. (?P<venue>[A-Z][\w -]*)\((?P<year>20\d\d)\)\.? *(?P<links>\[\[.*)",
    "[box] title address": r"^ *- \[[ x]\] (?P<title>[^\[\n]+?) +(?P<links>https?://\S+)",
    "names, title, journal volume (year) pages": r"^\d+\. (?P<authors>(?:(?:[A-Z]\.[ -]?)+ ?[A-Z][\w-]+(?: [A-Z][\w-]+)?, )+)(?P<title>[A-Z][^,\n]{15,}?), (?!in:)[^\n]*?\((?P<year>(?:19|20)\d\d)\) [\w–-]+",
    "names: blank line, title, blank line, [[paper]]": r"^[*-] +(?P<authors>[A-Z][^\n:]+,[^\n:]+):\s*\n\s*\n +\"?(?P<title>[^\n\[\"]+?)\.?\"? *\n\s*\n +(?P<links>\[\[paper.*)",
    "bold title, names in italics below, place and year in bold": r"^\+ \*\*(?P<title>[^*\n]+?)\.?\*\*\s*\n\s*\n +\*(?P<authors>[^*\n]+?)\.?\*\.? *\*\*(?P<venue>[A-Za-z][\w -]*?),? *(?P<year>(?:19|20)\d\d)\.?\*\*",
    "[title](link), a paragraph each": r"^\[(?P<title>[^\]\n]+)\](?P<links>\(https?://(?:arxiv|aclweb|www\.aclweb|aclanthology)[^)\n]+\))\s*$",
}  # fmt: skip
_FIELDS = ("authors", "year", "venue", "links")


class Entry(NamedTuple):
    """What the source says of one paper; what it does not say is empty."""

    title: str
    authors: tuple[str, ...]
    year: str
    venue: str
    links: tuple[str, ...]
    line: int


def norm(text: str) -> str:
    """What two spellings of a text share."""
    plain = normalize("NFKD", re.sub(r"\\+(?:text|circ\b)", "", text))  # formulas are shown as they are printed
    return re.sub(r"[\W_]+", "", plain.lower())


def address(url: str) -> str:
    """What two spellings of an address share."""
    url = re.sub(r"^https?://(?:www\.)?", "", unescape(url).lower()).replace("/pdf/", "/abs/").rstrip("/")
    return re.sub(r"v\d+$", "", re.sub(r"\.pdf$", "", url))


def bare(text: str) -> str:
    """A text without markup."""
    text = re.sub(r"\\(?=[^\w\s])|<[^<>]*>|:\w+:", "", re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", unescape(text)))
    return " ".join(re.sub(r"[*_`~$]+", "", text).split()).strip(" .,\"'“”|-")


def names(text: str) -> tuple[str, ...]:
    """The names of a text, by their separators alone."""
    text = re.sub(r"\([^()]*\)|[*†‡§¶∗]|\bet al\b\.?|\.\.\.", "", bare(text))
    parts = re.split(r";", text) if ";" in text else re.split(r",\s*(?:and\s+)?|\s+and\s+|\s*&\s*", text)
    return tuple(" ".join(sorted(re.findall(r"\w+", part.lower()))) for part in parts if re.search(r"\w", part))


def count(text: str, pattern: str) -> list[Entry]:
    """The entries that one shape finds."""
    out = []
    for match in re.finditer(pattern, text, re.M):
        said = {name: value or "" for name, value in match.groupdict().items()}
        links = tuple(map(address, re.findall(_URL, said.get("links", ""))))
        title, who = said["title"] or said.get("quoted", ""), said.get("authors") or said.get("one", "")
        said["year"] = said.get("year") or said.get("in", "")
        out.append(Entry(bare(title), names(who), said.get("year", ""), bare(said.get("venue", "")), links,
                         text.count("\n", 0, match.start()) + 1))  # fmt: skip
    return [entry for entry in out if len(norm(entry.title)) > 3]


def counted(text: str) -> tuple[str, list[Entry]]:
    """The shapes of a list, and its entries: the best shape, and each other that adds a tenth on other lines."""
    found = {name: count(text, pattern) for name, pattern in SHAPES.items()}
    best = sorted(found, key=lambda name: -sum(sum(map(bool, entry)) for entry in found[name]))
    taken, shapes = list(found[best[0]]), [best[0]]
    for name in best[1:]:
        known = {norm(entry.title) for entry in taken} | {str(entry.line) for entry in taken}
        more = [e for e in found[name] if norm(e.title) not in known and str(e.line) not in known]
        if len(more) * 10 > len(taken):
            taken += more
            shapes.append(name)
    return " + ".join(shapes), taken


def kb(folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours in a folder."""
    return subprocess.run([*KB, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def listed(folder: str) -> list[dict[str, Any]]:
    """The papers of a knowledge base."""
    return list(json.loads(kb(folder, "list", "--json").stdout or "[]"))


def person(name: Any) -> str:
    """The words of a name, in order of the alphabet."""
    text = name if isinstance(name, str) else " ".join(filter(None, name.values()))
    return " ".join(sorted(re.findall(r"\w+", text.lower())))


def right(entry: Entry, paper: dict[str, Any], field: str) -> bool:
    """Whether a paper says of a field what the source says."""
    if field == "authors":
        return sorted(name for name in map(person, paper["authors"]) if name != "others") == sorted(entry.authors)
    if field == "year":
        return str(paper.get("year") or "") == entry.year
    if field == "venue":
        mine, theirs = norm(re.sub(r"\d+", "", str(paper.get("venue") or ""))), norm(re.sub(r"\d+", "", entry.venue))
        return bool(mine) and (mine in theirs or theirs in mine)
    have = {address(link["url"] if isinstance(link, dict) else link[1]) for link in paper["links"]}
    return entry.links[0] in have


def compare(entries: list[Entry], papers: list[dict[str, Any]], verbose: bool) -> Counter[str]:
    """Hold each entry against the paper of its title."""
    by_title: dict[str, list[dict[str, Any]]] = {}
    by_link: dict[str, list[dict[str, Any]]] = {}
    known = {norm(entry.title) for entry in entries}
    for paper in papers:
        by_title.setdefault(norm(paper["title"]), []).append(paper)
        for link in paper["links"] if norm(paper["title"]) in known else ():  # a work that the list has twice
            by_link.setdefault(address(link["url"] if isinstance(link, dict) else link[1]), []).append(paper)
    c: Counter[str] = Counter()
    for entry in entries:
        c["titles/of"] += 1
        same = by_title.get(norm(entry.title)) or by_link.get(entry.links[0] if entry.links else "", [])
        c["titles"] += bool(same)
        if not same and verbose:
            print(f"      {entry.line}: no paper {entry.title!r}")
        for field in _FIELDS:
            if not getattr(entry, field) or not same:
                continue
            c[f"{field}/of"] += 1
            good = any(right(entry, paper, field) for paper in same)
            c[field] += good
            if not good and verbose:
                there = [paper.get(field) for paper in same]
                print(f"      {entry.line}: {field} {getattr(entry, field)!r} is {str(there)[:150]}")
    beyond = [paper for paper in papers if norm(paper["title"]) not in known]
    c["beyond"] = len(beyond)
    if verbose:
        for paper in beyond:
            print(f"      beyond: {paper['title'][:100]!r} {list(paper['links'])[:1]}")
    return c


def measure(place: str, verbose: bool) -> None:
    """Import one list, twice; export it and import that; print a line."""
    name = place.rsplit("/", 1)[-1]
    data = urllib.request.urlopen(place).read() if place.startswith("http") else Path(place).read_bytes()  # noqa: S310 - an address that the caller types
    shape, entries = counted(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        source = Path(folder, name)
        kb(folder, "init")
        source.write_bytes(data)
        start = time.monotonic()
        first = kb(folder, "import", name)
        seconds = time.monotonic() - start
        c = compare(entries, listed(folder), verbose)
        again = kb(folder, "import", name, "--json")
        changed = sum(
            p["action"] != "unchanged" for p in json.loads(again.stdout or "{}").get("papers", [{"action": ""}])
        )
        kb(other, "init")
        Path(other, "list.md").write_text(kb(folder, "export", "markdown").stdout, encoding="utf-8")
        kb(other, "import", "list.md")
        trip = len(set(files(folder)) ^ set(files(other)))
    shares = " ".join(f"{f} {c[f]}/{c[f + '/of']}" for f in ("titles", *_FIELDS) if c[f + "/of"])
    print(f"{name[:40]:40} {len(data) // 1000:4} kB {seconds:4.1f} s rc {first.returncode}  {shares}"
          f"  beyond {c['beyond']}  again {changed}  trip {trip}  [{shape}]")  # fmt: skip
    for line in (first.stdout + first.stderr).splitlines()[-2:] if verbose else ():
        print("      " + line[:200])
    if "Traceback" in first.stderr:
        print(first.stderr[-2000:])


def files(folder: str) -> list[tuple[str, str]]:
    """Every paper file and its text."""
    return sorted((path.name, path.read_text(encoding="utf-8")) for path in Path(folder, "papers").glob("*.md"))


if __name__ == "__main__":
    chosen = [argument for argument in sys.argv[1:] if argument != "-v"]
    if not chosen:
        sys.exit(__doc__)
    for each in chosen:
        measure(each, "-v" in sys.argv)
