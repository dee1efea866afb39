"""A .bib file as papers, and what its entries share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import count

from catalog.bibtex import MONTHS
from catalog.bibtex.held import with_macros
from catalog.bibtex.scan import blocks
from catalog.errors import Finding
from catalog.ingest.draft import Draft, Source
from catalog.ingest.shared import values_of

SHARED_TYPES = frozenset({"xdata", "set"})


def read(text: str, path: str = "") -> Source:
    """Every entry of a .bib text as a draft, its text repaired where that could be done safely.

    An entry that cannot be read is a draft too, verbatim, with a finding of kind "rejected". `@string`, `@preamble`,
    `@xdata` and comments are what the file shares. A macro that the file defines anew has another name from there on.
    """
    drafts, shared, findings = [], [], []
    macros = dict(MONTHS)
    defined: set[str] = set()
    names: dict[str, str] = {}
    for block in blocks(text):
        findings += [replace(finding, path=path, key=finding.key or block.key) for finding in block.findings]
        if block.kind == "string":
            for name, value in values_of(block.text, macros).items():
                if name in defined and macros[name] != value:
                    names[name] = _free(name, defined)
                    message = f"@string {name} is defined anew with another value"
                    remedy = f"what follows calls it {names[name]}"
                    findings.append(Finding("string-clash", message, remedy, path, block.line, name, "repaired"))
        own = with_macros(block.text, names)
        values = values_of(own, macros)
        macros |= values
        defined |= values.keys()
        if block.kind in ("entry", "broken") and _type(block.text) not in SHARED_TYPES:
            drafts.append(Draft(bibtex=own.strip(), key=block.key, line=block.line, path=path))
        elif own.strip():
            shared.append(own.strip())
    return Source(tuple(drafts), tuple(shared), tuple(findings))


def _free(name: str, defined: Collection[str]) -> str:
    return next(new for number in count(2) if (new := f"{name}-{number}") not in defined)


def _type(text: str) -> str:
    return text.lstrip().removeprefix("@").lstrip().partition("{")[0].partition("(")[0].strip().lower()
