"""References with a tag a line as records: RIS, by rispy; PubMed's nbib, EndNote's .enw, Web of Science."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from catalog.errors import Finding
from catalog.ingest.draft import Source
from catalog.ingest.report import clean
from catalog.ingest.words import table
from catalog.text import Lines

_RIS = re.compile(r"^TY  ?- ", re.M)
Records = list[tuple[int, dict[str, Any]]]


class _Form(NamedTuple):
    """The tag that begins a record, how a line has its tag and value, and what the tags are called here."""

    first: str
    line: re.Pattern[str]
    names: Mapping[str, str]


_FORMS = (
    _Form("PMID", re.compile(r"([A-Z]{2,4}) *- (.*)"), table("nbib")),
    _Form("%0", re.compile(r"(%\S) (.*)"), table("enw")),
    _Form("PT", re.compile(r"([A-Z][A-Z\d])(?: (.*)|$)"), table("wos")),
)
_SILENT = frozenset(
    str.split("OWN STAT DCOM LR DA CRDT EDAT MHDA PHST PST SB PT UT FN VR EF ER SO TA PL JID NR TC Z9 U1 U2")
)
_LINE_EACH = frozenset({("%0", "keywords"), ("PT", "authors"), ("PT", "au"), ("PT", "editor")})  # a value a line
_MANY = frozenset({"authors", "au", "keywords", "tags", "editor", "identifier", "url", "issn"})


def is_tagged(text: str) -> bool:
    """Whether a text is of references with a tag a line."""
    return is_ris(text) or _form(text) is not None


def is_ris(text: str) -> bool:
    """Whether a text is RIS."""
    return bool(_RIS.match(text.lstrip("\ufeff\n ")))


def read(text: str, path: str = "") -> Records | Source:
    """The references with their lines; a `Source` that says why, where there are none to be had."""
    if is_ris(text):
        return _read_ris(text, path)
    form = _form(text)
    return _parsed(text, form) if form else []


def columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of Web of Science's table under the names of its columns' tags."""
    names = {**_FORMS[2].names, "AU": "au" if "AF" in row else "authors"}
    return {names.get(name, name): value for name, value in row.items()}


def _form(text: str) -> _Form | None:
    lines = [line for line in text.lstrip("\ufeff\n ").split("\n", 40)[:40] if line.strip()]
    for form in _FORMS:
        tags = [found[1] for line in lines if (found := form.line.match(line))]
        known = sum(tag in form.names or tag in _SILENT for tag in tags)
        if form.first in tags[:4] and known > 2 and known * 2 > len(tags):
            return form
    return None


def _parsed(text: str, form: _Form) -> Records:
    found: Records = []
    last = ""
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        tag = form.line.match(line)
        if tag and tag[1] == form.first:
            found.append((number, {}))
        if not found or not line.strip():
            continue
        record = found[-1][1]
        if tag:
            last, value = form.names.get(tag[1], tag[1]), (tag[2] or "").strip()
            if last in _SILENT:
                last = ""
            else:
                record.setdefault(last, []).append(value)
        elif last and record.get(last):
            if (form.first, last) in _LINE_EACH:
                record[last].append(line.strip())
            else:
                record[last][-1] += f" {line.strip()}"
    return [(number, _tidied(record)) for number, record in found if record]


def _tidied(record: Mapping[str, list[str]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, values in record.items():
        kept = [clean(value) for value in values if value]
        for value in [one for one in kept if name == "identifier"]:
            if (ident := re.fullmatch(r"(\S+) \[(doi|pmc)\]", value)) and ident[2] == "doi":
                made["doi"] = ident[1]
        if kept and name != "identifier":
            made[name] = kept if name in _MANY or len(kept) > 1 else kept[0]
    short = made.pop("au", [])
    return made if "authors" in made or not short else made | {"authors": short}


def _read_ris(text: str, path: str) -> Records | Source:
    import rispy

    begins = [m.start() for m in _RIS.finditer(text)]
    starts = list(map(Lines(text).of, begins))
    written = [
        text[at:end].split("\nER  -")[0].split("\n") for at, end in zip(begins, [*begins[1:], None], strict=True)
    ]
    try:
        found = rispy.loads(
            "\n".join(line for lines in written for line in (*filter(str.strip, lines), "ER  - "))
        )  # each ends, then
    except (OSError, ValueError, KeyError, IndexError) as e:
        message = f"this RIS cannot be read: {e}"
        return Source(
            findings=(Finding("ris", message, "export it again, or export BibTeX", path, 1, kind="rejected"),)
        )
    records: Records = []
    for at, one in enumerate(found):
        record: dict[str, Any] = {k: v for k, v in one.items() if v}
        pages = [str(record.pop(k)) for k in ("start_page", "end_page") if k in record]
        if pages:
            record["pages"] = "–".join(pages)
        year = str(record.get("year") or record.get("publication_year") or "").strip("/")
        if year and "date" not in record:
            record["year"] = year
        for venue in ("journal_name", "alternate_title2", "alternate_title3"):
            if venue in record and not record.get("secondary_title"):
                record["secondary_title"] = record.pop(venue)
        whole = len(found) == len(starts)
        records.append((starts[at] if at < len(starts) else 1, record | {"\0written": written[at] if whole else []}))
    return records
