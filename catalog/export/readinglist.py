"""A reading list in Markdown, in the shape people keep by hand; importing it again gives the same papers.

Where the plain shape would be read otherwise than it is meant, a mark says so: a name in backticks stands for itself,
`[here](<address> "=label")` is an address and a label to the letter, and notes that could be taken for structure
stand between `<!-- notes -->` and `<!-- /notes -->`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from catalog import front
from catalog.facts import Facts
from catalog.models import Link, Paper, Tutorial
from catalog.text import ticks

_PLAIN_NAMES = frozenset(("paper", "code", "blog", "docs", "model", "dataset", "slides", "video", "homepage", "demo"))
_PLAIN_URL = re.compile(r"https?://[\w.-]+(?:/[\w./~@+-]*)?(?:\?[\w=&.-]*)?(?:#[\w-]+)?|(?:\.\./)*[\w-][\w./-]*")
_ALTERED_URL = re.compile(
    r"arxiv\.org/pdf/.*\.pdf|[?&]\w*(?:trk|track|utm|clid|ref|mc_|igsh|_hs|mkt|oly|vero|wt_|spm)|^www\.|://https?:",
    re.I,
)
_DOMAIN_FIRST = re.compile(r"^(?:www\.|[\w-]+(?:\.[\w-]+)+/)")
_PLAIN_LABEL = re.compile(r"\d[A-Za-z0-9.]*[A-Za-z0-9]|[A-Z][a-z]+-\d+[A-Za-z]?")
FRONT_MATTER = "yaml front matter"  # after the fence of fields that a list has no words for
BACKSLASH = "\\"
_WORD_LABEL = re.compile(
    r"(?i)(?:here|links?|this|url|click|open|read|download|full|text|web|page|src|\W|paper|pdf|"
    r"arxiv|code|git|blog|docs?)"
)
_PLAIN_KEY = re.compile(r"[\w:./+-]{1,200}")
_PLAIN_VERSION = re.compile(r"[A-Za-z][\w-]*=[\w.]+")
_PLAIN_TITLE = re.compile(r"[A-Za-z]\w*(?:(?:[:,]? |-)[A-Za-z0-9]\w*)*[?!]?")
_PLAIN_VENUE = re.compile(r"[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+)*")
_ESCAPE = re.compile(
    r"[\\`*_\[\]<>{}~【】]|(?<=:)/(?=/)|(?<=[wW])\.|^(?:[*+-]|#+)(?=\s)|"
    r"(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]|^\((?=\d)"
)
_NOTE_LINE = re.compile(r"(?:[-*] )?[A-Za-z\"'($][^\n]*")
_SENTENCE = re.compile(
    r"\b(?:see|too|for|as|which|is|are|in|of|has|more|by|on|with|the|that|this|builds|like|than)\b", re.I
)
_RISKY = re.compile(
    r"https?:|www\.|://|\]\[|^\[|^[*_>`~#|@<!$]{2}|^[@<|#~!]|^\S{0,60}:|`{3}|@\w+\s*[{(]|<!--|</?\w|"
    r"\|.*\||^\s*[=-]{2,}\s*$|"
    r"^[^.:]{0,60}[:：](?:[\s*_]|$)|\blinks?\b|^\W*(?:citation|cite|bibtex|bib|citing|reference)s?\W*$",
    re.I,
)


def dumps(papers: Sequence[Paper], known: Mapping[str, Facts], title: str = "Reading list") -> str:
    """The list: a heading a paper, its facts and links, tutorials, BibTeX and notes. `known` has the shown titles."""
    head = f"# {escaped(title) or 'Reading list'}\n"
    if title != "Reading list":
        head += "<!-- this title is no tag -->\n"
    return head + "".join(f"\n\n{_section(paper, known.get(paper.key))}" for paper in papers)


def _section(paper: Paper, facts: Facts | None) -> str:
    title = paper.title or (facts.heading if facts else paper.key)
    parts = [f"#### {escaped(title)} [`{paper.status.upper()}`]"]
    parts += _facts(paper, title)
    parts += _links(paper.links)
    parts += _more(paper)
    if paper.tutorials:
        parts += ["tutorial links:", _table(paper.tutorials)]
    if paper.bibtex:
        parts.append(f"citation:\n{_bibtex(paper.bibtex)}")
    if paper.notes:
        parts.append(paper.notes if is_plain(paper.notes) else _fenced_notes(paper.notes))
    return "\n\n".join(parts) + "\n"


def _facts(paper: Paper, title: str) -> list[str]:
    facts = [] if _PLAIN_TITLE.fullmatch(title) else [f"title: {as_code(' '.join(title.split()))}"]
    if paper.key != _entry_key(paper.bibtex):
        facts.append(f"key: {_key(paper.key)}")
    if paper.tags:
        facts.append("tag: " + " | ".join(f"`{tag}`" for tag in paper.tags))
    facts += ["authors: " + " | ".join(f"`{name}`" for name in paper.authors)] if paper.authors else []
    facts += [f"date: {as_code(paper.date)}"] if paper.date else []
    facts += [f"year: {paper.year if 1900 < paper.year < 2026 else as_code(str(paper.year))}"] if paper.year else []
    if paper.venue:
        facts.append(f"venue: {paper.venue if _PLAIN_VENUE.fullmatch(paper.venue) else as_code(paper.venue)}")
    facts += [f"kind: {as_code(paper.kind)}"] if paper.kind else []
    if paper.ids:
        facts.append("ids: " + " | ".join(as_code(f"{name}={value}") for name, value in paper.ids.items()))
    facts += [f"rating: {paper.rating}"] if paper.rating else []
    facts += [f"abstract: {as_code(paper.abstract)}"] if paper.abstract else []
    facts += [f"{name}: {day}" for name in ("added", "read", "due") if (day := getattr(paper, name))]
    if paper.aliases:
        plain = all(_PLAIN_KEY.fullmatch(alias) for alias in paper.aliases)
        facts.append("aliases: " + ", ".join(alias if plain else as_code(alias) for alias in paper.aliases))
    return facts


def _more(paper: Paper) -> list[str]:
    """What a list has no words for: fields of others, and the works that this one is not."""
    fields = [front.field("different", list(paper.different))] if paper.different else []
    fields += [text for name, text in paper.extras.items() if not name.startswith("#")]
    fence = ticks("".join(fields))
    return [f"{fence}{FRONT_MATTER}\n{''.join(fields)}{fence}"] if fields else []


def _entry_key(bibtex: str) -> str:
    match = re.match(r"\s*@\s*\w+\s*[{(]\s*([^\s,{}]+)\s*,", bibtex)
    return match[1] if match else ""


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else as_code(key)


def _links(links: Sequence[Link]) -> list[str]:
    names = dict.fromkeys(link.name for link in links)
    lines = []
    for name in names:
        same = [_link(link.url, link.label) for link in links if link.name == name]
        word = "links" if len(same) > 1 else "link"
        lines.append(f"{name if name in _PLAIN_NAMES else as_code(name)} {word}: {' | '.join(same)}")
    return lines


def _link(url: str, label: str) -> str:
    """A link, plain where it is read back as it is; else with its address and label to the letter."""
    plain_url = _PLAIN_URL.fullmatch(url) and not _ALTERED_URL.search(url) and not url.startswith("#")
    if plain_url and not url.startswith("http") and _DOMAIN_FIRST.match(url):
        plain_url = None
    plain_label = not label or (_PLAIN_LABEL.fullmatch(label) and not _WORD_LABEL.search(label) and "  " not in label)
    if plain_url and plain_label and not label.startswith("_") and "_ " not in f"{label} " and " _" not in label:
        return f"[{label or 'here'}]({url})"
    address = url.replace("&", "&amp;") if html.unescape(url) != url else url
    return f'[here](<{address}> "={_entities(label.replace(BACKSLASH, BACKSLASH * 2))}")'


def as_code(text: str) -> str:
    """Text in a code span, which stands for itself."""
    fence = ticks(text, 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _table(tutorials: Sequence[Tutorial]) -> str:
    rows = ["|tutorial name|public date|main-lib version|notebook link|", "|-|-|-|-|"]
    for one in tutorials:
        plain = all(_PLAIN_VERSION.fullmatch(f"{lib}={version}") for lib, version in one.versions.items())
        versions = ", ".join(_version(lib, version, plain) for lib, version in one.versions.items())
        notebook = _link(one.notebook, "") if one.notebook else ""
        rows.append(f"|{_entities(one.name)}|{_entities(one.date)}|{versions}|{notebook.replace('|', chr(92) + '|')}|")
    return "\n".join(rows)


def _version(library: str, version: str, plain: bool) -> str:
    """A library and its version; in code, where other characters would be read otherwise."""
    if plain:
        return f"{library}={version}"
    text = f"{library.replace('%', '%25').replace('=', '%3D')}={version}"
    return as_code(text).replace("|", "\\|")


def _bibtex(text: str) -> str:
    """The entry in a fence longer than any in it; marked verbatim where it does not look like one whole entry."""
    fence = ticks(text)
    one = re.match(r"@[A-Za-z]+\{[^\s,{}]+,", text) and text.endswith("}") and text.count("{") == text.count("}")
    whole = one and not re.search(r"^[ \t]*(?:[@#%<]|$)", text[1:], re.M) and text.count("@") == 1 and "<" not in text
    return f"{fence}bibtex{'' if whole else ' verbatim'}\n{text}\n{fence}"


def is_plain(notes: str) -> bool:
    """Whether notes are prose that nothing would take for structure."""
    if re.search(r"[^\S \n]|\n\n\n|[^\n] \n|^ ", notes) or notes.count("$$") or notes.count("`") % 2:
        return False
    return all(not line or _is_plain_line(line) for line in notes.split("\n"))


def _is_plain_line(line: str) -> bool:
    """Whether a line is prose; one with a link must be a sentence around it."""
    if not _NOTE_LINE.fullmatch(line) or _RISKY.search(line):
        return False
    return "](" not in line or bool(_SENTENCE.search(re.sub(r"\[[^\[\]]*\]\([^()]*\)", " ", line)))


def _fenced_notes(notes: str) -> str:
    number = ""
    lines = set(notes.split("\n"))
    while f"<!-- /notes{number} -->" in lines:
        number = f" {int(number or 1) + 1}"
    return f"<!-- notes{number} -->\n{notes}\n<!-- /notes{number} -->"


def escaped(title: str) -> str:
    """A title whose characters mean themselves in a heading."""
    title = " ".join(title.split())
    if html.unescape(title) != title:
        title = title.replace("&", "&amp;")
    return _ESCAPE.sub(lambda match: "".join(f"\\{char}" for char in match[0]), title)


def _entities(text: str) -> str:
    """Text that no reader of tables, links or versions takes for a mark."""
    marks = r"(?<=[wW])\.|(?<!\w)_+|_+(?!\w)|[!-*,:-@\[-^`{-~]"
    return re.sub(marks, lambda found: "".join(f"&#{ord(mark)};" for mark in found[0]), text)
